// Other interfaces and routes of the node that take the packets for a network's pods.

import { keyOfAlias } from "../../attachment/name.ts";
import { shellWord } from "../../host/difference.ts";
import type { Node } from "../../host/node.ts";
import { type Address, formatAddress, sameAddress } from "../../ip/address.ts";
import { formatPrefix, networkOf, type Prefix, prefixContains, samePrefix } from "../../ip/prefix.ts";
import { listSubnetOwners, type SubnetOwner } from "../../look/subnet-owner.ts";
import { listAddresses, listAddressesOfAll } from "../../net/address.ts";
import { getLink } from "../../net/link.ts";
import type { LinkRoute } from "../../net/route.ts";
import { listRoutes } from "../../net/route-list.ts";
import { lookUpRoutes } from "../../net/route-look-up.ts";
import { readSysctl } from "../../net/sysctl.ts";
import type { NetlinkSocket } from "../../netlink/socket.ts";
import { RT_TABLE_MAIN, RTN_LOCAL } from "../../netlink/uapi/rtnetlink.ts";
import { stepOf } from "../../plan/steps.ts";
import type { SurveyedAttachment } from "../../survey/survey.ts";
import { type Context, type Group, groupsOf } from "../context.ts";
import { type Finding, nameOf } from "../finding.ts";
import { lostMainRule, refusedByRule } from "../refusal.ts";

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
      code: "overlappingSubnet",
      severity: "note",
      sentence: `${name} has ${text}, which overlaps the subnet of the pods on ${entry}`,
    };
  return {
    ...about,
    code: "secondOwner",
    severity: "error",
    sentence: `${name} has ${text} as well, and the node sends packets for one subnet by one interface alone`,
    proof: `the pods are on ${entry}`,
    cure: `ip address del ${text} dev ${shellWord(name)}`,
  };
}

/** A pod's address, and the links that packets for it leave by and ought to leave by. */
interface Strayed {
  one: SurveyedAttachment;
  address: Address;
  /** The indices of the links; `taken` 0: the node has no way there. */
  taken: number;
  own: number;
}

/** Routes that lead packets for pods away from the interface that they are on. */
function shadowed(group: Group, known: ReadonlySet<string>, context: Context): Finding[] {
  const { node, survey } = context;
  const wanted = group.members.flatMap((one) => waysOf(one, group, context));
  const routes = lookUpRoutes(
    node.links,
    wanted.map(({ address }) => address),
  );
  const strayed = wanted.flatMap((way, at): Strayed[] => {
    const taken = routes[at]?.index ?? 0;
    const name = survey.links.get(taken)?.name;
    if (taken === way.own || (taken !== 0 && name === undefined)) return [];
    // An address of the node leads to lo: the examination of duplicates tells of it, as of a second owner.
    if (name !== undefined && (known.has(name) || (name === "lo" && isOnNode(way.address, node)))) return [];
    return [{ ...way, taken }];
  });
  return byRoute(strayed, context).map((part) => shadowFinding(part, context));
}

/** True for an address that an interface of the node has. */
function isOnNode(address: Address, { links }: Node): boolean {
  return listAddressesOfAll(links, address.family).some(({ prefix }) => sameAddress(prefix.address, address));
}

/** The addresses of a pod that the node reaches, with the link that they are on. */
function waysOf(
  one: SurveyedAttachment,
  { entry, bridge }: Group,
  context: Context,
): Omit<Strayed, "taken">[] {
  const own = bridge === undefined ? one.hostLink?.index : context.linkNamed(entry)?.index;
  const isReached = one.attachment.gateway !== undefined || bridge === undefined;
  if (own === undefined || !isReached) return [];
  return one.attachment.addresses.map(({ address }) => ({ one, own, address: address.address }));
}

/** Addresses that one route leads astray. */
interface Shadow {
  strayed: Strayed[];
  /** The route; undefined where there is none but the default. */
  route: LinkRoute | undefined;
}

function byRoute(strayed: readonly Strayed[], { node }: Context): Shadow[] {
  const shadows = new Map<string, Shadow>();
  for (const one of strayed) {
    const covering = one.taken === 0 ? undefined : coveringRoute(one, node);
    const id = `${one.taken} ${one.own} ${one.address.family} ${covering && formatPrefix(covering.dst)}`;
    const shadow = shadows.get(id) ?? { strayed: [], route: covering };
    shadow.strayed.push(one);
    shadows.set(id, shadow);
  }
  // Without a route of its own a subnet goes the default way: a lost address or a bridge that is down is
  // another finding.
  return [...shadows.values()].filter(
    ({ route, strayed: [first] }) => route !== undefined || hasRouteLost(first!, node),
  );
}

