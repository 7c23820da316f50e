// Many prefixes as few ranges.
import { expect, test } from "vitest";
import { formatAddress } from "../../../src/ip/address.ts";
import { rangeText, unionOf } from "../../../src/ip/union.ts";
import { prefix } from "../../support/ip.ts";

test.each<[string[], 4 | 6, string[]]>([
  [[], 4, []],
  [["10.2.0.0/24", "10.1.0.0/24"], 4, ["10.1.0.0-10.1.0.255", "10.2.0.0-10.2.0.255"]],
  [["10.1.0.0/24", "10.1.1.0/24"], 4, ["10.1.0.0-10.1.1.255"]],
  [["10.1.0.0/16", "10.1.7.0/24", "10.1.7.0/24"], 4, ["10.1.0.0-10.1.255.255"]],
  [["10.1.0.0/24", "fd01::/64"], 6, ["fd01::-fd01::ffff:ffff:ffff:ffff"]],
  [["0.0.0.0/0", "255.255.255.255/32"], 4, ["0.0.0.0-255.255.255.255"]],
])("%j of IPv%i is %j", (texts, family, ranges) => {
  expect(
    unionOf(texts.map(prefix), family).map(
      ({ first, last }) => `${formatAddress(first)}-${formatAddress(last)}`,
    ),
  ).toEqual(ranges);
});

test.each<[string[], string]>([
  [["10.1.0.0/24", "10.1.1.0/24"], "10.1.0.0/23"],
  [["10.1.1.0/24", "10.1.2.0/24"], "10.1.1.0-10.1.2.255"],
  [["10.1.0.0/24", "10.1.1.0/24", "10.1.2.0/24"], "10.1.0.0-10.1.2.255"],
  [["10.1.0.7/32"], "10.1.0.7"],
  [["0.0.0.0/0"], "0.0.0.0/0"],
  [["fd01::/64"], "fd01::/64"],
])("%j is written as %s", (texts, text) => {
  const family = texts[0]!.includes(":") ? 6 : 4;
  expect(unionOf(texts.map(prefix), family).map(rangeText)).toEqual([text]);
});
