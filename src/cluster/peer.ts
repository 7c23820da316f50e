// The nodes behind the tunnel, as the device knows them: the MAC of each by permanent entries, never asked
// for and never learnt.
import type { Node } from "../host/node.ts";
import { type Address, formatAddress, sameAddress } from "../ip/address.ts";
import { linkLocalOf } from "../ip/link-local.ts";
import { macBytes } from "../ip/mac.ts";
import type { Prefix } from "../ip/prefix.ts";
import {
  addStaticNeighbourMessage,
  deleteStaticNeighbourMessage,
  listStaticNeighbours,
  type StaticNeighbour,
} from "../net/static-neighbour.ts";
import type { Device } from "./device.ts";
import { addressKey } from "./key.ts";
import type { Change } from "./report.ts";
import type { TunnelPeer } from "./wish.ts";

/**
 * The gateway in the tunnel to a subnet of a node. For IPv4 it is the first address of the subnet, for IPv6
 * the link-local address of the node's MAC: the kernel takes that as a gateway wherever other routes lead.
 */
export function gatewayOf(subnet: Prefix, mac: string): Address {
  return subnet.address.family === 4 ? subnet.address : linkLocalOf(macBytes(mac));
}

/** The changes that make the device know these nodes and no others. Throws SystemError. */
export function peerChanges({ index }: Device, peers: readonly TunnelPeer[], { links }: Node): Change[] {
  const found = index === undefined ? [] : listStaticNeighbours(links, index);
  const wanted = new Map(peers.flatMap(entriesOf).map((entry) => [keyOf(entry), entry]));
  const there = new Map(found.map((entry) => [keyOf(entry), entry]));
  const stale = found.filter((entry) => !wanted.has(keyOf(entry)));
  const missing = [...wanted].filter(([key, entry]) => !isSame(there.get(key), entry));
  return [
    ...stale.map(
      (entry): Change => ({
        what: `entry ${textOf(entry)}`,
        action: "removed",
        messages: [deleteStaticNeighbourMessage(index ?? 0, entry)],
      }),
    ),
    ...missing.map(
      ([key, entry]): Change => ({
        what: `entry ${textOf(entry)}`,
        action: there.has(key) ? "changed" : "added",
        messages: [addStaticNeighbourMessage(index ?? 0, entry)],
      }),
    ),
  ];
}

function entriesOf({ subnets, address, mac }: TunnelPeer): StaticNeighbour[] {
  const gateways = subnets.map((subnet) => gatewayOf(subnet, mac));
  return [
    { table: "fdb", address, mac },
    ...gateways.map((gateway): StaticNeighbour => ({ table: "arp", address: gateway, mac })),
  ];
}

/** The part of an entry by which the kernel finds it. */
function keyOf({ table, address, mac }: StaticNeighbour): string {
  return table === "fdb" ? mac : addressKey(address);
}

function isSame(found: StaticNeighbour | undefined, { address, mac }: StaticNeighbour): boolean {
  return found?.mac === mac && sameAddress(found.address, address);
}

function textOf({ table, address, mac }: StaticNeighbour): string {
  return table === "fdb" ? `${mac} at ${formatAddress(address)}` : `${formatAddress(address)} is ${mac}`;
}
