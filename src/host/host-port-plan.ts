// What is asked for as host ports, with the pod's addresses put in: what the record keeps and the step does.
import type { Netconf } from "../cni/config.ts";
import { CniError } from "../cni/error.ts";
import type { HostPortConfig, PortMapping } from "../cni/host-port-config.ts";
import { type Address, type Family, formatAddress } from "../ip/address.ts";
import { formatPrefix } from "../ip/prefix.ts";
import { networkSubnets, type PodAddress } from "../plan/add.ts";
import type { RecordedHostPorts, RecordedPortMapping } from "../record/attachment.ts";
import { filterSees } from "./bridge-filter.ts";

/** CniError 7 when a mapping cannot lead anywhere, because the pod has no address of its family. */
export function planHostPorts(
  config: HostPortConfig,
  netconf: Netconf,
  addresses: PodAddress[],
): RecordedHostPorts {
  const mappings: RecordedPortMapping[] = [];
  for (const mapping of config.mappings) mappings.push(...mappingsOf(mapping, addresses));
  if (mappings.length === 0)
    throw unreachable("host ports are asked for, but the pod has no address that they could lead to");
  return hostPortsTo(mappings, config, netconf, addresses);
}

/**
 * The same before a foreign IPAM plugin has said the addresses: no mapping yet, and the veth is made for
 * addresses of both families.
 */
export function planUnaddressedHostPorts(config: HostPortConfig, netconf: Netconf): RecordedHostPorts {
  return {
    ...hostPortsTo([], config, netconf, []),
    hairpin: !netconf.promiscMode && (filterSees(4) || filterSees(6)),
  };
}

function hostPortsTo(
  mappings: RecordedPortMapping[],
  config: HostPortConfig,
  netconf: Netconf,
  addresses: PodAddress[],
): RecordedHostPorts {
  return {
    mappings,
    masquerade: config.masqAll ? "all" : config.snat ? "own" : "none",
    subnets: networkSubnets(netconf, addresses).map(formatPrefix),
    markBit: config.markMasqBit,
    gatewayInterface: netconf.gatewayInterface,
    iptablesChains: config.iptablesChains ? true : undefined,
    conditions4: config.conditions4,
    conditions6: config.conditions6,
    hairpin: !netconf.promiscMode && needsHairpin(mappings),
  };
}

/**
 * One for each family that the mapping is meant for. As in the reference, the pod's first address of a family
 * counts.
 */
function mappingsOf(
  { hostAddress, protocol, hostPort, hostPortEnd, containerPort }: PortMapping,
  addresses: PodAddress[],
): RecordedPortMapping[] {
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
 * Where the packet filter sees what goes over bridges, a packet of the pod to its own host port comes back to
 * the bridge by the port that it came from.
 */
function needsHairpin(mappings: RecordedPortMapping[]): boolean {
  let [hasFour, hasSix] = [false, false];
  for (const { address } of mappings) {
    if (address.includes(":")) hasSix = true;
    else hasFour = true;
  }
  return (hasFour && filterSees(4)) || (hasSix && filterSees(6));
}

function unreachable(about: string): CniError {
  return new CniError("invalidConfig", {
    about,
    hint: "Give the network a range of that family in ipam, or ask for other host ports; nothing was changed",
  });
}
