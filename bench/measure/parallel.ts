// A hundred pods come at once, and go at once.
import { openNode, pause, rotate, type Scene } from "../scene.ts";
import type { Report } from "../report.ts";
import { Samples } from "../sample.ts";
import type { Plugin } from "../plugin.ts";

const PODS = Array.from({ length: 100 }, (_, index) => `pod-${index}`);

export async function measureParallel(scene: Scene, report: Report): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const contenders: { who: "ours" | "reference"; plugin: Plugin }[] = [];
  for (const who of ["ours", "reference"] as const) {
    const plugin = await openNode(scene, scene[who], { masquerade: true }, PODS);
    stack.use(plugin.host);
    contenders.push({ who, plugin });
  }

  const times = new Samples();
  for (let round = 0; round < (scene.quick ? 1 : 5); round++) {
    for (const { who, plugin } of rotate(contenders, round)) {
      await pause();
      const added = await plugin.addAll(PODS);
      checkDistinct(plugin, who);
      times.of(`add ${who}`).add(added.ms);
      for (const { ms } of added.timings) times.of(`each ${who}`).add(ms);
      times.of(`del ${who}`).add((await plugin.delAll(PODS)).ms);
    }
  }

  report.heading("A hundred pods at once", "masquerade, reference with iptables; none fails, all addresses differ");
  report.columns();
  report.line({ what: "100 ADDs, until the last is done", ours: times.of("add ours"), reference: times.of("add reference"), target: 0.6 });
  report.line({ what: "one of them", ours: times.of("each ours"), reference: times.of("each reference") });
  report.line({ what: "100 DELs, until the last is done", ours: times.of("del ours"), reference: times.of("del reference") });
}

function checkDistinct(plugin: Plugin, who: string): void {
  const addresses = PODS.flatMap((pod) => plugin.result(pod).ips.map(({ address }) => address));
  if (new Set(addresses).size !== PODS.length) throw new Error(`${who}: 100 ADDs gave ${new Set(addresses).size} different addresses`);
}
