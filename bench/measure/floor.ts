// What is left when the program itself is taken away: starting a process, starting the runtime, the kernel's
// own work.
import { join } from "node:path";
import { REPOSITORY } from "../../test/support/tool.ts";
import { compileEntry } from "../compile.ts";
import type { Host } from "../host.ts";
import type { Spent } from "../kernel.ts";
import { milliseconds, type Report } from "../report.ts";
import { Sample, Samples } from "../sample.ts";
import { openNode, pause, type Scene } from "../scene.ts";

export async function measureFloor(scene: Scene, report: Report): Promise<void> {
  const empty = compileEntry("empty", join(REPOSITORY, "bench/empty.ts"));
  const plugin = await openNode(scene, scene.ours, { masquerade: true }, ["pod"]);
  await using host = plugin.host;

  const times = new Samples();
  const memory = new Sample();
  for (let round = 0; round < scene.rounds; round++) {
    await pause();
    times.of("true").add((await host.run([{ words: ["/bin/true"] }])).ms);
    await pause();
    const {
      timings: [timing],
      ms,
    } = await host.run([{ words: [empty] }]);
    times.of("empty").add(ms);
    memory.add(timing?.peakMB ?? 0);
  }

  const spent = await kernelPart(host, "pod", scene.rounds);
  const kernel = (...parts: string[]): string => milliseconds(sums(spent, parts));

  report.heading("The floor", "median (least)");
  report.plain("/bin/true, so the runner's own cost too", milliseconds(times.of("true")));
  report.plain(
    "an empty program, built as ours is",
    milliseconds(times.of("empty")),
    `${memory.most.toFixed(1)} MB`,
  );
  report.plain("the kernel's part of an ADD (long-lived process)", kernel(...ADD_PARTS));
  for (const part of ADD_PARTS) report.plain(`  ${part}`, kernel(part));
  report.plain("the kernel's part of a DEL", kernel(...DEL_PARTS));
  for (const part of DEL_PARTS) report.plain(`  ${part}`, kernel(part));
}

export const ADD_PARTS = ["link", "container", "rules", "announce"];
export const DEL_PARTS = ["elements", "delete", "close"];

/**
 * How long the parts of an ADD and a DEL take in a process that is warm, on a host that has connected pods.
 */
export async function kernelPart(host: Host, pod: string, rounds: number): Promise<Spent[]> {
  return JSON.parse(
    await host.must([
      process.execPath,
      join(REPOSITORY, "bench/kernel.ts"),
      `/run/netns/${pod}`,
      String(rounds),
    ]),
  ) as Spent[];
}

/** These parts together, round by round. */
export function sums(spent: Spent[], parts: string[]): Sample {
  const sample = new Sample();
  for (const each of spent) sample.add(parts.reduce((sum, part) => sum + (each[part] ?? 0), 0));
  return sample;
}
