// What the log is told about an attachment that is made, but not quite as its network was meant. Pure.
import type { Attachment } from "../attachment/attachment.ts";
import type { Netconf } from "../cni/config.ts";
import { bandwidthNotices } from "./bandwidth.ts";
import type { FilteredFamilies } from "./host-port.ts";

/** Sentences for the log; mostly there is nothing to say. */
export function noticesOf(
  attachment: Attachment,
  { vlan, bridge, ipMasq }: Netconf,
  isFiltered: FilteredFamilies,
): string[] {
  const notices = bandwidthNotices(attachment);
  if (vlan === 0) return notices;
  const seen = "the packet filter sees bridges (bridge-nf-call-iptables, bridge-nf-call-ip6tables)";
  const pods = `pods of VLAN ${vlan} of bridge ${bridge}`;
  // The kernel translates such a packet in the bridge, and hands it to the bridge's own interface, which is
  // in no VLAN.
  if (attachment.hostPorts?.hairpin === true)
    notices.push(`host ports do not answer ${pods}, because ${seen}; they answer everybody else`);
  // The kernel decides about the source address in the bridge, which has none to give, and the packet is
  // gone.
  if (ipMasq && (isFiltered[4] || isFiltered[6]))
    notices.push(`${pods} reach nobody beyond the node, because ${seen} and cannot masquerade there`);
  return notices;
}
