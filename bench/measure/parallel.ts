// Eight and a hundred pods come at once, and go at once.

import type { Plugin } from "../plugin.ts";
import type { Report } from "../report.ts";
import { Samples } from "../sample.ts";
import { openNode, pause, rotate, type Scene } from "../scene.ts";

const COUNTS = [8, 100];

export async function measureParallel(scene: Scene, report: Report): Promise<void> {
  report.heading(
    "Many pods at once",
    "masquerade, reference with iptables; none fails, all addresses differ",
  );
  report.columns();
  for (const count of COUNTS) await measureAtOnce(scene, report, count);
}

async function measureAtOnce(scene: Scene, report: Report, count: number): Promise<void> {
  const pods = Array.from({ length: count }, (_, index) => `pod-${index}`);
  await using stack = new AsyncDisposableStack();
  const contenders: { who: "ours" | "reference"; plugin: Plugin }[] = [];
  for (const who of ["ours", "reference"] as const) {
    const plugin = await openNode(scene, scene[who], { masquerade: true }, pods);
    stack.use(plugin.host);
    contenders.push({ who, plugin });
  }

  const times = new Samples();
  for (let round = 0; round < (count > 8 ? (scene.quick ? 1 : 5) : scene.rounds); round++) {
    for (const { who, plugin } of rotate(contenders, round)) {
      await pause();
      const added = await plugin.addAll(pods);
      checkDistinct(plugin, pods, who);
      times.of(`add ${who}`).add(added.ms);
      for (const { ms } of added.timings) times.of(`each ${who}`).add(ms);
      times.of(`del ${who}`).add((await plugin.delAll(pods)).ms);
    }
  }

  report.line({
    what: `${count} ADDs, until the last is done`,
    ours: times.of("add ours"),
    reference: times.of("add reference"),
    target: 0.3,
  });
  report.line({ what: "one of them", ours: times.of("each ours"), reference: times.of("each reference") });
  report.line({
    what: `${count} DELs, until the last is done`,
    ours: times.of("del ours"),
    reference: times.of("del reference"),
  });
}

function checkDistinct(plugin: Plugin, pods: string[], who: string): void {
  const addresses = pods.flatMap((pod) => plugin.result(pod).ips.map(({ address }) => address));
  if (new Set(addresses).size !== pods.length)
    throw new Error(`${who}: ${pods.length} ADDs gave ${new Set(addresses).size} different addresses`);
}
