// Obstacles between a network's pods and the world that no ADD removes, for STATUS: another owner of the
// subnet, and a firewall that drops for certain.
import { prefixesOf } from "../../attachment/attachment.ts";
import { hostEndOf } from "../../attachment/link.ts";
import { keyOfAlias } from "../../attachment/name.ts";
import type { Netconf } from "../../cni/config.ts";
import { CniError } from "../../cni/error.ts";
import type { Family } from "../../ip/address.ts";
import { formatPrefix, type Prefix } from "../../ip/prefix.ts";
import { networkFamilies } from "../../look/bridge.ts";
import { listSubnetOwners } from "../../look/subnet-owner.ts";
import { getLink } from "../../net/link.ts";
import { foreseeOwner } from "../kind/host-route/first.ts";
import type { Node } from "../node.ts";
import { droppingHooks, type PodTraffic } from "./drop.ts";
import { listForwardHooks } from "./hook.ts";

/**
 * Refuses a network whose pods would reach nobody beyond the node, whatever the next ADD does. Throws
 * CniError notAvailable, or limitedConnectivity where pods of the network run and suffer too; and
 * SystemError.
 */
export function refuseObstacles(netconf: Netconf, node: Node): void {
  const obstacle = otherOwner(netconf, node) ?? dropping(netconf, node);
  if (obstacle === undefined) return;
  const suffers = node.findLiving(netconf.name, () => true) !== undefined;
  throw new CniError(suffers ? "limitedConnectivity" : "notAvailable", obstacle);
}

interface Obstacle {
  about: string;
  cause: string;
  hint: string;
}

/** An interface of others that has a gateway's subnet: packets for pods would go there. */
function otherOwner(netconf: Netconf, node: Node): Obstacle | undefined {
  const { links } = node;
  const { attach, isGateway, gatewayInterface: name } = netconf;
  if (attach === "ptp") return ownerWithoutBridge(netconf, node);
  if (name === undefined || !isGateway) return undefined;
  const own = getLink(links, { name })?.index ?? 0;
  for (const gateway of gatewaysOf(netconf)) {
    const owner = listSubnetOwners(links, own, gateway).find(
      (each) => each.isInTheWay && !isOfAttachment(each.name, links),
    );
    if (owner === undefined) continue;
    const address = formatPrefix(owner.address);
    return {
      about: `${owner.name} has ${address}, and ${name} is to have ${formatPrefix(gateway)}`,
      cause: "the node sends packets for one subnet by one interface alone",
      hint: `Take it away when nothing uses it ("ip address del ${address} dev ${owner.name}"), or choose another subnet`,
    };
  }
  return undefined;
}

function ownerWithoutBridge({ name, ipam }: Netconf, node: Node): Obstacle | undefined {
  for (const range of ipam?.rangeSets.flat() ?? []) {
    const refusal = foreseeOwner(name, range, node);
    const { about, cause, hint } = refusal?.parts ?? {};
    if (about !== undefined && cause !== undefined && hint !== undefined) return { about, cause, hint };
  }
  return undefined;
}

function isOfAttachment(name: string, links: Node["links"]): boolean {
  return keyOfAlias(getLink(links, { name })?.alias ?? "") !== undefined;
}

/** The gateway addresses of the network's ranges, with the lengths of their subnets. */
function gatewaysOf({ ipam }: Netconf): Prefix[] {
  return (ipam?.rangeSets ?? [])
    .flat()
    .flatMap(({ gateway, subnet }) =>
      gateway === undefined ? [] : [{ address: gateway, length: subnet.length }],
    );
}

/** A firewall that drops what pods send, or the answers to it; an ingress policy lets them through. */
function dropping(netconf: Netconf, node: Node): Obstacle | undefined {
  if (netconf.ingressPolicy !== undefined || !isMeantForOthers(netconf)) return undefined;
  const hooks = listForwardHooks(node);
  if (hooks.length === 0) return undefined;
  for (const family of networkFamilies(netconf)) {
    const traffic = trafficOf(netconf, family, node);
    const found = traffic && droppingHooks(traffic, node, hooks).find(({ isCertain }) => isCertain);
    if (found === undefined) continue;
    const { hook, way, end } = found;
    return {
      about: `${hook.title} drops ${way === "out" ? "what pods send beyond the node" : "the answers to pods"}`,
      cause:
        end.rule === undefined
          ? "its policy is drop, and no rule accepts them"
          : `its rule is: ${end.rule.text}`,
      hint: `Set "ingressPolicy": "open" in the configuration of network ${netconf.name}, or let its packets through; "pontoon doctor ${netconf.name}" has the command`,
    };
  }
  return undefined;
}

/** True for a network whose pods are to reach others: it masquerades, or has a default route. */
function isMeantForOthers({ isGateway, isDefaultGateway, ipMasq, ipam }: Netconf): boolean {
  const hasDefault = isDefaultGateway || ipam?.routes.some(({ dst }) => dst.length === 0) === true;
  return isGateway && (ipMasq || hasDefault);
}

/** The traffic of the network's pods: of one that runs, or where a bridge is known, of one to come. */
function trafficOf(
  { name, gatewayInterface, ipam }: Netconf,
  family: Family,
  node: Node,
): PodTraffic | undefined {
  const isOf = ({ address }: Prefix): boolean => address.family === family;
  if (gatewayInterface !== undefined) {
    const first = ipam?.rangeSets.flat().find(({ subnet }) => isOf(subnet))?.first;
    return first && { family, entry: gatewayInterface, pod: first, hasHostPorts: false };
  }
  const found = node.findLiving(
    name,
    (attachment) => hostEndOf(attachment.link) !== undefined && prefixesOf(attachment).some(isOf),
  );
  const [entry, pod] = [found && hostEndOf(found.link)?.name, found && prefixesOf(found).find(isOf)];
  return entry === undefined || pod === undefined
    ? undefined
    : { family, entry, pod: pod.address, hasHostPorts: false };
}
