// The first call after the page cache was dropped: executables and libraries come from the disk.
import { writeFileSync } from "node:fs";
import type { Report } from "../report.ts";
import { Samples } from "../sample.ts";
import { openNode, pause, rotate, type Scene } from "../scene.ts";

export async function measureCold(scene: Scene, report: Report): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const contenders: { who: "ours" | "reference"; plugin: Awaited<ReturnType<typeof openNode>> }[] = [];
  for (const who of ["ours", "reference"] as const) {
    const plugin = await openNode(scene, scene[who], { masquerade: true }, ["pod"]);
    stack.use(plugin.host);
    contenders.push({ who, plugin });
  }

  const times = new Samples();
  for (let round = 0; round < (scene.quick ? 2 : 6); round++) {
    for (const { who, plugin } of rotate(contenders, round)) {
      dropPageCache();
      await pause();
      times.of(who).add((await plugin.add("pod")).ms);
      await plugin.del("pod");
    }
  }

  report.heading("The first ADD after the page cache was dropped", "masquerade, reference with iptables");
  report.columns();
  report.line({
    what: "ADD from the disk",
    ours: times.of("ours"),
    reference: times.of("reference"),
    target: 0.4,
  });
}

function dropPageCache(): void {
  writeFileSync("/proc/sys/vm/drop_caches", "3");
}
