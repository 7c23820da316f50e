import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Attachment } from "../../../src/attachment/attachment.ts";
import { parseAddress } from "../../../src/ip/address.ts";
import { formatPrefix } from "../../../src/ip/prefix.ts";
import type { Lease } from "../../../src/ipam/lease.ts";
import { openLeaseLock } from "../../../src/ipam/lease-lock.ts";
import type { Reservation } from "../../../src/ipam/reserve.ts";
import { failure } from "../../support/failure.ts";
import { poolForEachTest, range, SIX, TEN } from "./pool.ts";

const FEW = range("10.1.2.0/24", "10.1.2.10", "10.1.2.13", "10.1.2.1");

const pool = poolForEachTest();

test("a lease is a file as host-local writes it, with the hint beside it", () => {
  const [lease] = pool.reserve("c1");
  expect(lease).toMatchObject({ set: 0, address: { length: 24 }, gateway: parseAddress("10.1.2.1") });
  expect(pool.names()).toEqual(["10.1.2.2", "last_reserved_ip.0", "lock"]);
  expect(pool.read("10.1.2.2")).toBe("c1\r\neth0");
  expect(pool.read("last_reserved_ip.0")).toBe("::ffff:10.1.2.2");
  const mode = (name: string): string => (statSync(join(pool.directory, name)).mode & 0o777).toString(8);
  expect([mode("10.1.2.2"), mode("last_reserved_ip.0"), mode("lock"), mode(".")]).toEqual([
    "600",
    "600",
    "750",
    "755",
  ]);
  expect(statSync(join(pool.directory, "10.1.2.2")).nlink).toBe(1);
});

test("addresses go round: a released one comes back last", () => {
  expect(["a", "b", "c"].flatMap((id) => pool.add(id))).toEqual(["10.1.2.2", "10.1.2.3", "10.1.2.4"]);
  pool.del("a");
  expect(pool.add("d")).toEqual(["10.1.2.5"]);
  pool.put("last_reserved_ip.0", "10.1.2.254");
  expect(pool.add("e")).toEqual(["10.1.2.2"]);
});

test.each(["", "nonsense", "10.9.9.9", "fd00::1", "10.1.2.300", "::ffff:10.9.9.9", "::ffff:"])(
  "with the hint %j the walk starts at the beginning",
  (hint) => {
    pool.put("last_reserved_ip.0", hint);
    expect(pool.add("c1")).toEqual(["10.1.2.2"]);
  },
);

test("a hint that cannot be read or written costs round robin, not the pod", () => {
  mkdirSync(join(pool.directory, "last_reserved_ip.0"), { recursive: true });
  expect([pool.add("c1"), pool.add("c2")]).toEqual([["10.1.2.2"], ["10.1.2.3"]]);
});

test("nothing of a longer hint is left behind a shorter one", () => {
  pool.put("last_reserved_ip.0", "::ffff:10.1.2.254");
  pool.add("c1");
  expect(pool.read("last_reserved_ip.0")).toBe("::ffff:10.1.2.2");
});

test("a full /24 gives 253 addresses, no gateway, and the 254th is refused with the words of the reference", () => {
  const given = Array.from({ length: 253 }, (_, at) => pool.add(`c${at}`)[0]);
  expect(new Set(given).size).toBe(253);
  expect(given).not.toContain("10.1.2.1");
  const error = failure(() => pool.add("late"));
  expect(error.code).toBe(100);
  expect(error.message).toContain(
    "failed to allocate for range 0: no IP addresses available in range set: 10.1.2.1-10.1.2.254",
  );
  expect(error.message).toContain("253 leased to 253 containers");
  expect(error.details).toMatch(/Hint: /);
  expect(pool.records.hasRecord({ network: "net", containerId: "late", interfaceName: "eth0" })).toBe(false);
  pool.del("c77");
  expect(pool.add("late")).toEqual([given[77]]);
});

test("one address of each set, or none at all", () => {
  pool.rangeSets = [[TEN], [SIX]];
  expect(pool.add("c1")).toEqual(["10.1.2.2", "fd00::2"]);
  expect(pool.read("fd00::2")).toBe("c1\r\neth0");
  pool.rangeSets = [[SIX], [FEW]];
  for (const id of ["a", "b", "c", "d"]) pool.add(id);
  const before = pool.names();
  expect(failure(() => pool.add("e")).message).toContain(
    "failed to allocate for range 1: no IP addresses available in range set: 10.1.2.10-10.1.2.13",
  );
  expect(pool.names()).toEqual(before);
});

