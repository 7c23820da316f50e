// The pod's MAC, and who has to be told of it.
import { expect, test } from "vitest";
import { macOfAddresses, macsFollow, needsAnnouncement } from "../../../src/plan/mac.ts";
import type { AddInput } from "../../../src/plan/add.ts";
import { addInput, netconf, podAddress, V4, V6 } from "./input.ts";

const FOLLOWING = "0a:58:0a:01:00:02";
const found = (says: boolean) => ({ mac: "0a:00:00:00:00:01", mtu: 1500, found: { index: 7, up: true, promiscuous: false, macsFollow: says } });
const input = (more: Partial<AddInput> = {}, addresses = [V4]): AddInput => addInput(netconf({ isGateway: true }), addresses, { mac: FOLLOWING, bridge: found(true), ...more });
const byOthers = [{ ...podAddress(V4), givenByOthers: true }];

test.each([
  [["10.1.0.2/24"], FOLLOWING],
  [["fd01::2/64", "255.0.17.160/8", "10.1.0.2/24"], "0a:58:ff:00:11:a0"],
  [["fd01::2/64"], undefined],
  [[], undefined],
])("of the addresses %j comes the MAC %s", (addresses, mac) => {
  expect(macOfAddresses(addresses.map(podAddress))).toBe(mac);
});

test.each<[string, AddInput, boolean, boolean]>([
  ["a pod like all others on its bridge", input(), true, false],
  ["the first pod of a bridge", input({ bridge: { ...found(false), found: undefined } }), true, false],
  ["the first pod of a bridge, whose addresses others gave out before", input({ bridge: { ...found(false), found: undefined }, addresses: byOthers }), true, false],
  ["a pod with a MAC of its own", input({ mac: "0a:00:00:00:00:03" }), false, true],
  ["a bridge that does not say so", input({ bridge: found(false) }), false, true],
  ["another program on the network", input({ addresses: byOthers }), false, true],
  ["a second IPv4 address", input({}, [V4, "10.2.0.2/24 10.2.0.1"]), false, true],
  ["IPv6 beside it", input({}, [V4, V6]), true, true],
  ["IPv6 beside it that others may have given out", input({ addresses: [podAddress(V4), { ...podAddress(V6), givenByOthers: true }] }), true, true],
  ["IPv6 alone", input({ mac: "0a:00:00:00:00:03" }, [V6]), true, true],
  ["a network that goes on beyond the bridge", input({ netconf: netconf({ isGateway: false }) }), true, true],
  ["no address that we know", input({}, []), false, false],
])("%s: whether all MACs follow, and whether neighbours are told", (_, given, follow, told) => {
  expect([macsFollow(given), needsAnnouncement(given)]).toEqual([follow, told]);
});
