// What each call pays before it does anything: VERSION, which reads nothing and touches nothing, and the size
// of the file.
import { statSync } from "node:fs";
import { SYSTEM_PATH, toolPath } from "../../test/support/tool.ts";
import { Host } from "../host.ts";
import type { Report } from "../report.ts";
import { Samples } from "../sample.ts";
import { pause, rotate, type Scene } from "../scene.ts";

const LARGEST_MB = 3.3;

export async function measureStart(scene: Scene, report: Report): Promise<void> {
  const { ours, reference } = scene;
  const times = new Samples<"ours" | "reference">();
  const memory = new Samples<"ours" | "reference">();
  await using host = await Host.open(scene.runner);
  host.write("/run/bench/version.json", JSON.stringify({ cniVersion: "1.0.0" }));
  for (let round = -2; round < scene.rounds; round++) {
    for (const [name, { path }] of rotate(
      [
        ["ours", ours],
        ["reference", reference],
      ] as const,
      round + 2,
    )) {
      await pause();
      const {
        timings: [timing],
      } = await host.run([
        {
          words: [path],
          stdin: "/run/bench/version.json",
          env: { CNI_COMMAND: "VERSION", PATH: SYSTEM_PATH },
        },
      ]);
      if (timing?.status !== 0) throw new Error(`VERSION of ${path} failed`);
      if (round < 0) continue;
      times.of(name).add(timing.ms);
      memory.of(name).add(timing.peakMB);
    }
  }

  report.heading("The start", "VERSION: milliseconds from the call to its end, and peak memory");
  report.columns();
  report.line({ what: "VERSION", ours: times.of("ours"), reference: times.of("reference"), target: 0.4 });
  report.memory("VERSION, memory", memory.of("ours"), memory.of("reference"), 0.65);
  // The reference calls host-local for each address.
  report.size(
    "the executable; two of the reference's seven",
    megabytes(ours.path),
    megabytes(reference.path) + megabytes(toolPath("host-local")),
    LARGEST_MB,
  );
}

function megabytes(path: string): number {
  return statSync(path).size / 1e6;
}
