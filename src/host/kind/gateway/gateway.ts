// The gateway addresses on the bridge. Every ADD looks for them: an IPv6 address is lost when the bridge goes
// down and up.
import { CniError } from "../../../cni/error.ts";
import { addressHint, attempt } from "../../../failure/failure.ts";
import {
  formatPrefix,
  hasFamily,
  hasPrefix,
  networkOf,
  type Prefix,
  prefixContains,
} from "../../../ip/prefix.ts";
import type { SubnetOwner } from "../../../look/subnet-owner.ts";
import { addAddressMessage, deleteAddressMessage, listAddresses } from "../../../net/address.ts";
import { getLink, type Link } from "../../../net/link.ts";
import { changeLinkMessage } from "../../../net/link-change.ts";
import {
  ensureSysctl,
  ensureSysctlIfPossible,
  ensureSysctlIfThere,
  readSysctl,
} from "../../../net/sysctl.ts";
import type { Message } from "../../../netlink/socket.ts";
import type { SharedLink } from "../../../plan/result.ts";
import type { GatewayStep } from "../../../plan/step.ts";
import { isErrno } from "../../../sys/errno.ts";
import { curable, type Difference, restorable, shellWord, sysctlCommand } from "../../difference.ts";
import type { Applying, Place, Renewal, StayingKind } from "../../kind.ts";
import type { Node } from "../../node.ts";
import { refuseAdvertisements } from "../bridge/bridge.ts";
import { checkOwners, waysToRemove } from "./subnet-owner.ts";

export const gateway: StayingKind<GatewayStep> = {
  apply: ensureGateway,
  verify: verifyGateway,
  renew: renewGateways,
};

/** The interface that is to hold an address, and the address. */
interface Wanted {
  step: GatewayStep;
  node: Node;
  link: SharedLink;
  address: Prefix;
  notice(text: string): void;
}

/** Makes sure that the bridge, or the gateway's interface in a VLAN, holds the gateway addresses. */
function ensureGateway(step: GatewayStep, on: Applying): void {
  const { node, bridge, vlanGateway } = on;
  const ensure = (): void => {
    for (const address of step.addresses)
      ensureAddress({ step, node, link: vlanGateway ?? bridge, address, notice: (text) => on.notice(text) });
  };
  attempt("bridgeAddress", step.gatewayInterface, ensure, addressHint);
}

/** Puts back addresses that interfaces have lost, and forwarding there. */
function renewGateways(steps: readonly GatewayStep[], node: Node): Renewal[] {
  const parts = new Map<string, Renewal>();
  for (const step of steps) {
    const { gatewayInterface: name, addresses } = step;
    for (const address of addresses)
      parts.set(`${name} ${formatPrefix(address)}`, () => renewAddress(step, address, node));
    if (hasFamily(addresses, 4)) parts.set(name, () => forwardAgain(name));
  }
  return [...parts.values()];
}

function renewAddress(step: GatewayStep, address: Prefix, node: Node): string | undefined {
  const { gatewayInterface: name } = step;
  const renew = (): boolean => {
    const link = getLink(node.links, { name });
    return link !== undefined && ensureAddress({ step, node, link, address, notice: () => {} });
  };
  const wasLost = attempt("bridgeAddress", name, renew, addressHint);
  return wasLost ? `${name} has ${formatPrefix(address)} again` : undefined;
}

function forwardAgain(name: string): string | undefined {
  if (forwardingProblem(name) === undefined) return undefined;
  const setting = forwardingOf(name);
  attempt("sysctl", `/proc/sys/net/${setting}`, () => ensureSysctl(setting, "1"));
  return `${name} forwards again`;
}

/**
 * Adds an address that is not there. It looks first: an address that is added and then removed, because
 * another address stands in the way, would be there for a moment, and another ADD would count on it. True
 * when the address was not there.
 */
