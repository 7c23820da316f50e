// The pod's MAC, and whether all of a bridge are like it.
import { expect, test } from "vitest";
import { formatAddress } from "../../../src/ip/address.ts";
import type { AddInput } from "../../../src/plan/add.ts";
import { macOfAddresses, macsFollow, ownerOfMac } from "../../../src/plan/mac.ts";
import { addInput, netconf, podAddress, V4, V6 } from "./input.ts";

const FOLLOWING = "0a:58:0a:01:00:02";
const found = (says: boolean) => ({
  mac: "0a:00:00:00:00:01",
  mtu: 1500,
  found: { index: 7, up: true, promiscuous: false, macsFollow: says },
});
const input = (more: Partial<AddInput> = {}, addresses = [V4]): AddInput =>
  addInput(netconf({ isGateway: true }), addresses, { mac: FOLLOWING, bridge: found(true), ...more });
const byOthers = [{ ...podAddress(V4), givenByOthers: true }];

test.each([
  [["10.1.0.2/24"], FOLLOWING],
  [["fd01::2/64", "255.0.17.160/8", "10.1.0.2/24"], "0a:58:ff:00:11:a0"],
  [["fd01::2/64"], undefined],
  [[], undefined],
])("of the addresses %j comes the MAC %s", (addresses, mac) => {
  expect(macOfAddresses(addresses.map(podAddress))).toBe(mac);
});

test.each<[string, AddInput, boolean]>([
  ["a pod like all others on its bridge", input(), true],
  ["the first pod of a bridge", input({ bridge: { ...found(false), found: undefined } }), true],
  [
    "the first pod of a bridge, whose addresses others gave out before",
    input({ bridge: { ...found(false), found: undefined }, addresses: byOthers }),
    true,
  ],
  ["a pod with a MAC of its own", input({ mac: "0a:00:00:00:00:03" }), false],
  ["a bridge that does not say so", input({ bridge: found(false) }), false],
  ["another program on the network", input({ addresses: byOthers }), false],
  ["a second IPv4 address", input({}, [V4, "10.2.0.2/24 10.2.0.1"]), false],
  ["IPv6 beside it", input({}, [V4, V6]), true],
  ["IPv6 alone", input({ mac: "0a:00:00:00:00:03" }, [V6]), true],
  ["a network that goes on beyond the bridge", input({ netconf: netconf({ isGateway: false }) }), true],
  ["no address that we know", input({}, []), false],
])("%s: whether all MACs follow", (_, given, follow) => {
  expect(macsFollow(given)).toBe(follow);
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
