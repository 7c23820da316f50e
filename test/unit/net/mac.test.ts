import { expect, test } from "vitest";
import { formatMac, macBytes, randomMac } from "../../../src/net/link.ts";

test("a MAC is the same after bytes and text", () => {
  expect(macBytes("0a:00:FF:10:9f:01")).toEqual(Uint8Array.of(0x0a, 0, 0xff, 0x10, 0x9f, 1));
  expect(formatMac(macBytes("0a:00:FF:10:9f:01"))).toBe("0a:00:ff:10:9f:01");
  expect(formatMac(undefined)).toBe("");
});

test("a random MAC is locally administered, for one receiver, and not the one before", () => {
  const macs = Array.from({ length: 500 }, randomMac);
  expect(new Set(macs).size).toBe(500);
  for (const mac of macs) expect(mac).toMatch(/^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/);
});
