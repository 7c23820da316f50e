// What macspoofchk costs an ADD.

import type { Report } from "../report.ts";
import { Samples } from "../sample.ts";
import { openNode, pause, rotate, type Scene } from "../scene.ts";

type Name = `${"ours" | "reference"} ${"without" | "with"}`;

export async function measureSpoofCheck(scene: Scene, report: Report): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const contenders: { name: Name; plugin: Awaited<ReturnType<typeof openNode>> }[] = [];
  for (const who of ["ours", "reference"] as const) {
    for (const macspoofchk of [false, true]) {
      const plugin = await openNode(scene, scene[who], { masquerade: false, keys: { macspoofchk } }, ["pod"]);
      stack.use(plugin.host);
      contenders.push({ name: `${who} ${macspoofchk ? "with" : "without"}`, plugin });
    }
  }
  const times = new Samples<Name>();
  for (let round = -2; round < scene.rounds; round++) {
    for (const { name, plugin } of rotate(contenders, round + 2)) {
      await pause();
      const { ms } = await plugin.add("pod");
      await plugin.del("pod");
      if (round >= 0) times.of(name).add(ms);
    }
  }
  report.heading("ADD with macspoofchk", "no masquerade; the ratio is to our own ADD without it");
  report.columns();
  const base = times.of("ours without");
  report.line({ what: "without", ours: base, reference: times.of("reference without"), base });
  report.line({
    what: "with",
    ours: times.of("ours with"),
    reference: times.of("reference with"),
    base,
    target: 1.3,
  });
}
