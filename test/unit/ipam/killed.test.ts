// A process that dies in the middle of reserving, by SIGKILL, at no chosen moment.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { expect, test } from "vitest";
import { collectLeases } from "../../../src/ipam/collect.ts";
import { parseOwner } from "../../../src/ipam/lease.ts";
import { poolForEachTest, range, SIX } from "./pool.ts";

const WORKER = join(import.meta.dirname, "../../support/lease-worker.ts");
const WIDE = range("10.1.0.0/16", "10.1.0.1", "10.1.255.254", "10.1.0.1");
const SETS = "10.1.0.0/16,10.1.0.1,10.1.255.254,10.1.0.1;fd00::/64,fd00::1,fd00::ffff:ffff:ffff:ffff,fd00::1";
const ROUNDS = 10;

/** Waits until a worker has said that it reserved so often. */
async function reservations({ stdout }: { stdout: Readable }, count: number): Promise<void> {
  let lines = 0;
  while (lines < count) {
    const [chunk] = (await once(stdout, "data")) as [Buffer];
    lines += chunk.toString().split("\n").length - 1;
  }
}

const pool = poolForEachTest([WIDE], [SIX]);

test("the directory stays usable for both programs, no lease is half, and nothing is lost for good", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const children = ["a", "b"].map((name) =>
      spawn(process.execPath, [WORKER, pool.root, `${name}${round}x`, "0", SETS], {
        stdio: ["ignore", "pipe", "inherit"],
      }),
    );
    // They die somewhere in the reservation after this many.
    await Promise.all(children.map((child) => reservations(child, 1 + Math.floor(Math.random() * 20))));
    const ends = children.map((child) => once(child, "exit"));
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(ends);

    expect(pool.add(`ours${round}`)).toHaveLength(2);
    expect(pool.hostLocal("ADD", `theirs${round}`).addresses).toHaveLength(2);
    for (const name of pool.leases()) expect(parseOwner(pool.read(name)), name).toBeDefined();
  }
  const { records, unreadable } = pool.records.listRecords("net");
  // An intent can be torn only before its leases exist.
  for (const { path } of unreadable) expect(path).toMatch(/\.intent$/);
  for (const { key } of records) {
    expect(pool.records.isAddRunning(key)).toBe(false);
    pool.del(key.containerId);
  }
  for (let round = 0; round < ROUNDS; round++) pool.hostLocal("DEL", `theirs${round}`);
  // With every record released only what GC finds can be left: leases killed between DEL's two steps have no
  // record.
  collectLeases({ directory: pool.directory, valid: [] });
  expect(pool.names()).toEqual(["last_reserved_ip.0", "last_reserved_ip.1", "lock"]);
});
