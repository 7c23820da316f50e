// The largest packets of pods against those that the node's way out, and the tunnel to other nodes, take.
import { isTunnelled, type NodePart } from "../../cluster/part.ts";
import { shellWord } from "../../host/difference.ts";
import type { Family } from "../../ip/address.ts";
import { prefixContains } from "../../ip/prefix.ts";
import { describeWayOut } from "../../net/way-out.ts";
import type { SurveyedAttachment } from "../../survey/survey.ts";
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
  const larger = far.filter((one) => mtuOf(one) > mtu);
  if (larger.length === 0) return [];
  return [
    {
      code: "mtuAboveWayOut",
      subject: `network ${network}`,
      severity: "warning",
      sentence: `pods send packets of ${mostOf(larger)} bytes, and the way out by ${link.name} takes ${mtu}`,
      proof: "larger packets need fragments or path MTU discovery, which many networks break",
      cure:
        wayOut.mtu === undefined
          ? `ip link set dev ${shellWord(link.name)} mtu ${mostOf(larger)}`
          : undefined,
      advice: `Where ${link.name} takes no more, set "mtu": ${mtu} in the configuration of network ${network} and make its pods anew`,
      attachments: larger,
    },
  ];
}

/**
 * Pods whose packets are larger than the tunnel takes: those that are older than the tunnel keep the MTU of
 * their time.
 */
export function examineTunnelMtu(part: NodePart, context: Context): Finding[] {
  const families = ([4, 6] as const).filter((family) =>
    part.routes.some((route) => isTunnelled(route, part) && route.dst.address.family === family),
  );
  const mtu = part.tunnel?.device.mtu;
  if (mtu === undefined || families.length === 0) return [];
  return groupsOf(context).flatMap(({ network, members }) => {
    const larger = members.filter(
      (one) => mtuOf(one) > mtu && families.some((family) => sendsInto(part, one, family)),
    );
    if (larger.length === 0) return [];
    return [
      {
        code: "mtuAboveTunnel",
        subject: `network ${network}`,
        severity: "warning",
        sentence: `pods send packets of ${mostOf(larger)} bytes, and the tunnel to other nodes takes ${mtu}`,
        proof:
          "the node answers larger ones with the tunnel's MTU, which TCP heeds, and programs that forbid fragments may not",
        advice: adviceFor(network, mtu, context),
        attachments: larger,
      },
    ];
  });
}

/** The MTU that the pod's interface got, in bytes; 0 where its record has none. */
function mtuOf({ attachment }: SurveyedAttachment): number {
  return attachment.link.mtu ?? 0;
}

function mostOf(pods: readonly SurveyedAttachment[]): number {
  return Math.max(0, ...pods.map(mtuOf));
}

/** True for a pod of the cluster's network: its packets to pods of other nodes take the tunnel. */
function sendsInto({ table }: NodePart, { attachment }: SurveyedAttachment, family: Family): boolean {
  if (attachment.gateway === undefined) return false;
  return attachment.addresses.some(
    ({ address: { address } }) =>
      address.family === family &&
      (table === undefined || table.sources.some((subnet) => prefixContains(subnet, address))),
  );
}

function adviceFor(network: string, mtu: number, { netconfs }: Context): string {
  const now = netconfs.find(({ name }) => name === network)?.mtu ?? 0;
  return now > 0 && now <= mtu
    ? `Delete these pods so that they are made anew: the configuration of network ${network} has "mtu": ${now} now`
    : `Set "mtu": ${mtu} in the configuration of network ${network}, and make these pods anew`;
}
