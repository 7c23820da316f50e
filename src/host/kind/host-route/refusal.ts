// The words for a host's end that cannot have its addresses or routes, because something else has them.
import { keyOfAlias } from "../../../attachment/name.ts";
import type { CniError } from "../../../cni/error.ts";
import { addressHint, explain } from "../../../failure/failure.ts";
import { type Address, formatAddress } from "../../../ip/address.ts";
import { isWhole } from "../../../ip/prefix.ts";
import { getLink } from "../../../net/link.ts";
import { listRoutes } from "../../../net/route-list.ts";
import { isErrno, type SystemError } from "../../../sys/errno.ts";
import { AddressTaken } from "../../address-taken.ts";
import type { Node } from "../../node.ts";
import type { Request } from "./request.ts";

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
  if (key !== undefined) return node.nameOf(key);
  return link === undefined ? "another interface" : `interface ${link.name}`;
}
