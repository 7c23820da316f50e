// Notices for the log about an attachment that does not quite work as its network was meant. Pure.
import type { Attachment } from "../attachment/attachment.ts";
import { hasFixedMac } from "../attachment/link.ts";
import type { Netconf } from "../cni/config.ts";
import { formatAddress, sameAddress } from "../ip/address.ts";
import { formatPrefix, isWhole } from "../ip/prefix.ts";
import { bandwidthNotices } from "./bandwidth.ts";
import type { FilteredFamilies } from "./host-port.ts";
import { podRoutes } from "./route.ts";
import type { PodRoute } from "./step.ts";

/** The node as the ADD saw it. */
export interface Seen {
  isFiltered: FilteredFamilies;
  /** True for a bridge that was there and learned from frames to link-local groups. */
  bridgeLearned: boolean;
}

/** Sentences for the log; mostly there are none. */
export function noticesOf(
  attachment: Attachment,
  { vlan, bridge, ipMasq }: Netconf,
  { isFiltered, bridgeLearned }: Seen,
): string[] {
  const notices = [...bandwidthNotices(attachment), ...deadEnds(attachment)];
  if (hasFixedMac(attachment.link) && bridgeLearned)
    notices.push(
      `bridge ${bridge} learned MACs from frames to link-local groups (01:80:c2:00:00:0x), by which a pod could take the packets of others; for macspoofchk that is now off (no_linklocal_learn)`,
    );
  if (vlan === 0) return notices;
  const seen = "the packet filter sees bridges (bridge-nf-call-iptables, bridge-nf-call-ip6tables)";
  const pods = `pods of VLAN ${vlan} of bridge ${bridge}`;
  // The kernel translates such a packet in the bridge, and hands it to the bridge's own interface, which has
  // no VLAN.
  if (attachment.hostPorts?.hairpin === true)
    notices.push(`host ports do not answer ${pods}, because ${seen}; they answer everybody else`);
  // The kernel chooses the source address in the bridge, which has none, and drops the packet.
  if (ipMasq && (isFiltered[4] || isFiltered[6]))
    notices.push(`${pods} reach nobody beyond the node, because ${seen} and cannot masquerade there`);
  return notices;
}

/**
 * A sentence for each route of a pod without a bridge whose next hop is nobody's: the gateway alone is on the
 * link. Such a route is made as the reference makes it, since the node may answer for an IPv4 address of its
 * own.
 */
function deadEnds(attachment: Attachment): string[] {
  const { link, addresses, key } = attachment;
  if (link.kind !== "routedPair") return [];
  const { main, own } = podRoutes(attachment);
  const isReached = ({ gateway, dst }: PodRoute): boolean =>
    addresses.some((address) => {
      const there = address.gateway;
      if (there === undefined) return false;
      return gateway === undefined ? isWhole(dst, there) : sameAddress(gateway, there);
    });
  const by = ({ gateway }: PodRoute): string =>
    gateway === undefined ? "on the link" : `by ${formatAddress(gateway)}`;
  const found = [...main, ...own].filter((route) => !isReached(route));
  return [...new Set(found.map((route) => `the route to ${formatPrefix(route.dst)} ${by(route)}`))].map(
    (route) =>
      `${route} leads nowhere unless the node answers there: pods of network ${key.network} have no neighbour but their gateway, by which routes without gw and scope go`,
  );
}
