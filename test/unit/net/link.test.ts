import { expect, test } from "vitest";
import { macBytes } from "../../../src/ip/mac.ts";
import { formatMac } from "../../../src/net/link.ts";

test("a MAC is the same after bytes and text", () => {
  expect(macBytes("0a:00:FF:10:9f:01")).toEqual(Uint8Array.of(0x0a, 0, 0xff, 0x10, 0x9f, 1));
  expect(formatMac(macBytes("0a:00:FF:10:9f:01"))).toBe("0a:00:ff:10:9f:01");
  expect(formatMac(undefined)).toBe("");
});
