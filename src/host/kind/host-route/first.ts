// The addresses of a pod without a bridge, before its host's end has any. The first pod of the node with its
// gateway looks for interfaces that have the subnet; later pods ask no more than where their addresses lead.
import { keyOfAlias } from "../../../attachment/name.ts";
import type { AttachmentKey } from "../../../cni/attachment-key.ts";
import { CniError } from "../../../cni/error.ts";
import { type Address, formatAddress } from "../../../ip/address.ts";
import { isLinkLocal } from "../../../ip/link-local.ts";
import { formatPrefix, type Prefix } from "../../../ip/prefix.ts";
import type { LeaseRange } from "../../../ip/range.ts";
import { getLink } from "../../../net/link.ts";
import { lookUpEntries, type RouteEntry } from "../../../net/route-look-up.ts";
import type { HostRouteStep } from "../../../plan/step.ts";
import type { Applying } from "../../kind.ts";
import type { Node } from "../../node.ts";
import { checkOwners, waysToRemove } from "../gateway/subnet-owner.ts";

/** What the node does with the addresses of a pod that it has no route to yet. */
export interface Ground {
  /** A gateway address is none of the node's yet. */
  isFirst: boolean;
  /** The node has an address of the pod, or reaches its subnet by an interface of others. */
  isElsewhere: boolean;
  /** The error for an address of the pod that the node has. */
  refusal: CniError | undefined;
}

/**
 * Looks where the addresses of the step lead, by one exchange. Refuses a gateway that another interface than
 * the host's ends of attachments has. Throws CniError and SystemError.
 */
export function exploreAddresses(step: HostRouteStep, node: Node): Ground {
  const { hostInterface: name, addresses, subnets } = step;
  // A link-local address belongs to its link: others may have the same one (RFC 4291, 2.5.6).
  const gateways = step.gateways.filter((gateway) => !isLinkLocal(gateway));
  const entries = lookUpEntries(node.links, [...gateways, ...addresses]);
  const isNew = gateways.map((gateway, at) => isNewGateway(gateway, entries[at], { name, node }));
  const ofPod = entries.slice(gateways.length);
  const [refusal] = addresses.flatMap((address, at) => refusalOfOwn(address, ofPod[at], node) ?? []);
  return {
    isFirst: isNew.includes(true),
    isElsewhere:
      refusal !== undefined || subnets.some(({ length }, at) => leadsElsewhere(ofPod[at], length, node)),
    refusal,
  };
}

function isNewGateway(
  gateway: Address,
  entry: RouteEntry | undefined,
  { name, node }: { name: string; node: Node },
): boolean {
  if (entry?.isLocal !== true) return true;
  const owner = getLink(node.links, { index: entry.index });
  if (owner === undefined || keyOfAlias(owner.alias) !== undefined) return false;
  throw new CniError("address", {
    about: `"${name}" cannot have ${formatAddress(gateway)}, because "${owner.name}" has it`,
    cause: "the node would answer pods on one interface and look for them on another",
    hint: `Choose another subnet or gateway for the network, or take the address away when nothing uses it ("ip address del ${formatAddress(gateway)} dev ${owner.name}")`,
  });
}

/** The error for an address of the pod that is one of the node's; undefined for any other. */
function refusalOfOwn(
  address: Address,
  entry: RouteEntry | undefined,
  { links }: Node,
): CniError | undefined {
  const owner = entry?.isLocal === true ? getLink(links, { index: entry.index }) : undefined;
  if (owner === undefined) return undefined;
  return new CniError("address", {
    about: `a pod cannot have ${formatAddress(address)}, because "${owner.name}" of the node has it`,
    cause: "the node would take packets to the pod for its own",
    hint: "Run ADD again, which takes another address, and leave this one out of the ranges of the network",
  });
}

/** True where the node reaches an address, or the whole subnet of that length, by an interface of others. */
function leadsElsewhere(entry: RouteEntry | undefined, length: number, { links }: Node): boolean {
  if (entry?.isDirect !== true || entry.length < length) return false;
  const owner = getLink(links, { index: entry.index });
  return owner !== undefined && keyOfAlias(owner.alias) === undefined;
}

/**
 * Refuses subnets that are in the way of another interface's, and tells of those that only touch them.
 * Networks without a bridge may share one. Throws CniError and SystemError.
 */
export function checkSubnets(
  { key: { network }, subnets }: { key: Pick<AttachmentKey, "network">; subnets: readonly Prefix[] },
  on: Pick<Applying, "node" | "hostIndex" | "notice">,
): void {
  const { node, hostIndex: index } = on;
  for (const address of subnets)
    checkOwners(
      {
        place: `of network ${network}`,
        index,
        address,
        isSharedByPods: true,
        notice: (text) => on.notice(text),
      },
      (owner) =>
        new CniError("address", {
          about: `pods of network ${network} cannot have the subnet of ${formatPrefix(address)}, because "${owner.name}" has ${formatPrefix(owner.address)}`,
          cause:
            "the node would look for pods of one subnet on two interfaces, and find some of them on neither",
          hint: `Choose another subnet for the network, or ${waysToRemove(owner)}`,
        }),
      node,
    );
}

/**
 * The error that the next ADD of a network without a bridge would end with, since an interface of others has
 * its subnet; `range` is where its addresses begin. Undefined where none has it. One look-up, but where an
 * interface of others leads there. Throws SystemError.
 */
export function foreseeOwner(
  network: string,
  { first, subnet }: Pick<LeaseRange, "first" | "subnet">,
  node: Node,
): CniError | undefined {
  const [entry] = lookUpEntries(node.links, [first]);
  return leadsElsewhere(entry, subnet.length, node)
    ? foreseeSubnet(network, subnet, node).refusal
    : undefined;
}

/**
 * What the ADD of the node's first pod of the network would say about a subnet, as things are: it is refused
 * with an error, or tells the notices. Changes nothing. Throws SystemError.
 */
export function foreseeSubnet(
  network: string,
  subnet: Prefix,
  node: Node,
): { refusal: CniError | undefined; notices: string[] } {
  const notices: string[] = [];
  try {
    // The pod's end on the node is not there yet, so it has no index: 0 is nobody's.
    const on = { node, hostIndex: 0, notice: (text: string) => void notices.push(text) };
    checkSubnets({ key: { network }, subnets: [subnet] }, on);
    return { refusal: undefined, notices };
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    return { refusal: error, notices };
  }
}
