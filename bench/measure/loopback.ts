// The plugin `loopback`, which a runtime starts for every pod before its networks.
import { symlinkSync } from "node:fs";
import { toolPath } from "../../test/support/tool.ts";
import { Host, type Timing } from "../host.ts";
import { cniEnvironment, containerId } from "../plugin.ts";
import type { Report } from "../report.ts";
import { Samples } from "../sample.ts";
import { pause, rotate, type Scene } from "../scene.ts";

const LINK = "/run/bench/loopback";
const CONFIG = "/run/bench/loopback.json";
const RESULT = "/run/bench/loopback.out";
const POD = "loopback";

export async function measureLoopback(scene: Scene, report: Report): Promise<void> {
  const times = new Samples<"ours" | "reference">();
  await using host = await Host.open(scene.runner);
  host.write(CONFIG, JSON.stringify({ cniVersion: "0.3.1", name: "cni-loopback", type: "loopback" }));
  symlinkSync(scene.ours.path, host.outside(LINK));
  await host.makePods([POD]);
  const contenders = [
    ["ours", LINK],
    ["reference", toolPath("loopback")],
  ] as const;
  for (let round = -2; round < scene.rounds; round++) {
    for (const [name, path] of rotate(contenders, round + 2)) {
      await host.must(["/sbin/ip", "-n", POD, "link", "set", "lo", "down"]);
      await pause();
      const { ms } = await add(host, path, scene.ours.folder);
      if (round >= 0) times.of(name).add(ms);
    }
  }
  report.heading("The plugin loopback", "milliseconds from the call to its end");
  report.columns();
  report.line({ what: "ADD", ours: times.of("ours"), reference: times.of("reference"), target: 0.5 });
}

async function add(host: Host, path: string, folder: string): Promise<Timing> {
  const env = cniEnvironment("ADD", POD, containerId(), folder);
  const {
    timings: [timing],
  } = await host.run([{ words: [path], env, stdin: CONFIG, stdout: RESULT }]);
  if (timing?.status !== 0) throw new Error(`ADD by ${path} failed: ${host.read(RESULT)}`);
  return timing;
}
