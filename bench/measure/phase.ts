// Where the time of one call goes, by an instrumented build of the same sources (trace.ts).
import { fullEntry } from "../full-job.ts";
import type { Timing } from "../host.ts";
import type { Wishes } from "../plugin.ts";
import { milliseconds, type Report } from "../report.ts";
import { Samples } from "../sample.ts";
import { openNode, pause, type Scene } from "../scene.ts";
import type { Trace } from "../timer.ts";
import { compileTraced, PHASES } from "../trace.ts";

export async function measurePhases(scene: Scene, report: Report): Promise<void> {
  const traced = { ...scene.ours, path: compileTraced() };
  await measureJob(scene, report, traced, "Where the time of one call goes", { masquerade: true });
  await measureJob(scene, report, traced, "The same with the full job", fullEntry());
}

async function measureJob(
  scene: Scene,
  report: Report,
  traced: Scene["ours"],
  title: string,
  wishes: Wishes,
): Promise<void> {
  const plugin = await openNode(scene, traced, wishes, ["pod"]);
  await using _host = plugin.host;

  const times = new Samples();
  for (let round = 0; round < scene.rounds; round++) {
    for (const verb of ["add", "del"] as const) {
      await pause();
      const timing = await plugin[verb]("pod");
      for (const [phase, ms] of phasesOf(timing, plugin.stderr("pod"))) times.of(`${verb} ${phase}`).add(ms);
      times.of(`${verb} total`).add(timing.ms);
    }
  }

  report.heading(title, "an instrumented build of the same sources; median (least)");
  report.plain("", "ADD", "DEL");
  for (const [phase, words] of [
    ...Object.entries(PHASES),
    ["total", "all of it, the stop watch included"] as const,
  ]) {
    if (times.of(`add ${phase}`).values.length + times.of(`del ${phase}`).values.length === 0) continue;
    const cells = (["add", "del"] as const).map((verb) =>
      times.of(`${verb} ${phase}`).values.length === 0 ? "" : milliseconds(times.of(`${verb} ${phase}`)),
    );
    report.plain(`${phase.padEnd(10)}${words}`, ...cells);
  }
}

function phasesOf({ startUs, endUs }: Timing, stderr: string): [string, number][] {
  const trace = JSON.parse(stderr) as Trace;
  return [
    ["start", (trace.firstLineUs - startUs) / 1000],
    ...Object.entries(trace.spent),
    ["exit", (endUs - trace.lastLineUs) / 1000],
  ];
}
