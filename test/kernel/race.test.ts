// Many at once on a host without any rule.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { Netns } from "../support/netns.ts";
import { BackgroundProcess } from "../support/process.ts";
import { SYSTEM_PATH } from "../support/tool.ts";
import { Ruleset } from "./masquerade.ts";
import { memberOf } from "./race.ts";

const MEMBER = fileURLToPath(new URL("./race-member.ts", import.meta.url));
const COUNT = 20;
/** The longest time until all are there: each loads the sources, on a machine with two processors. */
const STARTED_MS = 60_000;

async function race(host: Netns, rounds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "race-"));
  const lock = join(folder, "lock");
  const members = Array.from({ length: COUNT }, (_, number) => {
    const args = [String(number), lock, ...Array.from({ length: rounds }, String)];
    return new BackgroundProcess(host.command([process.execPath, MEMBER, ...args]), {
      env: { PATH: SYSTEM_PATH },
    });
  });
  try {
    await Promise.all(members.map((member) => member.says("ready", STARTED_MS)));
    await Promise.all(members.map((member) => member.finish()));
    for (const { output } of members) expect(output).toBe("ready\ndone\n");
  } finally {
    await Promise.all(members.map((member) => member.stop()));
    rmSync(folder, { recursive: true });
  }
}

function expectWhole(host: Netns): void {
  const ruleset = new Ruleset(host);
  const everybody = Array.from({ length: COUNT }, (_, number) => memberOf(number));
  expect(ruleset.chains()).toEqual(
    [...new Set(everybody.map(({ chain }) => chain.name)), "postrouting"].sort(),
  );
  const rules = ruleset.text
    .split("\n")
    .filter((line) => /vmap|return|masquerade/.test(line))
    .map((line) => line.trim())
    .sort();
  const ofNetwork = [
    "ip daddr 10.1.0.0/24 return",
    "ip6 daddr fd01::/64 return",
    "ip daddr 224.0.0.0/4 return",
    "ip6 daddr ff00::/8 return",
    "masquerade fully-random",
  ];
  expect(rules).toEqual(
    [
      "iifname . ip saddr vmap @on4",
      "iifname . ip6 saddr vmap @on6",
      "ip saddr vmap @net4",
      "ip6 saddr vmap @net6",
      ...ofNetwork,
      ...ofNetwork,
    ].sort(),
  );
  for (const map of ["net4", "net6"]) expect(ruleset.elements(map)).toHaveLength(COUNT);
}

test("twenty processes that start at once leave every rule exactly once, and each its elements", async () => {
  using host = Netns.open();
  await race(host, 0);
  expectWhole(host);
});

test("the same when each comes and goes several times, so that chains vanish under others' hands", async () => {
  using host = Netns.open();
  await race(host, 5);
  expectWhole(host);
});
