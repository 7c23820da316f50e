// Measures Pontoon side by side with the reference plugins. What each line means: README.md.
import { readFileSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { parseArgs } from "node:util";
import { compileRunner } from "./compile.ts";
import { usedProcessorMs } from "./host.ts";
import { measureAddAndDel } from "./measure/add-del.ts";
import { measureChain } from "./measure/chain.ts";
import { measureCold } from "./measure/cold.ts";
import { measureCommands } from "./measure/commands.ts";
import { measureConnections } from "./measure/connections.ts";
import { measureCounts } from "./measure/counts.ts";
import { measureDevice } from "./measure/device.ts";
import { measureFloor } from "./measure/floor.ts";
import { measureLeases } from "./measure/lease.ts";
import { measureLoopback } from "./measure/loopback.ts";
import { measureParallel } from "./measure/parallel.ts";
import { measurePhases } from "./measure/phase.ts";
import { measurePorts } from "./measure/ports.ts";
import { measurePtp } from "./measure/ptp.ts";
import { measureServices } from "./measure/services.ts";
import { measureSpoofCheck } from "./measure/spoof.ts";
import { measureStart } from "./measure/start.ts";
import { measureThousand } from "./measure/thousand.ts";
import { Report } from "./report.ts";
import { openScene, type Scene } from "./scene.ts";

const MEASURES: Record<string, (scene: Scene, report: Report) => Promise<void>> = {
  start: measureStart,
  loopback: measureLoopback,
  pod: measureAddAndDel,
  ptp: measurePtp,
  counts: measureCounts,
  leases: measureLeases,
  parallel: measureParallel,
  spoof: measureSpoofCheck,
  services: measureServices,
  chain: measureChain,
  ports: measurePorts,
  thousand: measureThousand,
  connections: measureConnections,
  commands: measureCommands,
  device: measureDevice,
  cold: measureCold,
  floor: measureFloor,
  phases: measurePhases,
};

const { values, positionals } = parseArgs({
  options: { rounds: { type: "string" }, quick: { type: "boolean", default: false } },
  allowPositionals: true,
});
const rounds = Number(values.rounds ?? (values.quick ? 15 : 30));
if (!Number.isInteger(rounds) || rounds < 1) refuse("--rounds wants a whole number, 1 or more");
const unknown = positionals.find((name) => MEASURES[name] === undefined);
if (unknown !== undefined)
  refuse(`there is no measure "${unknown}"; there are ${Object.keys(MEASURES).join(", ")}`);

const scene = openScene({ rounds, quick: values.quick }, compileRunner());
const report = new Report();
console.log(
  `${new Date().toISOString().slice(0, 16)}Z, Linux ${release()}, ${cpus().length} x ${cpus()[0]?.model ?? "unknown processor"}, ${rounds} rounds`,
);
console.log(`ours ${scene.ours.path}, reference ${scene.reference.path}`);
for (const [name, measure] of Object.entries(MEASURES)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  const before = processorTimes();
  await measure(scene, report);
  console.log(`  (others used ${othersShare(before, processorTimes())} % of the processors meanwhile)`);
}
console.log(
  `\nload average at the end: ${loadavg()
    .map((value) => value.toFixed(2))
    .join(" ")}`,
);
console.log(report.missed === 0 ? "all targets met" : `${report.missed} targets missed`);

function refuse(message: string): never {
  console.error(`scripts/bench: ${message}`);
  process.exit(2);
}

interface ProcessorTimes {
  /** What all processors did, idle or not. */
  all: number;
  busy: number;
  /** What the bench and its calls used. */
  ours: number;
}

/**
 * Milliseconds. proc_stat(5), the line of all processors together: the 4th number is idle time, the 5th
 * waiting for a disk.
 */
function processorTimes(): ProcessorTimes {
  const TICK_MS = 10;
  const numbers = (readFileSync("/proc/stat", "utf8").split("\n")[0] ?? "")
    .split(/\s+/)
    .slice(1)
    .map((text) => Number(text) * TICK_MS);
  const all = numbers.slice(0, 8).reduce((sum, value) => sum + value, 0);
  const { user, system } = process.cpuUsage();
  return {
    all,
    busy: all - (numbers[3] ?? 0) - (numbers[4] ?? 0),
    ours: usedProcessorMs() + (user + system) / 1000,
  };
}

/**
 * In percent, the kernel's own threads included. More than on a quiet machine (README.md) means that figures
 * are disturbed.
 */
function othersShare(start: ProcessorTimes, end: ProcessorTimes): number {
  const others = end.busy - start.busy - (end.ours - start.ours);
  return Math.max(0, Math.round((100 * others) / Math.max(1, end.all - start.all)));
}
