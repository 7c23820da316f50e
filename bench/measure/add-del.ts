// One pod comes, one pod goes: time and peak memory of ADD and DEL, all contenders in turn.
import { openNode, pause, rotate, type Scene } from "../scene.ts";
import type { Report } from "../report.ts";
import { Samples } from "../sample.ts";

type Name = "ours" | "ours plain" | "iptables" | "nftables" | "plain";

export async function measureAddAndDel(scene: Scene, report: Report): Promise<void> {
  const { ours, reference } = scene;
  await using stack = new AsyncDisposableStack();
  const contenders: { name: Name; plugin: Awaited<ReturnType<typeof openNode>> }[] = [];
  const open = async (name: Name, ...[program, wishes]: [typeof ours, Parameters<typeof openNode>[2]]): Promise<void> => {
    const plugin = await openNode(scene, program, wishes, ["pod"]);
    stack.use(plugin.host);
    contenders.push({ name, plugin });
  };
  await open("ours", ours, { masquerade: true });
  await open("iptables", reference, { masquerade: true });
  await open("nftables", reference, { masquerade: true, backend: "nftables" });
  await open("ours plain", ours, { masquerade: false });
  await open("plain", reference, { masquerade: false });

  const times = new Samples<`${"add" | "del"} ${Name}`>();
  const memory = new Samples<`${"add" | "del"} ${Name}`>();
  // The first two rounds warm the page cache and make what only a first pod makes.
  for (let round = -2; round < scene.rounds; round++) {
    for (const verb of ["add", "del"] as const) {
      for (const { name, plugin } of rotate(contenders, round + 2)) {
        await pause();
        const { ms, peakMB } = await plugin[verb]("pod");
        if (round < 0) continue;
        times.of(`${verb} ${name}`).add(ms);
        memory.of(`${verb} ${name}`).add(peakMB);
      }
    }
  }

  report.heading("One pod", "milliseconds from the call to its end as the caller sees it: median (least)");
  report.columns();
  report.line({ what: "ADD, masquerade; reference with iptables", ours: times.of("add ours"), reference: times.of("add iptables"), target: 0.5 });
  report.line({ what: "ADD, masquerade; reference with nftables", ours: times.of("add ours"), reference: times.of("add nftables"), target: 0.3 });
  report.line({ what: "ADD, no masquerade", ours: times.of("add ours plain"), reference: times.of("add plain"), target: 1.1 });
  report.line({ what: "DEL, masquerade; reference with iptables", ours: times.of("del ours"), reference: times.of("del iptables"), target: 0.35 });
  report.line({ what: "DEL, masquerade; reference with nftables", ours: times.of("del ours"), reference: times.of("del nftables") });
  report.line({ what: "DEL, no masquerade", ours: times.of("del ours plain"), reference: times.of("del plain") });

  report.heading("Peak resident memory of one call", "the most that was seen");
  report.columns("");
  report.memory("ADD, masquerade; reference with iptables", memory.of("add ours"), memory.of("add iptables"), 45);
  report.memory("DEL, masquerade; reference with iptables", memory.of("del ours"), memory.of("del iptables"), 45);
}
