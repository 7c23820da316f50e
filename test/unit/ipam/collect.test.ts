import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { formatAddress } from "../../../src/ip/address.ts";
import { collectLeases } from "../../../src/ipam/collect.ts";
import type { LeaseOwner } from "../../../src/ipam/lease.ts";
import { openLeaseLock } from "../../../src/ipam/lease-lock.ts";
import { poolForEachTest } from "./pool.ts";

const pool = poolForEachTest();
beforeEach(() => {
  pool.put("10.1.2.2", "a\r\neth0");
  pool.put("10.1.2.3", "a\r\neth1");
  pool.put("10.1.2.4", "b\r\neth0");
  pool.put("fd00::2", "b\r\neth0");
  pool.put("10.1.2.5", "old");
  pool.put("10.1.2.6", "");
  pool.put("10.1.2.7", "{torn");
  pool.put("last_reserved_ip.0", "10.1.2.5");
  pool.put("lock", "");
  pool.put("README", "z\r\neth0");
  pool.put(".pontoon.new", "a\r\neth0");
  mkdirSync(join(pool.directory, "10.1.2.8"));
});

const collect = (valid: LeaseOwner[], keep?: (owner: LeaseOwner) => boolean): string[] =>
  collectLeases({ directory: pool.directory, valid, ...(keep === undefined ? {} : { keep }) })
    .map(({ address }) => formatAddress(address))
    .sort();

test("leases of valid attachments stay, all other leases and files that cannot be one go", () => {
  expect(
    collect([
      { containerId: "a", interfaceName: "eth0" },
      { containerId: "unknown", interfaceName: "eth0" },
    ]),
  ).toEqual(["10.1.2.3", "10.1.2.4", "10.1.2.5", "fd00::2"]);
  expect(pool.names()).toEqual(["10.1.2.2", "10.1.2.8", "README", "last_reserved_ip.0", "lock"]);
});

test("an id alone stays while any valid attachment has that id", () => {
  collect([{ containerId: "old", interfaceName: "net7" }]);
  expect(pool.leases()).toEqual(["10.1.2.5", "10.1.2.8"]);
});

test("with no valid attachment every lease goes", () => {
  expect(collect([])).toHaveLength(5);
  expect(pool.leases()).toEqual(["10.1.2.8"]);
  expect(collect([])).toEqual([]);
});

test("an owner whose ADD is running is spared", () => {
  expect(collect([], ({ containerId }) => containerId === "b")).toEqual(["10.1.2.2", "10.1.2.3", "10.1.2.5"]);
});

test("a directory that is gone is clean", () => {
  pool.remove();
  expect(collect([])).toEqual([]);
});

test("it takes the lock", () => {
  using _lock = openLeaseLock(pool.directory);
  expect(() => collectLeases({ directory: pool.directory, valid: [], lockTimeoutMs: 30 })).toThrow(
    expect.objectContaining({ code: 11 }),
  );
});
