import { expect, test } from "vitest";
import { type Address, formatAddress, parseAddress } from "../../../src/ip/address.ts";
import { parsePrefix } from "../../../src/ip/prefix.ts";
import {
  type AddressRange,
  addressAt,
  indexOf,
  prefixRange,
  rangeContains,
  rangeSize,
  rangesOverlap,
} from "../../../src/ip/range.ts";

const address = (text: string): Address => parseAddress(text)!;
const range = (first: string, last: string): AddressRange => ({ first: address(first), last: address(last) });

test("a prefix is the range from its network address to its last one", () => {
  const words = (text: string): string =>
    Object.values(prefixRange(parsePrefix(text)!))
      .map(formatAddress)
      .join("-");
  expect(words("10.1.2.3/16")).toBe("10.1.0.0-10.1.255.255");
  expect(words("0.0.0.0/0")).toBe("0.0.0.0-255.255.255.255");
  expect(words("10.0.0.1/32")).toBe("10.0.0.1-10.0.0.1");
  expect(words("fd00::1/64")).toBe("fd00::-fd00::ffff:ffff:ffff:ffff");
  expect(words("::/0")).toBe("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
});

test("a range holds both of its ends and no address of the other family", () => {
  const ten = range("10.0.0.5", "10.0.0.9");
  expect(
    ["10.0.0.4", "10.0.0.5", "10.0.0.9", "10.0.0.10", "::a00:5"].map((text) =>
      rangeContains(ten, address(text)),
    ),
  ).toEqual([false, true, true, false, false]);
  expect(rangeContains(range("::", "::ffff:ffff"), address("10.0.0.5"))).toBe(false);
});

test("ranges that share one address overlap, neighbours do not", () => {
  const five = range("10.0.0.5", "10.0.0.9");
  expect(rangesOverlap(five, range("10.0.0.9", "10.0.0.12"))).toBe(true);
  expect(rangesOverlap(range("10.0.0.1", "10.0.0.5"), five)).toBe(true);
  expect(rangesOverlap(five, range("10.0.0.6", "10.0.0.7"))).toBe(true);
  expect(rangesOverlap(five, range("0.0.0.0", "255.255.255.255"))).toBe(true);
  expect(rangesOverlap(five, range("10.0.0.10", "10.0.0.12"))).toBe(false);
  expect(rangesOverlap(five, range("::a00:5", "::a00:9"))).toBe(false);
});

test("size, place and address belong together, up to all of IPv6", () => {
  expect(rangeSize(prefixRange(parsePrefix("::/0")!))).toBe(1n << 128n);
  const subnet = prefixRange(parsePrefix("fd00::/64")!);
  for (const index of [0n, 1n, 12345678901234n, (1n << 64n) - 1n])
    expect(indexOf(subnet, addressAt(subnet, index))).toBe(index);
  expect(indexOf(subnet, address("fd01::"))).toBeUndefined();
  expect(() => addressAt(subnet, 1n << 64n)).toThrow(RangeError);
  expect(() => addressAt(subnet, -1n)).toThrow(RangeError);
});

test("an address with zeros in front stays IPv6 when the next one is asked for", () => {
  // host-local hands out 1.2.3.5 here.
  const subnet = prefixRange(parsePrefix("::102:0/112")!);
  expect(formatAddress(addressAt(subnet, 0x305n))).toBe("::102:305");
});
