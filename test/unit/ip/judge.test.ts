// The arithmetic of addresses beside that of the package ip-num, for ranges and prefixes of chance.
import fc from "fast-check";
import {
  type AbstractIPNum,
  IPv4,
  IPv4CidrRange,
  IPv4Prefix,
  IPv6,
  IPv6CidrRange,
  IPv6Prefix,
  RangedSet,
} from "ip-num";
import { expect, test } from "vitest";
import { type Address, type Family, formatAddress, parseAddress } from "../../../src/ip/address.ts";
import { formatPrefix, networkOf, type Prefix, parsePrefix, prefixContains } from "../../../src/ip/prefix.ts";
import {
  type AddressRange,
  addressAt,
  prefixRange,
  rangeContains,
  rangeSize,
  rangesOverlap,
} from "../../../src/ip/range.ts";

const FAMILIES = [
  { family: 4, bits: 32 },
  { family: 6, bits: 128 },
] as const;

/** Numbers of a family; half of them lie close together, so that ranges meet at their ends. */
function numbers(bits: number): fc.Arbitrary<bigint> {
  const most = (1n << BigInt(bits)) - 1n;
  return fc.oneof(fc.bigInt({ min: 0n, max: most }), fc.bigInt({ min: most - 7n, max: most }));
}

function ranges(family: Family, bits: number): fc.Arbitrary<AddressRange> {
  const ends = fc.tuple(numbers(bits), numbers(bits)).map((both) => both.sort((a, b) => (a < b ? -1 : 1)));
  return ends.map(([first = 0n, last = 0n]) => ({
    first: { family, value: first },
    last: { family, value: last },
  }));
}

function prefixes(family: Family, bits: number): fc.Arbitrary<Prefix> {
  return fc
    .tuple(numbers(bits), fc.integer({ min: 0, max: bits }))
    .map(([value, length]) => ({ address: { family, value }, length }));
}

function judged({ family, value }: Address): AbstractIPNum {
  return family === 4 ? IPv4.fromNumber(value) : IPv6.fromBigInt(value);
}

function judgedRange({ first, last }: AddressRange): RangedSet<AbstractIPNum> {
  return new RangedSet(judged(first), judged(last));
}

function judgedPrefix({ address, length }: Prefix): RangedSet<AbstractIPNum> {
  const range =
    address.family === 4
      ? new IPv4CidrRange(IPv4.fromNumber(address.value), IPv4Prefix.fromNumber(BigInt(length)))
      : new IPv6CidrRange(IPv6.fromBigInt(address.value), IPv6Prefix.fromNumber(BigInt(length)));
  return new RangedSet<AbstractIPNum>(range.getFirst(), range.getLast());
}

/** Not RangedSet.isOverlapping: in ip-num 1.6.2 it says no when one range ends where the other begins. */
function judgedOverlap(a: AddressRange, b: AddressRange): boolean {
  const starts = (set: AddressRange, { first }: AddressRange): boolean =>
    judgedRange(set).contains(judgedRange({ first, last: first }));
  return starts(a, b) || starts(b, a);
}

test.each(FAMILIES)("IPv$family: ranges hold, overlap and count as ip-num says", ({ family, bits }) => {
  fc.assert(
    fc.property(ranges(family, bits), ranges(family, bits), (one, other) => {
      const { first, last } = other;
      const single = judgedRange({ first, last: first });
      expect(rangeContains(one, first)).toBe(judgedRange(one).contains(single));
      expect(rangesOverlap(one, other)).toBe(judgedOverlap(one, other));
      expect(rangeSize(other)).toBe(judgedRange(other).getSize());
      expect(addressAt(other, rangeSize(other) - 1n)).toEqual(last);
    }),
  );
});

test.each(FAMILIES)("IPv$family: a prefix reaches from and to where ip-num says", ({ family, bits }) => {
  fc.assert(
    fc.property(prefixes(family, bits), numbers(bits), (prefix, value) => {
      const set = judgedPrefix(prefix);
      const { first, last } = prefixRange(prefix);
      expect([first.value, last.value]).toEqual([set.getFirst().getValue(), set.getLast().getValue()]);
      expect(networkOf(prefix).address.value).toBe(set.getFirst().getValue());
      const address = { family, value };
      const single = judgedRange({ first: address, last: address });
      expect(prefixContains(prefix, address)).toBe(set.contains(single));
      expect(parsePrefix(formatPrefix(prefix))).toEqual(prefix);
    }),
  );
});

test.each(FAMILIES)("IPv$family: ip-num reads an address as it is written here", ({ family, bits }) => {
  fc.assert(
    fc.property(numbers(bits), (value) => {
      const text = formatAddress({ family, value });
      const read = family === 4 ? IPv4.fromString(text) : IPv6.fromString(text);
      expect(read.getValue()).toBe(value);
      expect(parseAddress(read.toString())).toEqual({ family, value });
    }),
  );
});
