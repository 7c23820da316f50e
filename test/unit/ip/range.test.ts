import { expect, test } from "vitest";
import { parseAddress } from "../../../src/ip/address.ts";
import { rangeSize, rangesOverlap } from "../../../src/ip/range.ts";
const a = (t: string) => parseAddress(t)!;
test("ranges that share one address overlap", () => {
  expect(rangesOverlap({ first: a("10.0.0.1"), last: a("10.0.0.5") }, { first: a("10.0.0.5"), last: a("10.0.0.9") })).toBe(true);
  expect(rangeSize({ first: a("10.0.0.1"), last: a("10.0.0.5") })).toBe(5n);
});
