// Does an ADD cost more where many addresses are taken? Lease files as host-local writes them, with the hint
// (the address given last) behind them, or in front of them so that the search starts before thousands of
// taken ones.

import type { Host } from "../host.ts";
import { Plugin } from "../plugin.ts";
import type { Report } from "../report.ts";
import { Samples } from "../sample.ts";
import { openNode, pause, rotate, type Scene } from "../scene.ts";

const COUNTS = [1_000, 10_000];

interface Case {
  who: "ours" | "reference";
  what: string;
  plugin: Plugin;
  /** Puts the hint back where it belongs: each ADD moves it. */
  reset(): void;
}

export async function measureLeases(scene: Scene, report: Report): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const cases: Case[] = [];
  for (const who of ["ours", "reference"] as const) {
    const { host } = await openNode(scene, scene[who], { masquerade: false }, ["pod"]);
    stack.use(host);
    for (const count of [0, ...COUNTS]) cases.push(...casesOf(scene, who, host, count));
  }

  const times = new Samples();
  for (let round = -2; round < scene.rounds; round++) {
    for (const { who, what, plugin, reset } of rotate(cases, round + 2)) {
      reset();
      await pause();
      const added = await plugin.add("pod");
      await plugin.del("pod");
      if (round >= 0) times.of(`${who} ${what}`).add(added.ms);
    }
  }

  report.heading("ADD beside many leases", "no masquerade; the ratio is to our own ADD beside none");
  report.columns();
  for (const what of new Set(cases.map((each) => each.what))) {
    const isBase = what === NONE;
    report.line({
      what,
      ours: times.of(`ours ${what}`),
      reference: times.of(`reference ${what}`),
      base: times.of(`ours ${NONE}`),
      ...(isBase ? {} : { target: 1.2 }),
    });
  }
  const many = `${COUNTS.at(-1)!.toLocaleString("en")} leases, hint behind them`;
  report.line({
    what: `${many}; ratio to the reference`,
    ours: times.of(`ours ${many}`),
    reference: times.of(`reference ${many}`),
    target: 0.05,
  });
}

const NONE = "no leases";

function casesOf(scene: Scene, who: Case["who"], host: Host, count: number): Case[] {
  const dataDir = `/run/bench/leases-${count}`;
  const plugin = new Plugin(host, scene[who], { masquerade: false, dataDir });
  const directory = `${dataDir}/bench`;
  const hint = (index: number) => () => host.write(`${directory}/last_reserved_ip.0`, address(index));
  writeLeases(host, directory, count);
  if (count === 0) return [{ who, what: NONE, plugin, reset: hint(0) }];
  const leases = count.toLocaleString("en");
  return [
    { who, what: `${leases} leases, hint behind them`, plugin, reset: hint(count) },
    { who, what: `${leases} leases, hint in front of them`, plugin, reset: hint(0) },
  ];
}

/** Addresses are counted from the first one behind the gateway. */
function writeLeases(host: Host, directory: string, count: number): void {
  host.write(`${directory}/lock`, "");
  for (let index = 1; index <= count; index++) {
    host.write(`${directory}/${address(index)}`, `${String(index).padStart(64, "0")}\r\neth0`);
  }
}

/** Address number 0 is 10.77.0.2. */
function address(index: number): string {
  const number = index + 2;
  return `10.77.${number >> 8}.${number & 255}`;
}