test("when one address cannot be taken after all, the others are given back", () => {
  pool.rangeSets = [[TEN], [SIX]];
  using reservation = pool.choose("c1");
  pool.put("fd00::2", "someone\r\neth0");
  expect(failure(() => reservation.take()).code).toBe(11);
  expect(pool.leases()).toEqual(["fd00::2"]);
  expect(pool.names()).not.toContain(".pontoon.new");
});

test("the intent is written after the choice and before the first lease; what it throws leaves nothing", () => {
  const seen: [readonly Lease[], string[]][] = [];
  const writeIntent = ({ leases }: Reservation): void => {
    seen.push([leases, pool.names()]);
    throw new Error("no intent");
  };
  expect(() => {
    using reservation = pool.choose("c1");
    writeIntent(reservation);
    reservation.take();
  }).toThrow("no intent");
  expect(seen).toHaveLength(1);
  expect(seen[0]?.[0]).toHaveLength(1);
  expect(seen[0]?.[1]).toEqual(["lock"]);
  expect(pool.names()).toEqual(["lock"]);
});

test("the lock of the leases is held from the choice to the end of the reservation, and not by one that was refused", () => {
  const takeLock = (): void => openLeaseLock(pool.directory, 0).close();
  {
    using reservation = pool.choose("c1");
    expect(failure(takeLock).code).toBe(11);
    reservation.take();
    expect(failure(takeLock).code).toBe(11);
  }
  takeLock();
  pool.records.createIntent(pool.recordOf("c1", [])).complete();
  expect(failure(() => pool.choose("c1")).code).toBe(101);
  expect(takeLock).not.toThrow();
});

test.each(["", "  \n", "\0\0\0\0\0\0", "_no id", "{}"])(
  "a lease file with %j is free and replaced",
  (content) => {
    pool.put("10.1.2.2", content);
    expect(pool.add("c1")).toEqual(["10.1.2.2"]);
    expect(pool.read("10.1.2.2")).toBe("c1\r\neth0");
  },
);

test.each(["c9", "c9\r\neth0", "c9\r\n", "c9\neth0\n"])("a lease file with %j is somebody's", (content) => {
  pool.put("10.1.2.2", content);
  expect(pool.add("c1")).toEqual(["10.1.2.3"]);
  expect(pool.read("10.1.2.2")).toBe(content);
});

test("folders, pipes and links in the place of leases are passed over, without waiting", () => {
  mkdirSync(join(pool.directory, "10.1.2.2"), { recursive: true });
  expect(spawnSync("mkfifo", [join(pool.directory, "10.1.2.3")]).status).toBe(0);
  symlinkSync("10.1.2.4", join(pool.directory, "10.1.2.4"));
  symlinkSync(join(pool.root, "outside"), join(pool.directory, "10.1.2.5"));
  symlinkSync("/etc/passwd", join(pool.directory, ".pontoon.new"));
  expect(pool.add("c1")).toEqual(["10.1.2.5"]);
  expect(statSync(join(pool.directory, "10.1.2.5")).isFile()).toBe(true);
});

test("an attachment that exists is refused as the reference refuses it", () => {
  pool.add("c1");
  const error = failure(() => pool.add("c1"));
  expect(error.code).toBe(101);
  expect(error.message).toBe("10.1.2.2 has been allocated to c1, duplicate allocation is not allowed");
  expect(pool.leases()).toEqual(["10.1.2.2"]);
});

test("a record that cannot be read counts as an attachment while leases of its owner exist", () => {
  pool.add("c1");
  const [name] = pool.records.listRecords("net").records;
  expect(name).toBeDefined();
  for (const entry of pool.names()) expect(entry).not.toContain(".json");
  const [file = ""] = globSync(join(pool.records.root, "**/*.json"));
  writeFileSync(file, "torn");
  expect(failure(() => pool.add("c1")).message).toBe(
    "10.1.2.2 has been allocated to c1, duplicate allocation is not allowed",
  );
  pool.del("c1");
  expect(pool.leases()).toEqual([]);
  expect(pool.add("c1")).toEqual(["10.1.2.3"]);
});

