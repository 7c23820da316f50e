// The gateway addresses on the bridge. Looked after at every ADD: an IPv6 address is lost when the bridge
// goes down and up.
import { CniError } from "../../cni/error.ts";
import { formatPrefix, networkOf, type Prefix, prefixContains, samePrefix } from "../../ip/prefix.ts";
import { addAddressMessage, deleteAddressMessage, listAddresses } from "../../net/address.ts";
import { getLink } from "../../net/link.ts";
import { changeLinkMessage } from "../../net/link-change.ts";
import { ensureSysctlIfThere } from "../../net/sysctl.ts";
import type { Message } from "../../netlink/socket.ts";
import type { GatewayStep } from "../../plan/step.ts";
import { isErrno } from "../../sys/errno.ts";
import { addressHint, attempt } from "../failure.ts";
import type { Machine } from "../machine.ts";
import { type Bridge, refuseAdvertisements } from "./bridge.ts";

/** Makes sure that the bridge holds the gateway addresses. */
export function ensureGateway(step: GatewayStep, machine: Machine, bridge: Bridge): void {
  attempt(
    "bridgeAddress",
    step.bridge,
    () => {
      for (const wanted of step.addresses) ensureAddress(step, machine, bridge, wanted);
    },
    addressHint,
  );
}

function ensureAddress(step: GatewayStep, machine: Machine, bridge: Bridge, wanted: Prefix): void {
  // Looked for, not just added: an address that goes again because another stands in the way would be there
  // for a moment, and an ADD that finds it in that moment would take it for settled.
  const present = listAddresses(machine.links, bridge.index, wanted.address.family).map(
    ({ prefix }) => prefix,
  );
  if (hasPrefix(present, wanted)) return;
  makeRoom(step, machine, bridge.index, wanted, inTheWay(step, wanted, present));
  if (wanted.address.family === 6) ensureSysctlIfThere(`ipv6/conf/${step.bridge}/disable_ipv6`, "0");
  refuseAdvertisements(step.bridge);
  const [pinned, added] = machine.links.transact([
    pinMessage(step, bridge),
    addAddressMessage(bridge.index, wanted),
  ]);
  if (pinned?.error !== undefined) throw pinned.error;
  // EEXIST: another ADD was faster.
  if (added?.error !== undefined && !isErrno(added.error, "EEXIST")) throw added.error;
}

/**
 * A bridge that somebody made takes the MAC of a port, and another one when that port goes, while pods still
 * know the old one.
 */
function pinMessage(step: GatewayStep, { index, mac }: Bridge): Message {
  return changeLinkMessage({ index }, { mac }, `pin the MAC of ${step.bridge}`);
}

/** What is wrong with the gateway addresses, or undefined. */
export function verifyGateway(step: GatewayStep, machine: Machine): string | undefined {
  const bridge = getLink(machine.links, { name: step.bridge });
  if (bridge === undefined) return `${step.bridge} does not exist`;
  const present = listAddresses(machine.links, bridge.index).map(({ prefix }) => prefix);
  const missing = step.addresses.find((wanted) => !hasPrefix(present, wanted));
  return missing === undefined ? undefined : `${step.bridge} has no gateway address ${formatPrefix(missing)}`;
}

/** Removes the addresses in the way, where `forceAddress` allows it. */
function makeRoom(
  step: GatewayStep,
  machine: Machine,
  bridgeIndex: number,
  wanted: Prefix,
  others: Prefix[],
): void {
  if (others.length === 0) return;
  if (!step.force) throw conflict(step.bridge, wanted, others);
  const outcomes = machine.links.transact(others.map((prefix) => deleteAddressMessage(bridgeIndex, prefix)));
  for (const { error } of outcomes) if (error !== undefined && !isErrno(error, "EADDRNOTAVAIL")) throw error;
}

/**
 * As in the reference: an IPv4 bridge has one address only, and an IPv6 one none that overlaps. An address
 * that the same configuration wants stands in nobody's way.
 */
function inTheWay(step: GatewayStep, wanted: Prefix, present: Prefix[]): Prefix[] {
  return present.filter(
    (prefix) =>
      prefix.address.family === wanted.address.family &&
      !hasPrefix(step.addresses, prefix) &&
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

function hasPrefix(list: Prefix[], wanted: Prefix): boolean {
  for (const prefix of list) if (samePrefix(prefix, wanted)) return true;
  return false;
}