function coveringRoute({ taken, address }: Strayed, { links }: Node): LinkRoute | undefined {
  return listRoutes(links, address.family, { index: taken })
    .filter(({ dst }) => dst.length > 0 && prefixContains(dst, address))
    .sort((a, b) => b.dst.length - a.dst.length)[0];
}

/** True when the interface of the pods is up and has its gateway address, so its route was taken away. */
function hasRouteLost({ own, one, address }: Strayed, { links }: Node): boolean {
  return getLink(links, { index: own })?.up === true && gatewayOn({ own, one, address }, links) !== undefined;
}

/** The gateway address that the interface holds for the pod, with the length of its subnet. */
function gatewayOn({ one, own, address }: Omit<Strayed, "taken">, links: NetlinkSocket): Prefix | undefined {
  const held = listAddresses(links, own, address.family).map(({ prefix }) => prefix);
  return stepOf("gateway", one.attachment)?.addresses.find((wanted) =>
    held.some((prefix) => samePrefix(prefix, wanted)),
  );
}

function shadowFinding({ strayed, route }: Shadow, { node, survey }: Context): Finding {
  const [first] = strayed;
  const { own, taken, one } = first!;
  const [entry = "", by = ""] = [survey.links.get(own)?.name, survey.links.get(taken)?.name];
  const addresses = strayed.map(({ address }) => formatAddress(address));
  const attachments = [...new Set(strayed.map((each) => each.one))];
  const dropped = readSysctl(`ipv4/conf/${entry}/rp_filter`) === "1" && first!.address.family === 4;
  const gateway = gatewayOn(first!, node.links);
  if (route === undefined && taken === 0) {
    const refusal = unreachable(first!, node);
    if (refusal !== undefined)
      return {
        code: "wrongRoute",
        subject: attachments.length === 1 ? nameOf(one) : `network ${one.attachment.key.network}`,
        severity: "error",
        sentence: `the node does not reach ${listText(addresses)} on ${entry}`,
        ...refusal,
        attachments,
      };
  }
  const taking =
    route === undefined
      ? "the route to the pods' subnet is gone"
      : `the route to ${formatPrefix(route.dst)} by ${by} is taken`;
  return {
    code: "wrongRoute",
    subject: attachments.length === 1 ? nameOf(one) : `network ${one.attachment.key.network}`,
    severity: "error",
    sentence: `the node sends packets for ${listText(addresses)} by ${taken === 0 ? "no interface" : by}, and ${attachments.length === 1 ? "the pod is" : "the pods are"} on ${entry}`,
    proof: dropped ? `${taking}, and rp_filter of ${entry} drops what the pods send` : taking,
    cure:
      route !== undefined
        ? removal(route, by)
        : gateway &&
          `ip route add ${formatPrefix(networkOf(gateway))} dev ${shellWord(entry)} src ${formatAddress(gateway.address)}`,
    attachments,
  };
}

/** Why the node has no way at all to a pod, where that is not a route to its subnet that has gone. */
function unreachable(
  { address }: Strayed,
  { links }: Node,
): { proof: string; cure: string | undefined } | undefined {
  const packet = { source: address, destination: address, input: { name: "lo", index: 1 } };
  const refusal = refusedByRule(packet, links);
  if (refusal !== undefined) return { proof: refusal.cause, cure: refusal.cure };
  return lostMainRule(address.family, links);
}

/** The command that takes a route away, from whichever table. */
function removal({ dst, type, table, priority }: LinkRoute, by: string): string {
  const words = [
    dst.address.family === 6 ? "ip -6 route del" : "ip route del",
    ...(type === RTN_LOCAL ? ["local"] : []),
    `${formatPrefix(dst)} dev ${shellWord(by)}`,
    ...(priority === undefined ? [] : [`metric ${priority}`]),
    ...(table === undefined || table === RT_TABLE_MAIN ? [] : [`table ${table}`]),
  ];
  return words.join(" ");
}

/** At most two of them: `a`, `a and b`, `a and 7 more`. */
function listText([first = "", ...others]: readonly string[]): string {
  if (others.length === 0) return first;
  return others.length === 1 ? `${first} and ${others[0]}` : `${first} and ${others.length} more`;
}