test("an attachment that a later Pontoon made is refused by the version of its record, whatever leases there are", () => {
  pool.add("c1");
  const [file = ""] = globSync(join(pool.records.root, "**/*.json"));
  writeFileSync(file, readFileSync(file, "utf8").replace('"version": 2', '"version": 9'));
  for (const isLeased of [true, false]) {
    if (!isLeased) rmSync(join(pool.directory, "10.1.2.2"));
    const error = failure(() => pool.add("c1"));
    expect(error.kind).toBe("recordStore");
    expect(error.message).toContain(`${file} is of version 9, which this Pontoon does not know`);
    expect(error.details).toContain("Send a DEL for this container and interface first");
  }
});

test("what a killed ADD of the same attachment left is discarded and taken over", () => {
  pool.addKilled("c1");
  const discarded: string[] = [];
  const discard = ({ addresses }: Attachment): void =>
    void discarded.push(...addresses.map(({ address }) => formatPrefix(address)));
  expect(pool.add("c1", { discard })).toEqual(["10.1.2.3"]);
  expect(discarded).toEqual(["10.1.2.2/24"]);
  expect(pool.leases()).toEqual(["10.1.2.3"]);
});

test("what an attachment holds in an earlier dataDir is given back under the lock of that one", () => {
  pool.add("c1");
  const moved = join(pool.root, "moved");
  const refusals: number[] = [];
  const discard = (): void => void refusals.push(failure(() => openLeaseLock(pool.directory, 0)).code);
  pool.reserve("c1", { directory: moved, isDead: () => true, discard });
  expect(refusals).toEqual([11]);
  expect(pool.leases()).toEqual([]);
});

test("an attachment of which nothing is left is taken over: a restarted container keeps its id", () => {
  pool.add("c1");
  expect(pool.add("c1", { isDead: () => true })).toEqual(["10.1.2.3"]);
  expect(pool.leases()).toEqual(["10.1.2.3"]);
});

test("while an ADD of the same attachment runs, a second one is told to come later", () => {
  using _intent = pool.records.createIntent(pool.recordOf("c1", []));
  expect(failure(() => pool.add("c1")).code).toBe(11);
});

test("requested addresses are given, each from its own set", () => {
  pool.rangeSets = [[TEN], [SIX]];
  const ask = (...texts: string[]) => ({ requested: texts.map((text) => parseAddress(text)!) });
  expect(pool.add("c1", ask("fd00::99", "10.1.2.77"))).toEqual(["10.1.2.77", "fd00::99"]);
  expect(pool.add("c2", ask("fd00::100"))).toEqual(["10.1.2.78", "fd00::100"]);
  expect(failure(() => pool.add("c3", ask("10.1.2.77"))).message).toBe(
    "failed to allocate for range 0: requested IP address 10.1.2.77 is not available in range set 10.1.2.1-10.1.2.254",
  );
  expect(failure(() => pool.add("c3", ask("10.1.2.1"))).message).toBe(
    "failed to allocate for range 0: requested ip 10.1.2.1 is subnet's gateway",
  );
  expect(failure(() => pool.add("c3", ask("10.1.2.80", "10.1.2.81", "10.9.9.9"))).message).toBe(
    "failed to allocate all requested IPs: 10.1.2.81 10.9.9.9",
  );
  expect(pool.leases()).toHaveLength(4);
});

test("a lock that stays taken is code 11 after the wait, with the way to find its holder", () => {
  mkdirSync(pool.directory, { recursive: true });
  using _lock = openLeaseLock(pool.directory);
  const error = failure(() => pool.add("c1", { lockTimeoutMs: 50 }));
  expect(error.code).toBe(11);
  expect(error.details).toContain("fuser");
});

test("a file in the place of a folder is a lease store failure that names it", () => {
  mkdirSync(pool.root, { recursive: true });
  writeFileSync(pool.dataDir, "");
  const error = failure(() => pool.add("c1"));
  expect(error.code).toBe(102);
  expect(error.details).toContain("ENOTDIR");
  rmSync(pool.dataDir);
});
