// What is left when the program itself is taken away: starting a process, starting the runtime, the kernel's own work.
import { join } from "node:path";
import { REPOSITORY } from "../../test/support/tool.ts";
import { compileEntry } from "../compile.ts";
import { openNode, pause, type Scene } from "../scene.ts";
import { milliseconds, type Report } from "../report.ts";
import { Sample, Samples } from "../sample.ts";
import type { Spent } from "../kernel.ts";

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
    const { timings: [timing], ms } = await host.run([{ words: [empty] }]);
    times.of("empty").add(ms);
    memory.add(timing?.peakMB ?? 0);
  }

  const output = await host.must([process.execPath, join(REPOSITORY, "bench/kernel.ts"), "/run/netns/pod", String(scene.rounds)]);
  const spent = JSON.parse(output) as Spent[];
  const kernel = (...parts: string[]): string => milliseconds(sums(spent, parts));

  report.heading("The floor", "median (least)");
  report.plain("/bin/true, so the runner's own cost too", milliseconds(times.of("true")));
  report.plain("an empty program, built as ours is", milliseconds(times.of("empty")), `${memory.most.toFixed(1)} MB`);
  report.plain("the kernel's part of an ADD (long-lived process)", kernel("link", "container", "rules", "announce"));
  for (const part of ["link", "container", "rules", "announce"]) report.plain(`  ${part}`, kernel(part));
  report.plain("the kernel's part of a DEL", kernel("elements", "delete", "close"));
  for (const part of ["elements", "delete", "close"]) report.plain(`  ${part}`, kernel(part));
}

function sums(spent: Spent[], parts: string[]): Sample {
  const sample = new Sample();
  for (const each of spent) sample.add(parts.reduce((sum, part) => sum + (each[part] ?? 0), 0));
  return sample;
}
