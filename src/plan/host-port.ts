// Host ports with the pod's addresses, made from the requested host ports. Pure.

import type { PodAddress } from "../attachment/attachment.ts";
import type { AttachedHostPorts, AttachedPortMapping } from "../attachment/host-ports.ts";
import type { AttachmentKey } from "../cni/attachment-key.ts";
import type { Netconf } from "../cni/config.ts";
import { CniError } from "../cni/error.ts";
import type { HostPortConfig, PortMapping } from "../cni/host-port-config.ts";
import { type Address, type Family, formatAddress } from "../ip/address.ts";
import { formatPrefix } from "../ip/prefix.ts";
import { entryName } from "./link.ts";
import type { PortListener } from "./listener.ts";
import { keepListeners } from "./listener.ts";
import { networkSubnets } from "./network.ts";

/** For each family: true when the packet filter sees bridged packets. */
export interface FilteredFamilies {
  4: boolean;
  6: boolean;
}

/** The input for the host ports of a pod. */
export interface HostPortInput {
  config: HostPortConfig;
  netconf: Netconf;
  addresses: PodAddress[];
  isFiltered: FilteredFamilies;
  /** The listeners on ports that are asked for; undefined: there is none. */
  listeners?: readonly PortListener[] | undefined;
  key: AttachmentKey;
}

/**
 * The host ports of a pod. Before a foreign IPAM plugin has named addresses there is no mapping yet, and the
 * veth is made for addresses of both families. Throws CniError 7 when a mapping cannot lead anywhere, because
 * the pod has no address of its family, and CniError hostPort where a listener would be cut off.
 */
export function planHostPorts({
  config,
  netconf,
  addresses,
  isFiltered,
  listeners = [],
  key,
}: HostPortInput): AttachedHostPorts {
  const isUnaddressed = netconf.foreignIpam !== undefined && addresses.length === 0;
  const mappings: AttachedPortMapping[] = [];
  if (!isUnaddressed) for (const mapping of config.mappings) mappings.push(...mappingsOf(mapping, addresses));
  if (!isUnaddressed && mappings.length === 0)
    throw unreachable("host ports are asked for, but the pod has no address that they could lead to");
  const kept = keepListeners(mappings, listeners, key.containerId);
  const comesBack = isUnaddressed ? isFiltered[4] || isFiltered[6] : needsHairpin(mappings, isFiltered);
  return {
    mappings,
    kept: kept.length === 0 ? undefined : kept,
    masquerade: config.masqAll ? "all" : config.snat ? "own" : "none",
    subnets: networkSubnets(netconf, addresses).map(formatPrefix),
    markBit: config.markMasqBit,
    gatewayInterface: entryName(netconf, key),
    allowListening: config.allowListening ? true : undefined,
    iptablesChains: config.iptablesChains ? true : undefined,
    conditions4: config.conditions4,
    conditions6: config.conditions6,
    hairpin: netconf.attach === "bridge" && !netconf.promiscMode && comesBack,
  };
}

/**
 * The mappings of a requested mapping: one for each family that it is meant for. As in the reference, the
 * pod's first address of a family counts.
 */
function mappingsOf(
  { hostAddress, protocol, hostPort, hostPortEnd, containerPort }: PortMapping,
  addresses: PodAddress[],
): AttachedPortMapping[] {
  const families: Family[] = hostAddress === undefined ? [4, 6] : [hostAddress.family];
  const targets: Address[] = [];
  for (const family of families) {
    const target = firstOf(family, addresses);
    if (target !== undefined) targets.push(target);
  }
  const isOne = hostAddress !== undefined && hostAddress.value !== 0n;
  if (isOne && targets.length === 0)
    throw unreachable(
      `hostIP ${formatAddress(hostAddress)}: the pod has no IPv${hostAddress.family} address that its ports could lead to`,
    );
  return targets.map((target) => ({
    protocol,
    ...(isOne ? { hostAddress: formatAddress(hostAddress) } : {}),
    hostPort,
    hostPortEnd,
    containerPort,
    address: formatAddress(target),
  }));
}

function firstOf(family: Family, addresses: PodAddress[]): Address | undefined {
  for (const {
    address: { address },
  } of addresses)
    if (address.family === family) return address;
  return undefined;
}

/**
 * True when the port needs hairpin mode: the packet filter sees bridged packets, and a packet of the pod to
 * its own host port then returns by the bridge port that it came from.
 */
function needsHairpin(mappings: AttachedPortMapping[], isFiltered: FilteredFamilies): boolean {
  for (const { address } of mappings) if (isFiltered[address.includes(":") ? 6 : 4]) return true;
  return false;
}

function unreachable(about: string): CniError {
  return new CniError("invalidConfig", {
    about,
    hint: "Give the network a range of that family in ipam, or ask for other host ports; nothing was changed",
  });
}
