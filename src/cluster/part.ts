// The node's part as it is, for those who judge it without the wish: a doctor.
import type { Node } from "../host/node.ts";
import { type Address, type Family, sameAddress } from "../ip/address.ts";
import { type Prefix, prefixContains } from "../ip/prefix.ts";
import type { AddressRange } from "../ip/ranged-set.ts";
import { listAddresses } from "../net/address.ts";
import { findLocalRoute, type LinkRoute } from "../net/route.ts";
import { listStaticNeighbours, type StaticNeighbour } from "../net/static-neighbour.ts";
import type { VxlanLink } from "../net/vxlan.ts";
import { hasNodeTable, listExceptions, listSources, nodeLayout } from "../nft/node-layout.ts";
import { isTableAsMade } from "../nft/read-back.ts";
import { ownDevice } from "./device.ts";
import { ownRoutes } from "./route.ts";
import { tunnelMac } from "./tunnel-mac.ts";

/** The tunnel device with what it knows. */
export interface TunnelPart {
  device: VxlanLink;
  entries: readonly StaticNeighbour[];
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
  /** In order, those of IPv4 first. */
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
  const held = listAddresses(node.links, index).map(({ prefix }) => prefix.address.family);
  return {
    device,
    entries: listStaticNeighbours(node.links, index),
    families: [...new Set(held)],
    hasLocal: findLocalRoute(node.links, settings.local) !== undefined,
    wantedMac: tunnelMac(settings.local),
  };
}

function lookAtTable({ rules }: Node): TablePart | undefined {
  if (!hasNodeTable(rules)) return undefined;
  const sources = listSources(rules);
  const isAsMade = sources.length > 0 && isTableAsMade(rules, nodeLayout(sources));
  return { sources, isAsMade, exceptions: isAsMade ? listExceptions(rules) : [] };
}

/** True for a route by the tunnel. */
export function isTunnelled({ index }: LinkRoute, { tunnel }: NodePart): boolean {
  return index === tunnel?.device.index;
}

/** The node behind a gateway in the tunnel, as the device knows it; undefined where it does not. */
export function nodeBehind(gateway: Address, { entries }: TunnelPart): Address | undefined {
  const mac = entries.find(({ table, address }) => table === "arp" && sameAddress(address, gateway))?.mac;
  return entries.find((entry) => entry.table === "fdb" && entry.mac === mac)?.address;
}

/** The route of ours that a packet to this address takes; undefined without one. */
export function routeTo(address: Address, { routes }: NodePart): LinkRoute | undefined {
  return routes
    .filter(({ dst }) => prefixContains(dst, address))
    .sort((a, b) => b.dst.length - a.dst.length)[0];
}

/** True for an address to which packets of pods keep their own source address. */
export function isExcepted({ family, value }: Address, { exceptions }: TablePart): boolean {
  return exceptions.some(
    ({ first, last }) => first.family === family && first.value <= value && value <= last.value,
  );
}
