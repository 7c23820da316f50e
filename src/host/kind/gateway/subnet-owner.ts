// Other interfaces of the node that have a gateway's subnet, or a part of it.
import { CniError } from "../../../cni/error.ts";
import { formatPrefix, type Prefix } from "../../../ip/prefix.ts";
import { listSubnetOwners, type SubnetOwner } from "../../../look/subnet-owner.ts";
import type { SharedLink } from "../../../plan/result.ts";
import type { GatewayStep } from "../../../plan/step.ts";
import type { Node } from "../../node.ts";

/** The interface that is to hold an address, and the address. */
export interface Wanted {
  step: GatewayStep;
  node: Node;
  link: SharedLink;
  address: Prefix;
  notice(text: string): void;
}

/**
 * Refuses an address whose subnet is in the way of another interface's, and tells of one that only touches
 * it. Throws CniError bridgeAddress, and SystemError.
 */
export function checkOwners({ step: { gatewayInterface: name }, node, link, address, notice }: Wanted): void {
  const owners = listSubnetOwners(node.links, link.index, address);
  const [first] = owners;
  if (first?.isInTheWay === true) throw taken(name, address, first);
  for (const owner of owners)
    notice(
      `${owner.name} has ${formatPrefix(owner.address)}, which overlaps the subnet of ${formatPrefix(address)} on ${name}`,
    );
}

function taken(name: string, wanted: Prefix, owner: SubnetOwner): CniError {
  const other = formatPrefix(owner.address);
  const remove =
    owner.kind === "bridge"
      ? `, set "bridge": "${owner.name}", or remove that bridge when nothing uses it ("ip link del ${owner.name}")`
      : `, or take the address away when nothing uses it ("ip address del ${other} dev ${owner.name}")`;
  return new CniError("bridgeAddress", {
    about: `"${name}" cannot have ${formatPrefix(wanted)}, because "${owner.name}" has ${other}`,
    cause: "the node would look for pods of one subnet on two interfaces, and find some of them on neither",
    hint: `Choose another subnet for the network${remove}`,
  });
}
