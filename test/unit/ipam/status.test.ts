import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { checkFreeAddresses, checkLeaseDirectory, countPools } from "../../../src/ipam/status.ts";
import { poolForEachTest, range, SIX, TEN } from "./pool.ts";

const FEW = range("10.1.2.0/24", "10.1.2.1", "10.1.2.4", "10.1.2.1");

const pool = poolForEachTest([FEW]);

test("a directory that could be made and written is fine, and is not made", () => {
  checkLeaseDirectory(pool.directory);
  expect(existsSync(pool.dataDir)).toBe(false);
  pool.add("c1");
  const before = readdirSync(pool.directory);
  checkLeaseDirectory(pool.directory);
  expect(readdirSync(pool.directory)).toEqual(before);
});

test("a file in the place of a folder is code 50", () => {
  writeFileSync(pool.dataDir, "");
  expect(() => checkLeaseDirectory(pool.directory)).toThrow(
    expect.objectContaining({ code: 50, details: expect.stringContaining("ENOTDIR") }),
  );
});

test("addresses and leases are counted, gateways not", () => {
  pool.add("c1");
  pool.put("10.1.2.200", "c9\r\neth0");
  pool.put("10.1.2.1", "c8\r\neth0");
  expect(countPools(pool.directory, [[FEW], [TEN], [SIX]])).toEqual([
    { words: "10.1.2.1-10.1.2.4", size: 3n, taken: 1n },
    { words: "10.1.2.1-10.1.2.254", size: 253n, taken: 2n },
    { words: "fd00::1-fd00::ffff:ffff:ffff:ffff", size: (1n << 64n) - 2n, taken: 0n },
  ]);
  expect(countPools("/nowhere", [[FEW]])).toEqual([{ words: "10.1.2.1-10.1.2.4", size: 3n, taken: 0n }]);
});

test("a gateway that lies outside of the range takes none of its addresses", () => {
  const outside = range("10.1.2.0/24", "10.1.2.10", "10.1.2.13", "10.1.2.1");
  pool.put("10.1.2.1", "c8\r\neth0");
  for (const last of [10, 11, 12]) pool.put(`10.1.2.${last}`, `c${last}\r\neth0`);
  expect(countPools(pool.directory, [[outside]])).toEqual([
    { words: "10.1.2.10-10.1.2.13", size: 4n, taken: 3n },
  ]);
  checkFreeAddresses(pool.directory, [[outside]]);
});

test("a full set is code 50 for those who ask", () => {
  checkFreeAddresses(pool.directory, pool.rangeSets);
  for (const id of ["a", "b", "c"]) pool.add(id);
  expect(() => checkFreeAddresses(pool.directory, [[SIX], [FEW]])).toThrow(
    expect.objectContaining({ code: 50, message: expect.stringContaining("10.1.2.1-10.1.2.4") }),
  );
});
