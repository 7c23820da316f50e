// Our lease store and the reference host-local on one directory: the drop-in promise.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseOwner } from "../../../src/ipam/lease.ts";
import { toolPath } from "../../support/tool.ts";
import { hostLocalEnvironment, poolForEachTest, SIX, TEN } from "./pool.ts";

const WORKER = join(import.meta.dirname, "../../support/lease-worker.ts");
const SETS = "10.1.2.0/24,10.1.2.1,10.1.2.254,10.1.2.1;fd00::/64,fd00::1,fd00::ffff:ffff:ffff:ffff,fd00::1";

const pool = poolForEachTest([TEN], [SIX]);

/** What a process printed; it has to succeed. */
function output(
  command: string,
  args: string[],
  env: Record<string, string | undefined>,
  input = "",
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, timeout: 30_000 });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += chunk));
    child.on("close", (status) =>
      status === 0 ? resolve(text) : reject(new Error(`${command}: ${status} ${text}`)),
    );
    child.stdin.end(input);
  });
}

test("each goes on where the other stopped", () => {
  expect(pool.add("a")).toEqual(["10.1.2.2", "fd00::2"]);
  expect(pool.hostLocal("ADD", "b").addresses).toEqual(["10.1.2.3", "fd00::3"]);
  expect(pool.add("c")).toEqual(["10.1.2.4", "fd00::4"]);
  expect(pool.hostLocal("ADD", "d").addresses).toEqual(["10.1.2.5", "fd00::5"]);
});

test("the files of both look the same, but that our hint gives an IPv4 address as a mapped one", () => {
  pool.hostLocal("ADD", "a");
  const theirs = pool.names().map((name) => [name, pool.read(name)]);
  pool.hostLocal("DEL", "a");
  pool.put("last_reserved_ip.0", "");
  pool.put("last_reserved_ip.1", "");
  pool.add("a");
  expect(pool.read("last_reserved_ip.0")).toBe("::ffff:10.1.2.2");
  pool.put("last_reserved_ip.0", "10.1.2.2");
  expect(pool.names().map((name) => [name, pool.read(name)])).toEqual(theirs);
});

test("we know whether another program gave out an IPv4 address of the set since we did", () => {
  const byOthers = (id: string): boolean | undefined => pool.reserve(id)[0]?.givenByOthers;
  expect([byOthers("a"), byOthers("b")]).toEqual([false, false]);
  pool.hostLocal("ADD", "c");
  pool.hostLocal("DEL", "c");
  expect([byOthers("d"), byOthers("e")]).toEqual([true, false]);
  pool.put("last_reserved_ip.0", "");
  expect([byOthers("f"), byOthers("g")]).toEqual([true, false]);
});

test("who has still to act on what another program gave out finds it again when it was killed before it did", () => {
  pool.add("a");
  pool.hostLocal("ADD", "b");
  const byOthers = (id: string, keepsForeignHint: boolean): (boolean | undefined)[] =>
    pool.reserve(id, { keepsForeignHint }).map(({ givenByOthers }) => givenByOthers);
  const seen = [byOthers("c", true), byOthers("d", true), byOthers("e", false), byOthers("f", true)];
  // Of IPv6 addresses nobody can tell, so they go round as ever.
  expect(seen).toEqual([
    [true, false],
    [true, false],
    [true, false],
    [false, false],
  ]);
  expect(pool.read("last_reserved_ip.1")).toBe("fd00::7");
  expect(pool.leases().filter((address) => !address.includes(":"))).toHaveLength(6);
});

test("each sees and releases the leases of the other", () => {
  pool.add("ours");
  pool.hostLocal("ADD", "theirs");
  expect(pool.hostLocal("CHECK", "ours").message).toBe("");
  expect(pool.hostLocal("ADD", "ours").message).toContain(
    "10.1.2.2 has been allocated to ours, duplicate allocation is not allowed",
  );
  pool.hostLocal("DEL", "ours");
  pool.del("theirs");
  expect(pool.leases()).toEqual([]);
  pool.del("ours");
  expect(pool.hostLocal("CHECK", "ours").message).not.toBe("");
});

test("both say the same when the pool is full", () => {
  pool.rangeSets = [[TEN]];
  for (let at = 2; at < 255; at++) pool.put(`10.1.2.${at}`, `c${at}\r\neth0`);
  const { message } = pool.hostLocal("ADD", "late");
  expect(message).toContain("no IP addresses available");
  expect(() => pool.add("late")).toThrow(message);
});

test("what a killed ADD of ours left disturbs host-local neither in ADD nor in DEL", () => {
  pool.put(".pontoon.new", "killed\r\neth0");
  expect(pool.hostLocal("ADD", "other").addresses).toEqual(["10.1.2.2", "fd00::2"]);
  expect(pool.hostLocal("ADD", "killed").addresses).toEqual(["10.1.2.3", "fd00::3"]);
  pool.hostLocal("DEL", "killed");
  expect(pool.leases()).toEqual(["10.1.2.2", "fd00::2"]);
  expect(pool.names()).not.toContain(".pontoon.new");
  pool.put(".pontoon.new", "killed\r\neth0");
  pool.add("next");
  expect(pool.names()).not.toContain(".pontoon.new");
});

test("many of both at once: no address twice, every lease whole", async () => {
  const ours = ["p", "q", "r"].map((prefix) =>
    output(process.execPath, [WORKER, pool.root, prefix, "30", SETS], process.env),
  );
  const theirs: Promise<string>[] = [];
  // Four at a time, so that both programs are busy at the same time for a while.
  const lane = async (name: string): Promise<void> => {
    for (let at = 0; at < 15; at++) {
      const one = output(
        toolPath("host-local"),
        [],
        hostLocalEnvironment("ADD", `${name}${at}`),
        pool.hostLocalConfig(),
      );
      theirs.push(one);
      await one;
    }
  };
  await Promise.all([...ours, ...["w", "x", "y", "z"].map(lane)]);
  const given = (await Promise.all(ours)).flatMap((text) => text.trim().split(/\s+/));
  for (const text of await Promise.all(theirs))
    given.push(...JSON.parse(text).ips.map(({ address }: { address: string }) => address.split("/")[0]));
  expect(given).toHaveLength(2 * (90 + 60));
  expect(new Set(given).size).toBe(given.length);
  expect(pool.leases().sort()).toEqual(given.sort());
  for (const name of pool.leases()) expect(parseOwner(pool.read(name))?.interfaceName).toBe("eth0");
});
