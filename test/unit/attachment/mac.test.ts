// The pod's MAC, and the pods that other MACs belong to.
import { expect, test } from "vitest";
import { macFollows, macOfAddresses, ownerOfMac, randomMac } from "../../../src/attachment/mac.ts";
import { formatAddress } from "../../../src/ip/address.ts";
import { netconf, podAddress, V4, V6 } from "../plan/input.ts";

const FOLLOWING = "0a:58:0a:01:00:02";

test.each([
  [["10.1.0.2/24"], FOLLOWING],
  [["fd01::2/64", "255.0.17.160/8", "10.1.0.2/24"], "0a:58:ff:00:11:a0"],
  [["fd01::2/64"], undefined],
  [[], undefined],
])("of the addresses %j comes the MAC %s", (addresses, mac) => {
  expect(macOfAddresses(addresses.map(podAddress))).toBe(mac);
});

test.each([
  [[V4], FOLLOWING, true],
  [[V4, V6], FOLLOWING, true],
  [[V4], "0a:58:0a:01:00:03", false],
  [[V4, "10.2.0.2/24 10.2.0.1"], FOLLOWING, false],
  [[V6], "0a:00:00:00:00:03", true],
  [[], FOLLOWING, false],
])("every IPv4 address of %j stands in the MAC %s: %j", (addresses, mac, follows) => {
  expect(macFollows(mac, addresses.map(podAddress))).toBe(follows);
});

test.each([
  ["0a:58:0a:01:00:03", "10.1.0.3"],
  ["0a:58:0a:01:00:02", undefined],
  ["0a:58:0a:02:00:03", undefined],
  ["0a:59:0a:01:00:03", undefined],
])("a MAC that is asked for, %s, may be the one of another address of the network: %s", (mac, owner) => {
  const found = ownerOfMac(mac, netconf({ subnets: ["10.1.0.0/24"] }), [podAddress(V4)]);
  expect(found && formatAddress(found)).toBe(owner);
});

test("a random MAC is locally administered, for one receiver, and not the one before", () => {
  const macs = Array.from({ length: 500 }, randomMac);
  expect(new Set(macs).size).toBe(500);
  for (const mac of macs) expect(mac).toMatch(/^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/);
});
