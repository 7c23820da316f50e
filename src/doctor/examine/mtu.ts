// The largest packets of pods against those that the node's way out takes.
import { shellWord } from "../../host/difference.ts";
import type { Family } from "../../ip/address.ts";
import { describeWayOut } from "../../look/bridge.ts";
import { type Context, type Group, groupsOf, hasFamily } from "../context.ts";
import type { Finding } from "../finding.ts";

/** Pods whose packets are larger than the way out takes. */
export function examineMtu(context: Context): Finding[] {
  return groupsOf(context).flatMap((group) => {
    const findings = ([4, 6] as const).flatMap((family) => tooLarge(group, family, context));
    return findings.slice(0, 1);
  });
}

function tooLarge({ network, members }: Group, family: Family, { node, survey }: Context): Finding[] {
  const far = members.filter((one) => one.attachment.gateway !== undefined && hasFamily(one, family));
  const wayOut = far.length === 0 ? undefined : describeWayOut(family, node.links);
  const link = wayOut && survey.links.get(wayOut.index);
  if (wayOut === undefined || link === undefined) return [];
  const mtu = wayOut.mtu ?? link.mtu;
  const larger = far.filter(({ attachment }) => (attachment.link.mtu ?? 0) > mtu);
  const most = Math.max(0, ...larger.map(({ attachment }) => attachment.link.mtu ?? 0));
  if (larger.length === 0) return [];
  return [
    {
      code: "mtuAboveWayOut",
      subject: `network ${network}`,
      severity: "warning",
      sentence: `pods send packets of ${most} bytes, and the way out by ${link.name} takes ${mtu}`,
      proof: "larger packets need fragments or path MTU discovery, which many networks break",
      cure: wayOut.mtu === undefined ? `ip link set dev ${shellWord(link.name)} mtu ${most}` : undefined,
      advice: `Where ${link.name} takes no more, set "mtu": ${mtu} in the configuration of network ${network} and make its pods anew`,
      attachments: larger,
    },
  ];
}
