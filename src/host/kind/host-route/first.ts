// The first pod of the node with its gateway: it looks for interfaces that have the gateway's address or the
// subnet. Later pods pay nothing for that.
import { keyOfAlias } from "../../../attachment/name.ts";
import type { AttachmentKey } from "../../../cni/attachment-key.ts";
import { CniError } from "../../../cni/error.ts";
import { type Address, formatAddress } from "../../../ip/address.ts";
import { formatPrefix, type Prefix } from "../../../ip/prefix.ts";
import { getLink } from "../../../net/link.ts";
import { findLocalRoute } from "../../../net/route-look-up.ts";
import type { HostRouteStep } from "../../../plan/step.ts";
import type { Applying } from "../../kind.ts";
import type { Node } from "../../node.ts";
import { checkOwners, waysToRemove } from "../gateway/subnet-owner.ts";

/** The first ten bits of fe80::/10. */
const LINK_LOCAL = 0x3fan;

/**
 * True when a gateway address of the step is none of the node's yet. Refuses one that another interface than
 * the host ends of attachments has. Throws CniError and SystemError.
 */
export function isFirst({ gateways, hostInterface: name }: HostRouteStep, node: Node): boolean {
  return gateways.filter((gateway) => isNew(gateway, name, node)).length > 0;
}

function isNew(gateway: Address, name: string, node: Node): boolean {
  // A link-local address belongs to its link: others may have the same one (RFC 4291, 2.5.6).
  if (gateway.family === 6 && gateway.value >> 118n === LINK_LOCAL) return false;
  const index = findLocalRoute(node.links, gateway);
  if (index === undefined) return true;
  const owner = getLink(node.links, { index });
  if (owner === undefined || keyOfAlias(owner.alias) !== undefined) return false;
  throw new CniError("address", {
    about: `"${name}" cannot have ${formatAddress(gateway)}, because "${owner.name}" has it`,
    cause: "the node would answer pods on one interface and look for them on another",
    hint: `Choose another subnet or gateway for the network, or take the address away when nothing uses it ("ip address del ${formatAddress(gateway)} dev ${owner.name}")`,
  });
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
        counts: ({ alias }) => keyOfAlias(alias) === undefined,
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
