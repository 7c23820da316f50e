// The obstacles between the pods of a network and the world beyond the node. The ADD that makes the bridge,
// or the first pair with its gateway, looks, and tells; later ones do not.
import type { Netconf } from "../cni/config.ts";
import type { Family } from "../ip/address.ts";
import { dropsByDefault } from "../iptables/legacy-table.ts";
import { FILTER, iptablesOf } from "../iptables/table.ts";
import { uplinkMtu } from "../look/bridge.ts";
import { listDroppingChains } from "../look/drop.ts";
import { orNone } from "../sys/errno.ts";
import type { Node } from "./node.ts";

/**
 * Sentences for the log about the way out of a network's pods, where the node is their gateway: chains that
 * drop the pods' packets where the network has no policy, and a way out that takes smaller packets only. None
 * where the system refuses the look: the ADD is done, and does not need it.
 */
export function wayOutNotices(netconf: Netconf, node: Node): string[] {
  if (!netconf.isGateway) return [];
  return [...orNone(() => dropNotices(netconf, node)), ...orNone(() => mtuNotices(netconf, node))];
}

function dropNotices({ name, ingressPolicy, ipam }: Netconf, node: Node): string[] {
  if (ingressPolicy !== undefined) return [];
  const families = ([4, 6] as const).filter(
    (family) =>
      ipam === undefined || ipam.rangeSets.flat().some(({ subnet }) => subnet.address.family === family),
  );
  const dropping = listDroppingForwards(families, node);
  if (dropping.length === 0) return [];
  const one = dropping.length === 1;
  return [
    `${dropping.join(" and ")} ${one ? "drops" : "drop"} what the node forwards and no rule accepts; without such a rule pods of network ${name} reach nobody beyond the node: set "ingressPolicy": "open" to have them let through`,
  ];
}

/**
 * The chains that drop by default what the node forwards in these families, as `chain FORWARD of table ip
 * filter`. Throws SystemError.
 */
export function listDroppingForwards(families: readonly Family[], node: Node): string[] {
  return [...listDroppingChains(() => node.rules, families), ...legacyChains(families)];
}

function legacyChains(families: readonly Family[]): string[] {
  return families
    .filter((family) => dropsByDefault(family, FILTER))
    .map((family) => `chain FORWARD of ${iptablesOf(family)}-legacy`);
}

function mtuNotices(netconf: Netconf, node: Node): string[] {
  const { attach, mtu, bridge, name } = netconf;
  const wayOut = mtu > 0 ? uplinkMtu(netconf, node.links) : mtu;
  if (wayOut >= mtu) return [];
  const owner = attach === "bridge" ? `bridge ${bridge}` : `network ${name}`;
  return [
    `the MTU of ${owner} is ${mtu}, and the way out of the node takes ${wayOut}: larger packets of pods need fragments or path MTU discovery; without "mtu" pods get ${wayOut}`,
  ];
}
