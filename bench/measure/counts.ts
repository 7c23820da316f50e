// What no noise touches: system calls (strace), instructions of the program (callgrind), page faults
// (getrusage).
import { toolPath } from "../../test/support/tool.ts";
import type { Plugin, Program } from "../plugin.ts";
import type { Report } from "../report.ts";
import { Samples } from "../sample.ts";
import { openNode, pause, type Scene } from "../scene.ts";

type Verb = "add" | "del";

const NOTES = "/run/bench/notes";
const ROUNDS = 5;

/** Another program that looks on, and how its notes tell a number. */
export interface Counter {
  what: string;
  through: string[];
  number: RegExp;
}

const systemCalls = (): Counter => ({
  what: "system calls",
  through: [toolPath("strace"), "-f", "-c", "-U", "calls,name", "-o", NOTES],
  number: /^\s*(\d+) total$/m,
});

/** The instructions of the program, in thousands. */
export const thousandInstructions = (): Counter => ({
  what: "instructions",
  through: [
    toolPath("valgrind"),
    "--tool=callgrind",
    "--callgrind-out-file=/dev/null",
    `--log-file=${NOTES}`,
  ],
  number: /Collected : (\d+)\d{3}$/m,
});

export async function measureCounts(scene: Scene, report: Report): Promise<void> {
  report.heading(
    "What a call asks for",
    "the second pod and later; the reference is bridge with host-local, iptables and no instructions",
  );
  report.columns();
  for (const masquerade of [false, true]) {
    const { ours, reference } = scene;
    const faults = {
      ours: await faultsOf(scene, ours, masquerade),
      reference: await faultsOf(scene, reference, masquerade),
    };
    const calls = {
      ours: await countsOf(scene, ours, masquerade, systemCalls()),
      reference: await countsOf(scene, reference, masquerade, systemCalls()),
    };
    const instructions = await countsOf(scene, ours, masquerade, thousandInstructions());
    for (const verb of ["add", "del"] as const) {
      const name = `${verb.toUpperCase()}${masquerade ? ", masquerade" : ""}`;
      report.plain(`${name}: system calls`, String(calls.ours[verb]), String(calls.reference[verb]));
      report.plain(
        `${name}: page faults`,
        String(faults.ours.of(verb).median),
        String(faults.reference.of(verb).median),
      );
      report.plain(`${name}: instructions, thousands`, String(instructions[verb]));
    }
  }
}

async function faultsOf(scene: Scene, program: Program, masquerade: boolean): Promise<Samples<Verb>> {
  const plugin = await openNode(scene, program, { masquerade }, ["pod"]);
  await using _host = plugin.host;
  const faults = new Samples<Verb>();
  for (let round = -1; round < ROUNDS; round++) {
    for (const verb of ["add", "del"] as const) {
      await pause();
      const timing = await plugin[verb]("pod");
      if (round >= 0) faults.of(verb).add(timing.faults);
    }
  }
  return faults;
}

/** One ADD and one DEL under the eyes of `counter`. */
async function countsOf(
  scene: Scene,
  program: Program,
  masquerade: boolean,
  counter: Counter,
): Promise<Record<Verb, number>> {
  const plugin = await openNode(scene, { ...program, through: counter.through }, { masquerade }, ["pod"]);
  await using _host = plugin.host;
  return await countOnePod(plugin, counter);
}

/** One ADD and one DEL of the pod `pod`; the plugin's calls go through `counter`. */
export async function countOnePod(
  plugin: Plugin,
  { what, through, number }: Counter,
): Promise<Record<Verb, number>> {
  const counts: Partial<Record<Verb, number>> = {};
  for (const verb of ["add", "del"] as const) {
    await plugin[verb]("pod");
    const notes = plugin.host.read(NOTES);
    const found = number.exec(notes)?.[1];
    if (found === undefined) throw new Error(`${through[0]} told no ${what}: ${notes}`);
    counts[verb] = Number(found);
  }
  return { add: counts.add!, del: counts.del! };
}
