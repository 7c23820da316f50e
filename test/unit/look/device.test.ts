// Patterns of device names, as a shell has them.
import { expect, test } from "vitest";
import { fits } from "../../../src/look/device.ts";

test.each([
  ["eth1", "eth1", true],
  ["eth1", "eth", false],
  ["eth1", "eth?", true],
  ["eth12", "eth?", false],
  ["eth12", "eth*", true],
  ["eth1", "eth[1-4]", true],
  ["eth5", "eth[1-4]", false],
  ["eth5", "eth[!1-4]", true],
  ["eth^", "eth[^]", true],
  ["eth.1", "eth.*", true],
  ["ethx1", "eth.*", false],
  ["eth[", "eth[", true],
  ["a+b", "a+*", true],
  ["aab", "a+*", false],
])("%s fits %s: %j", (name, pattern, isFit) => {
  expect(fits(name, pattern)).toBe(isFit);
});
