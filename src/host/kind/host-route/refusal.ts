// The words for a host's end that cannot have its addresses or routes, because something else has them.
import { attachmentTitle, keyOfAlias } from "../../../attachment/name.ts";
import { CniError } from "../../../cni/error.ts";
import { addressHint, explain } from "../../../failure/failure.ts";
import { type Address, formatAddress } from "../../../ip/address.ts";
import { getLink } from "../../../net/link.ts";
import { findLocalRoute, listRoutes } from "../../../net/route.ts";
import { isErrno, type SystemError } from "../../../sys/errno.ts";
import { AddressTaken } from "../../address-taken.ts";
import type { Node } from "../../node.ts";
import { isWhole, type Request } from "./request.ts";

/** The first ten bits of fe80::/10. */
const LINK_LOCAL = 0x3fan;

/**
 * Refuses a gateway address that another interface than the host ends of attachments has. Throws CniError and
 * SystemError.
 */
export function refuseTakenGateway(gateway: Address, name: string, node: Node): void {
  // A link-local address belongs to its link: others may have the same one (RFC 4291, 2.5.6).
  if (gateway.family === 6 && gateway.value >> 118n === LINK_LOCAL) return;
  const index = findLocalRoute(node.links, gateway);
  const owner = index === undefined ? undefined : getLink(node.links, { index });
  if (owner === undefined || keyOfAlias(owner.alias) !== undefined) return;
  throw new CniError("address", {
    about: `"${name}" cannot have ${formatAddress(gateway)}, because "${owner.name}" has it`,
    cause: "the node would answer pods on one interface and look for them on another",
    hint: `Choose another subnet or gateway for the network, or take the address away when nothing uses it ("ip address del ${formatAddress(gateway)} dev ${owner.name}")`,
  });
}

/** A request for the host's end of that name which the kernel refused. */
export interface Refusal {
  request: Request;
  error: SystemError;
  name: string;
}

/** The refusal in words for people: an address that is used twice by the name of its holder. */
export function explainRefusal({ request: { own, reached }, error, name }: Refusal, node: Node): CniError {
  if (own !== undefined)
    return explain("address", `${formatAddress(own)} on ${name}`, error, addressHint(error));
  if (reached === undefined) return explain("link", name, error);
  const address = formatAddress(reached);
  if (!isErrno(error, "EEXIST")) return explain("route", `the node's route to ${address}`, error);
  return new AddressTaken("address", {
    about: `address ${address} is used twice`,
    cause: `the node routes it to ${holderOf(reached, node)}`,
    hint: "Give each pod an address of its own: different ranges for two networks, and one dataDir for one network",
  });
}

function holderOf(address: Address, node: Node): string {
  const routes = listRoutes(node.links, address.family, {});
  const index = routes.find(({ dst }) => isWhole(dst, address))?.index;
  const link = index === undefined ? undefined : getLink(node.links, { index });
  const key = link && keyOfAlias(link.alias);
  if (key !== undefined) return attachmentTitle(key, node.records.getRecord(key)?.pod);
  return link === undefined ? "another interface" : `interface ${link.name}`;
}
