// The check whether the packet filter sees bridged packets (br_netfilter), as Kubernetes wants it.
import type { Netconf } from "../cni/config.ts";
import type { Family } from "../ip/address.ts";
import { readSysctl } from "../net/sysctl.ts";
import type { FilteredFamilies } from "../plan/host-port.ts";
import { networkFamilies } from "./bridge.ts";

/**
 * The families of a network in which the packet filter sees bridged packets; the setting holds for all
 * bridges of the node. It is read where it makes a difference: for host ports, and for a masqueraded network
 * in a VLAN.
 */
export function observeFilter(netconf: Netconf): FilteredFamilies {
  const seen: FilteredFamilies = { 4: false, 6: false };
  const { hostPorts, vlan, ipMasq } = netconf;
  if (hostPorts === undefined && (vlan === 0 || !ipMasq)) return seen;
  for (const family of networkFamilies(netconf)) seen[family] = filterSees(family);
  return seen;
}

/** True when the packet filter of the family sees packets between ports of one bridge. */
export function filterSees(family: Family): boolean {
  const program = family === 4 ? "iptables" : "ip6tables";
  return (readSysctl(`bridge/bridge-nf-call-${program}`) ?? "0") !== "0";
}
