// Other interfaces of the node that have a network's subnet, or a part of it.
import { keyOfAlias } from "../../../attachment/name.ts";
import type { CniError } from "../../../cni/error.ts";
import { formatAddress } from "../../../ip/address.ts";
import { formatPrefix, type Prefix } from "../../../ip/prefix.ts";
import { listRoutedPods, listSubnetOwners, type SubnetOwner } from "../../../look/subnet-owner.ts";
import type { Node } from "../../node.ts";

/** A subnet that the node is to reach by an interface. */
export interface WantedSubnet {
  /** Where the subnet is to be, behind its name: `on cni0`. */
  place: string;
  /** The index of that interface. */
  index: number;
  /** An address that the node is to have, with the length of the subnet. */
  address: Prefix;
  /** True: other pods without a bridge may have addresses of the subnet. */
  isSharedByPods: boolean;
  notice(text: string): void;
}

/**
 * Refuses a subnet that is in the way of another interface's with the error of `refusal`, and tells of one
 * that only touches it. Throws what `refusal` gives, and SystemError.
 */
export function checkOwners(
  { place, index, address, isSharedByPods, notice }: WantedSubnet,
  refusal: (owner: SubnetOwner) => CniError,
  node: Node,
): void {
  const owners = listSubnetOwners(node.links, index, address).filter(
    ({ alias }) => !isSharedByPods || keyOfAlias(alias) === undefined,
  );
  const pods = isSharedByPods ? [] : listRoutedPods(node.links, address);
  const inTheWay = [...owners, ...pods].find((each) => each.isInTheWay);
  if (inTheWay !== undefined) throw refusal(inTheWay);
  const subnet = `the subnet of ${formatPrefix(address)} ${place}`;
  // Of many pods' ends with one gateway address the first is named.
  for (const { given, names } of namesByAddress(owners))
    notice(`${counted(names)} ${names.length === 1 ? "has" : "have"} ${given}, which overlaps ${subnet}`);
  const [pod, ...others] = pods;
  if (pod === undefined) return;
  const pairs = counted([formatAddress(pod.address.address), ...others.map(({ name }) => name)]);
  notice(`${pod.name} leads to the pod with ${pairs} in ${subnet}`);
}

/** The first name, and how many more there are. */
function counted([first = "", ...others]: readonly string[]): string {
  if (others.length === 0) return first;
  return `${first} and ${others.length} ${others.length === 1 ? "other" : "others"}`;
}

function namesByAddress(owners: readonly SubnetOwner[]): { given: string; names: string[] }[] {
  const found = new Map<string, string[]>();
  for (const { name, address } of owners) {
    const given = formatPrefix(address);
    found.set(given, [...(found.get(given) ?? []), name]);
  }
  return [...found].map(([given, names]) => ({ given, names }));
}

/** The ways in which the owner of a subnet makes room, for a hint: with the words "when nothing uses it". */
export function waysToRemove({ kind, name, alias, address }: SubnetOwner): string {
  const key = keyOfAlias(alias);
  if (key !== undefined) return `delete the pods of network ${key.network} first`;
  return kind === "bridge"
    ? `remove that bridge when nothing uses it ("ip link del ${name}")`
    : `take the address away when nothing uses it ("ip address del ${formatPrefix(address)} dev ${name}")`;
}
