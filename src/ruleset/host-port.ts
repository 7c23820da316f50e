// The host ports of a step as the ruleset, and iptables for other programs, have them.
import type { AttachedHostPorts, AttachedPortMapping, KeptPort } from "../attachment/host-ports.ts";
import { attachmentDigest, attachmentLabel } from "../attachment/name.ts";
import { type Family, parseAddress } from "../ip/address.ts";
import { parsePrefixes } from "../ip/prefix.ts";
import { type ListedPort, type PortChain, portChainName } from "../iptables/host-port-chain.ts";
import { hairpinChain } from "../nft/hairpin-chain.ts";
import type { HostPorts } from "../nft/port-attachment.ts";
import { type ConditionChain, conditionChain } from "../nft/port-condition.ts";
import { type PortClaim, type PortMapping, PROTOCOLS } from "../nft/port-mapping.ts";
import type { HostPortStep } from "../plan/step.ts";

/** The host ports of a step as the ruleset has them. */
export function hostPortsOf({ key, ports }: HostPortStep): HostPorts {
  const subnets = ports.masquerade === "all" ? undefined : parsePrefixes(ports.subnets);
  const mappings: PortMapping[] = [];
  for (const each of ports.mappings) {
    const mapping = mappingOf(each);
    if (mapping !== undefined) mappings.push(mapping);
  }
  return {
    owner: attachmentDigest(key),
    label: attachmentLabel(key),
    mappings,
    kept: (ports.kept ?? []).flatMap((each) => keptOf(each) ?? []),
    chain: ports.masquerade === "none" ? undefined : hairpinChain(key.network, subnets),
    conditions: conditionsOf(ports, mappings),
    markBit: ports.markBit,
  };
}

function conditionsOf(
  { conditions4, conditions6 }: AttachedHostPorts,
  mappings: PortMapping[],
): ConditionChain[] {
  if (conditions4 === undefined && conditions6 === undefined) return [];
  const isThere = (wanted: Family): boolean => mappings.some(({ family }) => family === wanted);
  return [
    ...(conditions4 === undefined || !isThere(4) ? [] : [conditionChain(4, conditions4)]),
    ...(conditions6 === undefined || !isThere(6) ? [] : [conditionChain(6, conditions6)]),
  ];
}

/** A port that stays with its listener; undefined for a text that is no IPv4 address. */
function keptOf({ protocol, address, port }: KeptPort): PortClaim | undefined {
  const hostAddress = parseAddress(address);
  if (hostAddress?.family !== 4) return undefined;
  return { family: 4, protocol: PROTOCOLS[protocol], hostAddress, first: port, last: port };
}

/**
 * A mapping with its addresses read; undefined for a text that is no address: a record may have been altered
 * by hand.
 */
function mappingOf({
  protocol,
  hostAddress,
  hostPort,
  hostPortEnd,
  containerPort,
  address,
}: AttachedPortMapping): PortMapping | undefined {
  const target = parseAddress(address);
  const host = hostAddress === undefined ? undefined : parseAddress(hostAddress);
  if (target === undefined || (hostAddress !== undefined && host?.family !== target.family)) return undefined;
  return {
    family: target.family,
    protocol: PROTOCOLS[protocol],
    hostAddress: host,
    first: hostPort,
    last: hostPortEnd,
    containerPort,
    target,
  };
}

/** The chain of iptables by which other programs know of the ports; undefined when none is asked for. */
export function portChainOf({ key, ports }: HostPortStep): PortChain | undefined {
  if (ports.iptablesChains !== true) return undefined;
  const listed = ports.mappings
    .filter(({ address }) => !address.includes(":"))
    .flatMap(({ protocol, hostAddress, hostPort, hostPortEnd, containerPort, address }) =>
      Array.from(
        { length: hostPortEnd - hostPort + 1 },
        (_, at): ListedPort => ({
          protocol,
          hostAddress,
          hostPort: hostPort + at,
          address,
          containerPort: containerPort + at,
        }),
      ),
    );
  const { network, containerId } = key;
  return listed.length === 0
    ? undefined
    : { name: portChainName(attachmentDigest(key)), network, containerId, ports: listed };
}

/** True for ports over IPv4 that are reached by 127.0.0.1. */
export function needsLocalhost({ ports: { masquerade, mappings } }: HostPortStep): boolean {
  return masquerade !== "none" && mappings.some(({ address }) => !address.includes(":"));
}

/** The number that Pontoon sets as route_localnet. The kernel takes each but 0 for "on". */
export const OPENED_BY_PONTOON = 2;
