// The node's part as it is, for those who judge it without the wish: a doctor.
import type { Node } from "../host/node.ts";
import type { Address, Family } from "../ip/address.ts";
import { type Prefix, prefixContains } from "../ip/prefix.ts";
import type { AddressRange } from "../ip/range.ts";
import { listAddresses } from "../net/address.ts";
import type { LinkRoute } from "../net/route.ts";
import { findLocalRoute } from "../net/route-look-up.ts";
import { listStaticNeighbours, type StaticNeighbour } from "../net/static-neighbour.ts";
import type { VxlanLink } from "../net/vxlan.ts";
import { hasNodeTable, listExceptions, listSources, nodeLayout } from "../nft/node-layout.ts";
import { isTableAsMade } from "../nft/read-back.ts";
import { ownDevice } from "./device.ts";
import { addressKey } from "./key.ts";
import { ownRoutes } from "./route.ts";
import { tunnelMac } from "./tunnel-mac.ts";

/** The tunnel device with what it knows. */
export interface TunnelPart {
  device: VxlanLink;
  entries: readonly StaticNeighbour[];
  /** The nodes behind the gateways that the device knows, by addressKey of the gateway. */
  nodes: ReadonlyMap<string, Address>;
  /** The families of the addresses that the node has in the tunnel. */
  families: readonly Family[];
  /** False where no interface has the tunnel's own address. */
  hasLocal: boolean;
  /** The MAC by which other nodes know the device. */
  wantedMac: string;
}

/** The table `inet pontoon-node`. */
export interface TablePart {
  /** The subnets of pods that it masquerades. */
  sources: readonly Prefix[];
  /** Disjoint, in order, those of IPv4 first. */
  exceptions: readonly AddressRange[];
  /** False where chain, sets or rules are others than those of these subnets. */
  isAsMade: boolean;
}

export interface NodePart {
  routes: readonly LinkRoute[];
  tunnel: TunnelPart | undefined;
  table: TablePart | undefined;
}

/** Looks at the node's part. Throws SystemError. */
export function lookAtPart(node: Node): NodePart {
  return { routes: ownRoutes(node), tunnel: lookAtTunnel(node), table: lookAtTable(node) };
}

function lookAtTunnel(node: Node): TunnelPart | undefined {
  const device = ownDevice(node);
  const { settings, index } = device ?? {};
  if (device === undefined || settings === undefined || index === undefined) return undefined;
  const entries = listStaticNeighbours(node.links, index);
  const held = listAddresses(node.links, index).map(({ prefix }) => prefix.address.family);
  return {
    device,
    entries,
    nodes: nodesBehind(entries),
    families: [...new Set(held)],
    hasLocal: findLocalRoute(node.links, settings.local) !== undefined,
    wantedMac: tunnelMac(settings.local),
  };
}

/** Looks at the table of the node's part alone; undefined where there is none. Throws SystemError. */
export function lookAtTable({ rules }: Node): TablePart | undefined {
  if (!hasNodeTable(rules)) return undefined;
  const sources = listSources(rules);
  const isAsMade = sources.length > 0 && isTableAsMade(rules, nodeLayout(sources));
  return { sources, isAsMade, exceptions: isAsMade ? listExceptions(rules) : [] };
}

/** True for a route by the tunnel. */
export function isTunnelled({ index }: LinkRoute, { tunnel }: NodePart): boolean {
  return index === tunnel?.device.index;
}

function nodesBehind(entries: readonly StaticNeighbour[]): Map<string, Address> {
  const byMac = new Map<string, Address>();
  for (const { table, mac, address } of entries) if (table === "fdb") byMac.set(mac, address);
  const nodes = new Map<string, Address>();
  for (const { table, mac, address } of entries) {
    const node = table === "arp" ? byMac.get(mac) : undefined;
    if (node !== undefined) nodes.set(addressKey(address), node);
  }
  return nodes;
}

/** The node behind a gateway in the tunnel, as the device knows it; undefined where it does not. */
export function nodeBehind(gateway: Address, { nodes }: TunnelPart): Address | undefined {
  return nodes.get(addressKey(gateway));
}

/** The route of ours that a packet to this address takes; undefined without one. */
export function routeTo(address: Address, { routes }: NodePart): LinkRoute | undefined {
  return routes
    .filter(({ dst }) => prefixContains(dst, address))
    .sort((a, b) => b.dst.length - a.dst.length)[0];
}

/** True for an address to which packets of pods keep their own source address. */
export function isExcepted({ family, value }: Address, { exceptions }: TablePart): boolean {
  // How many of them begin no later than the address: it can be in the last of these alone.
  let [low, high] = [0, exceptions.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const { first } = exceptions[middle]!;
    if (first.family < family || (first.family === family && first.value <= value)) low = middle + 1;
    else high = middle;
  }
  const range = exceptions[low - 1];
  return range !== undefined && range.first.family === family && value <= range.last.value;
}
