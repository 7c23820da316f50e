import { mkdirSync, writeFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { type Address, formatAddress, parseAddress } from "../../../src/ip/address.ts";
import { chooseAddress, chooseByNames } from "../../../src/ipam/choice.ts";
import { isAddressFree } from "../../../src/ipam/lease-file.ts";
import { addressInSet, indexInSet, rangeSetOf } from "../../../src/ipam/range-set.ts";
import { Pool, range, SIX } from "./pool.ts";

const A = range("10.0.0.0/24", "10.0.0.10", "10.0.0.19", "10.0.0.1");
const B = range("10.0.9.0/24", "10.0.9.1", "10.0.9.20", "10.0.9.1");
const WIDE = range("10.0.0.0/8", "10.0.0.1", "10.255.255.254", "10.0.0.1");

const pools: Pool[] = [];
afterEach(() => {
  for (const pool of pools.splice(0)) pool.remove();
});

const text = (address: Address | undefined): string | undefined => address && formatAddress(address);

test("a set is one row over its ranges, both ends included", () => {
  const set = rangeSetOf([A, B]);
  expect(set.size).toBe(30n);
  expect([0n, 9n, 10n, 29n].map((index) => text(addressInSet(set, index)))).toEqual([
    "10.0.0.10",
    "10.0.0.19",
    "10.0.9.1",
    "10.0.9.20",
  ]);
  for (let index = 0n; index < set.size; index++)
    expect(indexInSet(set, addressInSet(set, index))).toBe(index);
  expect(indexInSet(set, parseAddress("10.0.0.20")!)).toBeUndefined();
  expect(() => addressInSet(set, 30n)).toThrow(RangeError);
});

test("the walk goes through the ranges in order, past every gateway, and wraps", () => {
  const set = rangeSetOf([A, B]);
  const given: string[] = [];
  const taken = new Set<string>();
  for (let start = 5n; ; start = (indexInSet(set, parseAddress(given.at(-1)!)!)! + 1n) % set.size) {
    const address = text(chooseAddress(set, start, (candidate) => !taken.has(formatAddress(candidate))));
    if (address === undefined) break;
    given.push(address);
    taken.add(address);
  }
  expect(given).toHaveLength(29);
  expect(given.slice(0, 7)).toEqual([
    "10.0.0.15",
    "10.0.0.16",
    "10.0.0.17",
    "10.0.0.18",
    "10.0.0.19",
    "10.0.9.2",
    "10.0.9.3",
  ]);
  expect(given.slice(-5)).toEqual(["10.0.0.10", "10.0.0.11", "10.0.0.12", "10.0.0.13", "10.0.0.14"]);
});

test("behind one run of taken addresses it finds exactly the next one, whatever the length and start", () => {
  const set = rangeSetOf([WIDE]);
  for (let round = 0; round < 200; round++) {
    const start = BigInt(1 + Math.floor(Math.random() * 1_000_000));
    const length = BigInt(Math.floor(2 ** (Math.random() * 20)));
    const chosen = chooseAddress(set, start, (candidate) => {
      const index = indexInSet(set, candidate)!;
      return index < start || index >= start + length;
    });
    expect(indexInSet(set, chosen!)).toBe(start + length);
  }
});

test("behind 10,000 taken addresses it asks fewer than 64 times, and lists nothing", () => {
  const pool = new Pool([WIDE]).open();
  pools.push(pool);
  mkdirSync(pool.directory, { recursive: true });
  const set = rangeSetOf([WIDE]);
  for (let index = 1n; index <= 10_000n; index++)
    writeFileSync(`${pool.directory}/${text(addressInSet(set, index))}`, `c${index}\r\neth0`);
  for (const start of [0n, 1n, 4_000n, 9_999n]) {
    let probes = 0;
    const chosen = chooseAddress(set, start, (address, closely) => {
      probes++;
      return isAddressFree(pool.directory, address, closely);
    });
    expect(text(chosen)).toBe("10.0.39.18");
    expect(probes).toBeLessThan(64);
  }
});

test("taken to the end of the set, it goes on at the beginning", () => {
  const set = rangeSetOf([WIDE]);
  const chosen = chooseAddress(
    set,
    5_000n,
    (candidate) => indexInSet(set, candidate)! < 5_000n && indexInSet(set, candidate)! > 700n,
  );
  expect(indexInSet(set, chosen!)).toBe(701n);
});

test("whatever the holes, a chosen address is free and no gateway", () => {
  const set = rangeSetOf([A, B]);
  let found = 0;
  for (let round = 0; round < 2_000; round++) {
    const free = new Set(
      Array.from({ length: 30 }, (_, at) => at)
        .filter(() => Math.random() < 0.5)
        .map((at) => text(addressInSet(set, BigInt(at)))!),
    );
    const start = BigInt(round % 30);
    const chosen = text(chooseAddress(set, start, (address) => free.has(formatAddress(address))));
    found += chosen === undefined ? 0 : 1;
    expect(chosen === undefined || (free.has(chosen) && chosen !== "10.0.9.1")).toBe(true);
    // The names decide where the leaps found nothing.
    const all = Array.from({ length: 30 }, (_, at) => text(addressInSet(set, BigInt(at)))!);
    const byNames = text(chooseByNames(set, start, new Set(all.filter((name) => !free.has(name)))));
    free.delete("10.0.9.1");
    expect(byNames === undefined).toBe(free.size === 0);
    expect(byNames === undefined || free.has(byNames)).toBe(true);
  }
  // The leaps may miss a free address, but not most of the time.
  expect(found).toBeGreaterThan(1_000);
});

test("a set of 2^64 addresses costs no more than a small one", () => {
  const set = rangeSetOf([SIX]);
  expect(text(chooseAddress(set, set.size - 1n, () => true))).toBe("fd00::ffff:ffff:ffff:ffff");
  const taken = 1n << 40n;
  let probes = 0;
  const chosen = chooseAddress(set, 0n, (address) => {
    probes++;
    return indexInSet(set, address)! >= taken;
  });
  expect(indexInSet(set, chosen!)).toBe(taken);
  expect(probes).toBeLessThan(100);
  expect(text(chooseByNames(set, 0n, new Set(["fd00::2", "fd00::3"])))).toBe("fd00::4");
});
