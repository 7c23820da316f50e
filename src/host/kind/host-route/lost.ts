// The addresses and routes that host ends of links without a bridge have lost, for a restore.
import { attachmentDigest } from "../../../attachment/name.ts";
import { TABLE_MAIN } from "../../../cni/result.ts";
import { type Address, familyBits, formatAddress } from "../../../ip/address.ts";
import type { Prefix } from "../../../ip/prefix.ts";
import { listAddressesOfAll } from "../../../net/address.ts";
import { listLinks } from "../../../net/link-set.ts";
import { listRoutes } from "../../../net/route-list.ts";
import type { LostRules } from "../../../nft/answer.ts";
import type { HostRouteStep } from "../../../plan/step.ts";
import type { Node } from "../../node.ts";
import { hostLinkLocal } from "./request.ts";

/**
 * Counts what programs that manage the node's interfaces (systemd-networkd, a person with `ip route flush`)
 * took away: gateway addresses and routes. An end that was taken down has lost its routes by that. The node
 * is asked once for all.
 */
export function countLostRoutes(steps: readonly HostRouteStep[], node: Node): LostRules {
  const there = thingsOnNode(node);
  const byOwner = new Map<string, number>();
  for (const step of steps) {
    // An ADD under way makes them itself, when all that holds for the pod is there.
    if (!node.records.isComplete(step.key)) continue;
    const lost = wantedOf(step).filter((thing) => !there.has(thing)).length;
    if (lost > 0) byOwner.set(attachmentDigest(step.key), lost);
  }
  return { shared: 0, byOwner };
}

/** The things of a step, each as a text. */
function wantedOf(step: HostRouteStep): string[] {
  const { hostInterface: name, gateways, addresses } = step;
  const linkLocal = hostLinkLocal(step);
  return [
    ...(linkLocal === undefined ? gateways : [linkLocal, ...gateways]).map((address) =>
      thing(name, "has", address),
    ),
    ...addresses.map((address) => thing(name, "leads to", address)),
  ];
}

function thing(name: string, verb: string, address: Address): string {
  return `${name} ${verb} ${formatAddress(address)}`;
}

/** The things of all veth links of the node, as texts of {@link wantedOf}. */
function thingsOnNode({ links }: Node): Set<string> {
  const there = new Set<string>();
  const names = new Map(listLinks(links, "veth").map(({ index, name }) => [index, name]));
  const note = (index: number, verb: string, { address, length }: Prefix): void => {
    const name = length === familyBits(address.family) ? names.get(index) : undefined;
    if (name !== undefined) there.add(thing(name, verb, address));
  };
  for (const family of [4, 6] as const) {
    for (const { index, prefix } of listAddressesOfAll(links, family)) note(index, "has", prefix);
    for (const { index, dst } of listRoutes(links, family, { table: TABLE_MAIN }))
      note(index, "leads to", dst);
  }
  return there;
}