function ensureAddress(wanted: Wanted): boolean {
  const { step, node, address } = wanted;
  if (hasPrefix(presentBeside(wanted), address)) return false;
  // Two ADDs may give two bridges one subnet, or one bridge two addresses, at once: under the lock one of
  // them sees the other's address.
  node.underLock(() => {
    refuseOwners(wanted);
    makeRoom(wanted, inTheWay(step, address, presentBeside(wanted)));
    addAddress(wanted);
  });
  return true;
}

/** Refuses an address whose subnet another interface has. Throws CniError bridgeAddress, and SystemError. */
function refuseOwners({
  step: { gatewayInterface: name },
  node,
  link: { index },
  address,
  notice,
}: Omit<Wanted, "link"> & { link: Pick<SharedLink, "index"> }): void {
  const refusal = (owner: SubnetOwner): CniError => {
    const use = owner.kind === "bridge" ? `, set "bridge": "${owner.name}"` : "";
    return new CniError("bridgeAddress", {
      about: `"${name}" cannot have ${formatPrefix(address)}, because "${owner.name}" has ${formatPrefix(owner.address)}`,
      cause: "the node would look for pods of one subnet on two interfaces, and find some of them on neither",
      hint: `Choose another subnet for the network${use}, or ${waysToRemove(owner)}`,
    });
  };
  checkOwners({ place: `on ${name}`, index, address, isSharedByPods: false, notice }, refusal, node);
}

/** The addresses of the interface, of the family of the wanted one. */
function presentBeside({ node, link, address: { address } }: Wanted): Prefix[] {
  return listAddresses(node.links, link.index, address.family).map(({ prefix }) => prefix);
}

function addAddress({ step, node, link, address }: Wanted): void {
  const name = step.gatewayInterface;
  if (address.address.family === 6) ensureSysctlIfThere(`ipv6/conf/${name}/disable_ipv6`, "0");
  // A node that forwards already may give new interfaces another setting (net.ipv4.conf.default.forwarding).
  else ensureSysctlIfPossible(forwardingOf(name), "1");
  refuseAdvertisements(name);
  const [pinned, added] = node.links.transact([
    pinMessage(name, link),
    addAddressMessage(link.index, address),
  ]);
  if (pinned?.error !== undefined) throw pinned.error;
  // EEXIST: another ADD was faster.
  if (added?.error !== undefined && !isErrno(added.error, "EEXIST")) throw added.error;
}

/**
 * The request that pins the bridge's MAC. Unpinned, a bridge of an operator takes the MAC of a port, and
 * another MAC when that port goes, while pods still know the old one.
 */
function pinMessage(name: string, { index, mac }: SharedLink): Message {
  return changeLinkMessage({ index }, { mac }, `pin the MAC of ${name}`);
}

/** The problem with the gateway addresses; undefined when there is none. */
function verifyGateway(
  { gatewayInterface: name, addresses }: GatewayStep,
  { node }: Place,
): Difference | string | undefined {
  const link = getLink(node.links, { name });
  if (link === undefined) return `${name} does not exist`;
  const present = listAddresses(node.links, link.index).map(({ prefix }) => prefix);
  const missing = addresses.find((wanted) => !hasPrefix(present, wanted));
  if (missing !== undefined)
    return (isTooSmall(missing, link) ? curable : restorable)(
      `${name} has no gateway address ${formatPrefix(missing)}`,
      addCommand(link, missing),
    );
  const problem = hasFamily(addresses, 4) ? forwardingProblem(name) : undefined;
  return problem && restorable(problem, sysctlCommand(forwardingOf(name), "1"));
}

/** The least MTU of a link with IPv6 (RFC 8200, 5): below it the kernel takes IPv6 off the link. */
const IPV6_LEAST_MTU = 1280;

function isTooSmall({ address }: Prefix, { mtu }: Link): boolean {
  return address.family === 6 && mtu < IPV6_LEAST_MTU;
}

