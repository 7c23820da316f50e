// One pod comes, one pod goes: time and peak memory of ADD and DEL, all contenders in turn.

import type { Report } from "../report.ts";
import { Samples } from "../sample.ts";
import { openNode, pause, rotate, type Scene } from "../scene.ts";

type Verb = "add" | "del";
type Name = "ours" | "ours plain" | "iptables" | "nftables" | "plain";

const LINES: [what: string, verb: Verb, ours: Name, reference: Name, target?: number][] = [
  ["ADD, masquerade; reference with iptables", "add", "ours", "iptables", 0.18],
  ["ADD, masquerade; reference with nftables", "add", "ours", "nftables", 0.11],
  ["ADD, no masquerade", "add", "ours plain", "plain", 0.42],
  ["DEL, masquerade; reference with iptables", "del", "ours", "iptables", 0.38],
  ["DEL, masquerade; reference with nftables", "del", "ours", "nftables"],
  ["DEL, no masquerade", "del", "ours plain", "plain", 0.85],
];

export async function measureAddAndDel(scene: Scene, report: Report): Promise<void> {
  const { ours, reference } = scene;
  await using stack = new AsyncDisposableStack();
  const contenders: { name: Name; plugin: Awaited<ReturnType<typeof openNode>> }[] = [];
  const open = async (
    name: Name,
    ...[program, wishes]: [typeof ours, Parameters<typeof openNode>[2]]
  ): Promise<void> => {
    const plugin = await openNode(scene, program, wishes, ["pod"]);
    stack.use(plugin.host);
    contenders.push({ name, plugin });
  };
  await open("ours", ours, { masquerade: true });
  await open("iptables", reference, { masquerade: true });
  await open("nftables", reference, { masquerade: true, backend: "nftables" });
  await open("ours plain", ours, { masquerade: false });
  await open("plain", reference, { masquerade: false });

  const times = new Samples<`${Verb} ${Name}`>();
  const memory = new Samples<`${Verb} ${Name}`>();
  const processor = new Samples<`${Verb} ${Name}`>();
  // The first two rounds warm the page cache and make what only a first pod makes.
  for (let round = -2; round < scene.rounds; round++) {
    for (const verb of ["add", "del"] as const) {
      for (const { name, plugin } of rotate(contenders, round + 2)) {
        await pause();
        const { ms, peakMB, processorMs } = await plugin[verb]("pod");
        if (round < 0) continue;
        times.of(`${verb} ${name}`).add(ms);
        memory.of(`${verb} ${name}`).add(peakMB);
        processor.of(`${verb} ${name}`).add(processorMs);
      }
    }
  }

  report.heading("One pod", "milliseconds from the call to its end as the caller sees it: median (least)");
  report.columns();
  for (const [what, verb, who, other, target] of LINES) {
    report.line({ what, ours: times.of(`${verb} ${who}`), reference: times.of(`${verb} ${other}`), target });
  }

  report.heading(
    "Processor time of one call",
    "milliseconds in the program and in the kernel, of all processes of the call",
  );
  report.columns();
  report.line({
    what: "ADD, no masquerade",
    ours: processor.of("add ours plain"),
    reference: processor.of("add plain"),
    target: 0.3,
  });
  report.line({
    what: "ADD, masquerade; reference with iptables",
    ours: processor.of("add ours"),
    reference: processor.of("add iptables"),
    target: 0.3,
  });

  report.heading("Peak resident memory of one call", "the most that was seen");
  report.columns();
  report.memory(
    "ADD, masquerade; reference with iptables",
    memory.of("add ours"),
    memory.of("add iptables"),
    0.65,
  );
  report.memory(
    "DEL, masquerade; reference with iptables",
    memory.of("del ours"),
    memory.of("del iptables"),
    0.65,
  );
}
