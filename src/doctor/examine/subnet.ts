// Other interfaces and routes of the node that take the packets for a network's pods.

import { keyOfAlias } from "../../attachment/name.ts";
import { shellWord } from "../../host/difference.ts";
import { type Address, formatAddress } from "../../ip/address.ts";
import { formatPrefix, prefixContains } from "../../ip/prefix.ts";
import { listSubnetOwners, type SubnetOwner } from "../../look/subnet-owner.ts";
import { listRoutes, lookUpRoutes } from "../../net/route.ts";
import { readSysctl } from "../../net/sysctl.ts";
import { stepOf } from "../../plan/steps.ts";
import type { SurveyedAttachment } from "../../survey/survey.ts";
import { type Context, type Group, groupsOf } from "../context.ts";
import { type Finding, nameOf } from "../finding.ts";

/** Second owners of a network's subnet, and routes that shadow it. */
export function examineSubnets(context: Context): Finding[] {
  return groupsOf(context).flatMap((group) => {
    const owners = ownersOf(group, context);
    const inTheWay = owners.filter(({ isInTheWay }) => isInTheWay);
    return [
      ...owners.map((owner) => ownerFinding(owner, group)),
      ...shadowed(group, new Set(inTheWay.map(({ name }) => name)), context),
    ];
  });
}

/** The interfaces beside the network's own with its gateway addresses or subnets, each address once. */
function ownersOf({ entry, members }: Group, context: Context): SubnetOwner[] {
  const gateways = new Map(
    members
      .flatMap(({ attachment }) => stepOf("gateway", attachment)?.addresses ?? [])
      .map((address) => [formatPrefix(address), address]),
  );
  const own = context.linkNamed(entry);
  if (own === undefined) return [];
  const found = [...gateways.values()].flatMap((gateway) =>
    listSubnetOwners(context.node.links, own.index, gateway),
  );
  const byAddress = new Map(found.map((owner) => [`${owner.name} ${formatPrefix(owner.address)}`, owner]));
  return [...byAddress.values()].filter(
    ({ name }) => keyOfAlias(context.linkNamed(name)?.alias ?? "") === undefined,
  );
}

function ownerFinding({ name, address, isInTheWay }: SubnetOwner, { network, entry }: Group): Finding {
  const text = formatPrefix(address);
  const about = { subject: `network ${network}`, networks: [network] };
  if (!isInTheWay)
    return {
      ...about,
      severity: "note",
      sentence: `${name} has ${text}, which overlaps the subnet of the pods on ${entry}`,
    };
  return {
    ...about,
    severity: "error",
    sentence: `${name} has ${text} as well, and the node sends packets for one subnet by one interface alone`,
    proof: `the pods are on ${entry}`,
    cure: `ip address del ${text} dev ${shellWord(name)}`,
  };
}

/** Routes that lead packets for pods away from the interface that they are on. */
function shadowed(
  { entry, bridge, members }: Group,
  known: ReadonlySet<string>,
  { node, survey }: Context,
): Finding[] {
  const wanted = members.flatMap((one) => {
    const own = bridge === undefined ? one.hostLink?.index : indexOf(entry, survey);
    // Pods of a bridge without a gateway address are not reached by the node.
    const isReached = one.attachment.gateway !== undefined || bridge === undefined;
    return own === undefined || !isReached
      ? []
      : one.attachment.addresses.map(({ address }) => ({ one, own, address: address.address }));
  });
  const routes = lookUpRoutes(
    node.links,
    wanted.map(({ address }) => address),
  );
  const wrong = wanted.flatMap(({ one, own, address }, at) => {
    const index = routes[at]?.index;
    const link = index === undefined ? undefined : survey.links.get(index);
    // A lost route is a difference of the attachment, and a second owner is told of already.
    if (link === undefined || index === own || known.has(link.name)) return [];
    // The node's own address leads to lo, which the examination of duplicates tells.
    return link.name === "lo" ? [] : [{ one, address, link, own }];
  });
  return wrong.map(({ one, address, link, own }) =>
    shadowFinding(one, address, { link, own }, { node, survey }),
  );
}

function indexOf(name: string, { links }: Context["survey"]): number | undefined {
  return [...links.values()].find((link) => link.name === name)?.index;
}

// biome-ignore lint/complexity/useMaxParams: a route is known by what it leads to and where it leads.
function shadowFinding(
  one: SurveyedAttachment,
  address: Address,
  { link, own }: { link: { name: string; index: number }; own: number },
  { node, survey }: Pick<Context, "node" | "survey">,
): Finding {
  const covering = listRoutes(node.links, address.family, { index: link.index })
    .filter(({ dst }) => prefixContains(dst, address))
    .sort((a, b) => b.dst.length - a.dst.length)[0];
  const dst = covering === undefined ? "default" : formatPrefix(covering.dst);
  const isPlain = covering !== undefined && covering.dst.length > 0;
  const entry = survey.links.get(own)?.name ?? "";
  const strict = readSysctl(`ipv4/conf/${entry}/rp_filter`) === "1" && address.family === 4;
  return {
    subject: nameOf(one),
    severity: "error",
    sentence: `the node sends packets for ${formatAddress(address)} by ${link.name}, and the pod is on ${entry}`,
    proof: `the route to ${dst} by ${link.name} is taken${strict ? `, and rp_filter of ${entry} drops what the pod sends` : ""}`,
    cure: isPlain ? `ip route del ${dst} dev ${shellWord(link.name)}` : undefined,
    advice: isPlain ? undefined : `Put back the route to the pods' subnet by ${entry}: "pontoon restore"`,
    attachments: [one],
  };
}
