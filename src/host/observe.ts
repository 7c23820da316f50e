// What is there before anything changes: the bridge, and how large a packet the way out of the node takes.
import type { Netconf } from "../cni/config.ts";
import type { Address, Family } from "../ip/address.ts";
import { getLink, type Link, listPorts } from "../net/link.ts";
import { lookUpRoute } from "../net/route.ts";
import type { FoundBridge } from "../plan/step.ts";
import { attempt } from "./failure.ts";
import type { Machine } from "./machine.ts";
import { checkIsBridge, saysMacsFollow } from "./steps/bridge.ts";
import { ensureFilteringBridge } from "./vlan-filtering.ts";

export interface ObservedBridge {
  /** Undefined: the bridge has to be made. */
  mac: string | undefined;
  /** The bridge's own, or what it is to get. */
  mtu: number;
  found: FoundBridge | undefined;
}

/** The root name server A, as "somewhere in the Internet": the way there is the way out. */
const FAR_AWAY: Record<Family, Address> = {
  4: { family: 4, value: 0xc6290004n },
  6: { family: 6, value: 0x20010503ba3e00000000000000020030n },
};

const DEFAULT_MTU = 1500;
const IPV6_LEAST_MTU = 1280;
/** The largest that a bridge takes; lo has more. */
const LARGEST_MTU = 65535;

/**
 * Looks at the bridge, or at the uplink if the bridge has to be made. CniError when the name belongs to
 * something else.
 */
export function observeBridge(netconf: Netconf, machine: Machine): ObservedBridge {
  if (netconf.hasVlans) ensureFilteringBridge(netconf.bridge, machine);
  return attempt("bridge", netconf.bridge, () => {
    const link = getLink(machine.links, { name: netconf.bridge });
    if (link !== undefined) checkIsBridge(netconf.bridge, link);
    if (link === undefined || isUnfinished(link, machine)) {
      return {
        mac: link?.mac,
        mtu: netconf.mtu > 0 ? netconf.mtu : uplinkMtu(netconf, machine),
        found: undefined,
      };
    }
    const { mac, mtu, index, up, promiscuous } = link;
    return { mac, mtu, found: { index, up, promiscuous, macsFollow: saysMacsFollow(link) } };
  });
}

/**
 * A bridge that is down and has no ports is one whose ADD was killed before it had set it up: its MTU was not
 * decided yet.
 */
function isUnfinished(link: Link, machine: Machine): boolean {
  return !link.up && link.mtu === DEFAULT_MTU && listPorts(machine.links, link.index).length === 0;
}

/** The smallest MTU of the ways out of the node, over the network's families; 1500 without a way out. */
function uplinkMtu(netconf: Netconf, machine: Machine): number {
  const families = new Set(familiesOf(netconf));
  const found = [...families].flatMap((family) => wayOutMtu(family, machine) ?? []);
  const mtu = found.length === 0 ? DEFAULT_MTU : Math.min(LARGEST_MTU, ...found);
  return families.has(6) ? Math.max(mtu, IPV6_LEAST_MTU) : mtu;
}

/** Of which families a foreign IPAM plugin will give addresses is not known yet. */
function familiesOf({ ipam, foreignIpam }: Netconf): Family[] {
  if (ipam === undefined) return foreignIpam === undefined ? [4] : [4, 6];
  return ipam.rangeSets.flat().map((range) => range.subnet.address.family);
}

function wayOutMtu(family: Family, machine: Machine): number | undefined {
  const route = lookUpRoute(machine.links, FAR_AWAY[family]);
  if (route === undefined) return undefined;
  return route.mtu ?? getLink(machine.links, { index: route.index })?.mtu;
}
