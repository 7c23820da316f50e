// Notices for the log about an attachment that does not quite work as its network was meant. Pure.
import type { Attachment } from "../attachment/attachment.ts";
import { hasFixedMac } from "../attachment/link.ts";
import type { Netconf } from "../cni/config.ts";
import { bandwidthNotices } from "./bandwidth.ts";
import type { FilteredFamilies } from "./host-port.ts";

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
  const notices = bandwidthNotices(attachment);
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
