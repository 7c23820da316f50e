// Pods without a bridge ("attach": "ptp") beside the reference `ptp`, and the 3,000th of them beside the
// fourth.
import { toolPath } from "../../test/support/tool.ts";
import type { Plugin, Program, Wishes } from "../plugin.ts";
import type { Report } from "../report.ts";
import { Samples } from "../sample.ts";
import { openNode, pause, quiet, rotate, type Scene } from "../scene.ts";
import { countOnePod, thousandInstructions } from "./counts.ts";

type Verb = "add" | "del";
type Name = "ours" | "reference" | "ours plain" | "reference plain" | "ours beside many";

/** So many pods, those with which every node starts included; a bridge has 1,023 ports. */
const PODS = 3_000;
const RESIDENTS = 3;
const AT_ONCE = 50;

const LINES: [what: string, verb: Verb, ours: Name, base: Name, target: number][] = [
  ["ADD, masquerade; reference with iptables", "add", "ours", "reference", 0.25],
  ["ADD, no masquerade", "add", "ours plain", "reference plain", 0.4],
  ["DEL, masquerade; reference with iptables", "del", "ours", "reference", 0.35],
  ["DEL, no masquerade", "del", "ours plain", "reference plain", 0.85],
];

/** The keys of the bridge make no sense here; the default route comes from ipam on both sides. */
const KEYS = {
  bridge: undefined,
  isDefaultGateway: undefined,
  ipam: { type: "host-local", ranges: [[{ subnet: "10.77.0.0/16" }]], routes: [{ dst: "0.0.0.0/0" }] },
};

export async function measurePtp(scene: Scene, report: Report): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const contenders: { name: Name; plugin: Plugin }[] = [];
  const reference = { ...scene.reference, type: "ptp", path: toolPath("ptp") };
  for (const [name, program, masquerade] of [
    ["ours", scene.ours, true],
    ["reference", reference, true],
    ["ours plain", scene.ours, false],
    ["reference plain", reference, false],
  ] as const) {
    const plugin = await openNode(scene, program, wishes(program, masquerade), ["pod"]);
    stack.use(plugin.host);
    contenders.push({ name, plugin });
  }
  const times = await timesOf(contenders, scene.rounds);
  report.heading("One pod without a bridge", "milliseconds: median (least); the reference is ptp");
  report.columns();
  for (const [what, verb, ours, base, target] of LINES)
    report.line({ what, ours: times.of(`${verb} ${ours}`), reference: times.of(`${verb} ${base}`), target });
  await measureMany(scene, report);
}

/** The same call where three other pods are, and where 2,999 are. */
async function measureMany(scene: Scene, report: Report): Promise<void> {
  const { through } = thousandInstructions();
  const few = await openNode(scene, scene.ours, wishes(scene.ours, true), ["pod"]);
  await using _few = few.host;
  const many = await openNode(scene, scene.ours, wishes(scene.ours, true), ["pod"]);
  await using _many = many.host;
  await fill(many);
  const times = await timesOf(
    [
      { name: "ours", plugin: few },
      { name: "ours beside many", plugin: many },
    ],
    scene.rounds,
  );
  report.heading(`One pod beside ${PODS - 1} without a bridge`, "ratio: beside ours with three others");
  report.columns();
  for (const verb of ["add", "del"] as const) {
    const what = `${verb.toUpperCase()}, masquerade`;
    const [ours, base] = [times.of(`${verb} ours beside many`), times.of(`${verb} ours`)];
    report.line({ what, ours, base });
  }
  const watched = (of: Plugin) => of.with({ ...scene.ours, through });
  const counts = {
    few: await countOnePod(watched(few), thousandInstructions()),
    many: await countOnePod(watched(many), thousandInstructions()),
  };
  report.heading("Instructions of the program, in thousands", `beside ${PODS - 1} others, and beside three`);
  for (const verb of ["add", "del"] as const)
    report.count(`${verb.toUpperCase()}, masquerade`, counts.many[verb], counts.few[verb], 1.25);
}

async function fill(plugin: Plugin): Promise<void> {
  const others = Array.from({ length: PODS - RESIDENTS }, (_, index) => `other-${index}`);
  await plugin.host.makePods(others, "without loopback");
  for (let at = 0; at < others.length; at += AT_ONCE) await plugin.addAll(others.slice(at, at + AT_ONCE));
  await quiet();
}

async function timesOf(
  contenders: readonly { name: Name; plugin: Plugin }[],
  rounds: number,
): Promise<Samples<`${Verb} ${Name}`>> {
  const times = new Samples<`${Verb} ${Name}`>();
  // The first two rounds warm the page cache and make what only a first pod makes.
  for (let round = -2; round < rounds; round++)
    for (const verb of ["add", "del"] as const)
      for (const { name, plugin } of rotate(contenders, round + 2)) {
        await pause();
        const { ms } = await plugin[verb]("pod");
        if (round >= 0) times.of(`${verb} ${name}`).add(ms);
      }
  return times;
}

function wishes({ type }: Program, masquerade: boolean): Wishes {
  return { masquerade, keys: { ...KEYS, ...(type === "ptp" ? {} : { attach: "ptp" }) } };
}
