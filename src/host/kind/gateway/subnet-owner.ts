// Other interfaces of the node that have a network's subnet, or a part of it.
import type { CniError } from "../../../cni/error.ts";
import { formatPrefix, type Prefix } from "../../../ip/prefix.ts";
import { listSubnetOwners, type SubnetOwner } from "../../../look/subnet-owner.ts";
import type { Node } from "../../node.ts";

/** A subnet that the node is to reach by an interface. */
export interface WantedSubnet {
  /** Where the subnet is to be, behind its name: `on cni0`. */
  place: string;
  /** The index of that interface. */
  index: number;
  /** An address that the node is to have, with the length of the subnet. */
  address: Prefix;
  /** False for an interface that may share the subnet; without it none may. */
  counts?(owner: SubnetOwner): boolean;
  notice(text: string): void;
}

/**
 * Refuses a subnet that is in the way of another interface's with the error of `refusal`, and tells of one
 * that only touches it. Throws what `refusal` gives, and SystemError.
 */
export function checkOwners(
  { place, index, address, counts = () => true, notice }: WantedSubnet,
  refusal: (owner: SubnetOwner) => CniError,
  node: Node,
): void {
  const owners = listSubnetOwners(node.links, index, address).filter(counts);
  const [first] = owners;
  if (first?.isInTheWay === true) throw refusal(first);
  for (const owner of owners)
    notice(
      `${owner.name} has ${formatPrefix(owner.address)}, which overlaps the subnet of ${formatPrefix(address)} ${place}`,
    );
}

/** The ways in which the owner of a subnet makes room, for a hint: with the words "when nothing uses it". */
export function waysToRemove({ kind, name, address }: SubnetOwner): string {
  return kind === "bridge"
    ? `remove that bridge when nothing uses it ("ip link del ${name}")`
    : `take the address away when nothing uses it ("ip address del ${formatPrefix(address)} dev ${name}")`;
}
