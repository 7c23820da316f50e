import { expect, test } from "vitest";
import { parseAddress } from "../../../src/ip/address.ts";
import { formatPrefix, hasHostBits, networkOf, parsePrefix, prefixContains } from "../../../src/ip/prefix.ts";

// What Go 1.26's net.ParseCIDR says: the network, or undefined for an error.
const GO: [string, string | undefined][] = [
  ["10.1.2.3/8", "10.0.0.0/8"],
  ["10.1.2.3/0", "0.0.0.0/0"],
  ["10.1.2.3/32", "10.1.2.3/32"],
  ["10.1.2.3/33", undefined],
  ["10.1.2.3/024", "10.1.2.0/24"],
  ["10.1.2.3/", undefined],
  ["10.1.2.3", undefined],
  ["10.1.2.3/-1", undefined],
  ["10.1.2.3/2x", undefined],
  ["10.1.2.3/ 8", undefined],
  ["10.1.2.3/8/8", undefined],
  ["/8", undefined],
  ["fd00::1/64", "fd00::/64"],
  ["::/0", "::/0"],
  ["::1/128", "::1/128"],
  ["::1/129", undefined],
  ["fe80::1%eth0/64", undefined],
  ["10.1.2.3/99999999999", undefined],
];

test.each(GO)("%j is read as Go reads it", (text, wanted) => {
  const prefix = parsePrefix(text);
  expect(prefix && formatPrefix(networkOf(prefix))).toBe(wanted);
});

test("an IPv4-mapped prefix is refused: its length would count other bits", () => {
  expect(parsePrefix("::ffff:10.0.0.0/120")).toBeUndefined();
});

test("host bits are kept, seen and cleared", () => {
  const prefix = parsePrefix("10.1.2.3/16")!;
  expect(formatPrefix(prefix)).toBe("10.1.2.3/16");
  expect(hasHostBits(prefix)).toBe(true);
  expect(hasHostBits(networkOf(prefix))).toBe(false);
});

test("a prefix contains its network and nothing else", () => {
  const contains = (prefix: string, address: string): boolean =>
    prefixContains(parsePrefix(prefix)!, parseAddress(address)!);
  expect(contains("10.1.0.0/16", "10.1.255.255")).toBe(true);
  expect(contains("10.1.0.0/16", "10.2.0.0")).toBe(false);
  expect(contains("0.0.0.0/0", "255.0.0.1")).toBe(true);
  expect(contains("::/0", "10.0.0.1")).toBe(false);
  expect(contains("fd00::/64", "fd00::ffff:ffff:ffff:ffff")).toBe(true);
});