/** The command that gives the interface its address, and IPv6 before where that is switched off there. */
function addCommand(link: Link, prefix: Prefix): string {
  const { name } = link;
  const isSix = prefix.address.family === 6;
  const setting = `ipv6/conf/${name}/disable_ipv6`;
  const enable = isSix && readSysctl(setting) === "1" ? `${sysctlCommand(setting, "0")} && ` : "";
  const enlarge = isTooSmall(prefix, link)
    ? `ip link set dev ${shellWord(name)} mtu ${IPV6_LEAST_MTU} && `
    : "";
  return `${enable}${enlarge}ip address add ${formatPrefix(prefix)} dev ${shellWord(name)}${isSix ? " nodad" : ""}`;
}

/**
 * The problem with an interface that does not forward although the node does. IPv6 has no such setting: its
 * packets are forwarded by the node's alone.
 */
function forwardingProblem(name: string): string | undefined {
  const setting = forwardingOf(name);
  if (readSysctl("ipv4/ip_forward") !== "1" || readSysctl(setting) !== "0") return undefined;
  return `${name} does not forward what pods send to others (/proc/sys/net/${setting})`;
}

function forwardingOf(name: string): string {
  return `ipv4/conf/${name}/forwarding`;
}

/**
 * What an ADD would say that gives the gateway's interface `address`, one of the step's, as things are: it is
 * refused with an error, or tells the notices. Changes nothing. Throws SystemError.
 */
export function foreseeGateway(
  step: GatewayStep,
  address: Prefix,
  node: Node,
): { refusal: CniError | undefined; notices: string[] } {
  const notices: string[] = [];
  const link = getLink(node.links, { name: step.gatewayInterface });
  const present = link === undefined ? [] : listAddresses(node.links, link.index).map(({ prefix }) => prefix);
  if (hasPrefix(present, address)) return { refusal: undefined, notices };
  try {
    const notice = (text: string): unknown => notices.push(text);
    // An interface that is not there has no index: 0 is nobody's.
    refuseOwners({ step, node, link: { index: link?.index ?? 0 }, address, notice });
    const others = step.force ? [] : inTheWay(step, address, present);
    if (others.length > 0) throw conflict(step.gatewayInterface, address, others);
    return { refusal: undefined, notices };
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    return { refusal: error, notices };
  }
}

/** Removes the addresses in the way, where `forceAddress` allows it. */
function makeRoom({ step, node, link, address }: Wanted, others: Prefix[]): void {
  if (others.length === 0) return;
  if (!step.force) throw conflict(step.gatewayInterface, address, others);
  const outcomes = node.links.transact(others.map((prefix) => deleteAddressMessage(link.index, prefix)));
  for (const { error } of outcomes) if (error !== undefined && !isErrno(error, "EADDRNOTAVAIL")) throw error;
}

/**
 * The present addresses that stand in the way of `wanted`. As in the reference, an IPv4 bridge has one
 * address only, and an IPv6 bridge none that overlaps. Gateway addresses of the network are not in the way,
 * whichever pods use them.
 */
function inTheWay(step: GatewayStep, wanted: Prefix, present: Prefix[]): Prefix[] {
  return present.filter(
    (prefix) =>
      prefix.address.family === wanted.address.family &&
      !hasPrefix(step.addresses, prefix) &&
      !hasPrefix(step.others, prefix) &&
      (wanted.address.family === 4 || overlap(prefix, wanted)),
  );
}

function conflict(bridge: string, wanted: Prefix, present: Prefix[]): CniError {
  const others = present.map(formatPrefix);
  return new CniError("bridgeAddress", {
    about: `"${bridge}" already has an IP address different from ${formatPrefix(wanted)}`,
    cause: `it has ${others.join(", ")}`,
    hint: `Remove it with "ip address del ${others[0]} dev ${bridge}", set "forceAddress": true, or use another bridge`,
  });
}

function overlap(a: Prefix, b: Prefix): boolean {
  return prefixContains(networkOf(a), b.address) || prefixContains(networkOf(b), a.address);
}
