import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { formatRecord, parseRecord } from "../../../src/attachment/text.ts";
import { parseAddress } from "../../../src/ip/address.ts";
import { openLeaseLock } from "../../../src/ipam/lease-lock.ts";
import { ownsLease } from "../../../src/ipam/ownership.ts";
import { release } from "../../../src/ipam/release.ts";
import { version1Of } from "../attachment/version-1.ts";
import { keyOf, poolForEachTest, SIX, TEN } from "./pool.ts";

const pool = poolForEachTest([TEN], [SIX]);

test("a DEL gives all addresses back, and comes twice without harm", () => {
  pool.add("c1");
  pool.add("c2");
  pool.del("c1");
  pool.del("c1");
  pool.del("never-seen");
  expect(pool.leases()).toEqual(["10.1.2.3", "fd00::3"]);
});

test("an address that has gone to somebody else stays theirs", () => {
  pool.add("c1");
  pool.put("10.1.2.2", "c2\r\neth0");
  pool.put("fd00::2", "c1\r\neth1");
  pool.del("c1");
  expect(pool.leases()).toEqual(["10.1.2.2", "fd00::2"]);
});

test("with a record, another lease of the owner is not looked for: DEL costs the same beside a million leases", () => {
  pool.add("c1");
  pool.put("10.1.2.99", "c1\r\neth0");
  pool.del("c1");
  expect(pool.leases()).toEqual(["10.1.2.99"]);
  pool.del("c1");
  expect(pool.leases()).toEqual([]);
});

test("without a record the directory is searched: id and interface first, else files with the id alone", () => {
  pool.put("10.1.2.5", "c1\r\neth0\n");
  pool.put("10.1.2.6", "c1");
  pool.put("10.1.2.7", "c1\r\neth1");
  pool.put("10.1.2.8", "c10\r\neth0");
  pool.put("notes", "c1\r\neth0");
  pool.put("last_reserved_ip.0", "c1\r\neth0");
  release({ directory: pool.directory, key: keyOf("c1") });
  expect(pool.leases()).toEqual(["10.1.2.6", "10.1.2.7", "10.1.2.8"]);
  release({ directory: pool.directory, key: keyOf("c1") });
  expect(pool.leases()).toEqual(["10.1.2.7", "10.1.2.8"]);
  expect(pool.names()).toContain("notes");
  expect(pool.names()).toContain("last_reserved_ip.0");
});

test("a directory that is gone, or a file in its place, holds nothing to give back", () => {
  release({ directory: pool.directory, key: keyOf("c1") });
  expect(existsSync(pool.dataDir)).toBe(false);
  writeFileSync(pool.dataDir, "text");
  release({ directory: pool.directory, key: keyOf("c1") });
  expect(readFileSync(pool.dataDir, "utf8")).toBe("text");
  rmSync(pool.dataDir);
});

test("the directory that the record names is believed, not the configuration of today", () => {
  pool.add("c1");
  release({ directory: "/nowhere", key: keyOf("c1"), record: pool.records.getRecord(keyOf("c1")) });
  expect(pool.leases()).toEqual([]);
});

describe.each([1, 2])("version %i", (version) => {
  test.each(["", "nonsense", "10.1.2.2", "10.1.2.2/99", "../../x/24"])(
    "a record that says address %j harms nobody",
    (address) => {
      pool.add("c1");
      pool.put("10.1.2.9", "c2\r\neth0");
      const whole = pool.recordOf("c1", []);
      const text =
        version === 1
          ? JSON.stringify({ ...version1Of(whole), addresses: [address] })
          : formatRecord(whole).replace('"addresses": []', `"addresses": [{ "address": "${address}" }]`);
      const parsed = parseRecord(text);
      const record = parsed.state === "record" ? parsed.attachment : undefined;
      // A record of version 2 is nothing without its addresses, and its leases are looked for by their owner.
      expect(record !== undefined).toBe(version === 1);
      release({ directory: pool.directory, key: keyOf("c1"), record });
      const others = ["10.1.2.9"];
      expect(pool.leases()).toEqual(version === 1 ? ["10.1.2.2", "10.1.2.9", "fd00::2"] : others);
    },
  );
});

test("folders and unreadable things beside the leases do not stop it", () => {
  mkdirSync(join(pool.directory, "10.1.2.4"), { recursive: true });
  mkdirSync(join(pool.directory, "sub", "10.1.2.5"), { recursive: true });
  pool.put("10.1.2.5", "c1\r\neth0");
  release({ directory: pool.directory, key: keyOf("c1") });
  expect(pool.leases()).toEqual(["10.1.2.4"]);
});

test("a lock that stays taken is code 11, and its words do not say that something was not found", () => {
  pool.add("c1");
  using _lock = openLeaseLock(pool.directory);
  expect(() => release({ directory: pool.directory, key: keyOf("c1"), lockTimeoutMs: 30 })).toThrow(
    expect.objectContaining({ code: 11, message: expect.not.stringMatching(/not found|no such/) }),
  );
});

test("CHECK is told who owns an address, in both formats of host-local", () => {
  pool.put("10.1.2.5", "c1\r\neth0");
  pool.put("10.1.2.6", "c2");
  const owns = (id: string, text: string): boolean =>
    ownsLease(pool.directory, keyOf(id), parseAddress(text)!);
  expect([
    owns("c1", "10.1.2.5"),
    owns("c2", "10.1.2.6"),
    owns("c2", "10.1.2.5"),
    owns("c1", "10.1.2.7"),
  ]).toEqual([true, true, false, false]);
});
