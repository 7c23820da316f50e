// The gateway addresses on the bridge. Looked after at every ADD: an IPv6 address is lost when the bridge goes down and up.
import { mapped } from "../../list.ts";
import { CniError } from "../../cni/error.ts";
import type { Family } from "../../ip/address.ts";
import { formatPrefix, networkOf, type Prefix, prefixContains, samePrefix } from "../../ip/prefix.ts";
import type { GatewayStep } from "../../plan/step.ts";
import { addAddressMessage, deleteAddressMessage, listAddresses } from "../../net/address.ts";
import { getLink } from "../../net/link.ts";
import { changeLinkMessage } from "../../net/link-change.ts";
import { ensureSysctlIfThere } from "../../net/sysctl.ts";
import { isErrno } from "../../sys/errno.ts";
import { addressHint, attempt } from "../failure.ts";
import type { Machine } from "../machine.ts";
import type { Bridge } from "./bridge.ts";

/** Makes sure that the bridge holds the gateway addresses. */
export function ensureGateway(step: GatewayStep, machine: Machine, bridge: Bridge): void {
  attempt("bridgeAddress", step.bridge, () => {
    const present = mapped(listAddresses(machine.links, bridge.index, onlyFamily(step)), ({ prefix }) => prefix);
    for (const wanted of step.addresses) {
      if (hasPrefix(present, wanted)) continue;
      makeRoom(step, machine, bridge.index, wanted, present);
      addGateway(step, machine, bridge, wanted);
    }
  }, addressHint);
}

/** The family of all gateways, where they are of one: then only that one's addresses can be missing or in the way. */
function onlyFamily({ addresses }: GatewayStep): Family | undefined {
  const family = addresses[0]?.address.family;
  for (const { address } of addresses) if (address.family !== family) return undefined;
  return family;
}

/** The MAC is pinned before: a bridge that somebody made takes that of a port, and another one when that port goes, while pods still know the old one. */
function addGateway(step: GatewayStep, machine: Machine, { index, mac }: Bridge, wanted: Prefix): void {
  if (wanted.address.family === 6) ensureSysctlIfThere(`ipv6/conf/${step.bridge}/disable_ipv6`, "0");
  const pin = changeLinkMessage({ index }, { mac }, `pin the MAC of bridge ${step.bridge}`);
  const [pinned, added] = machine.links.transact([pin, addAddressMessage(index, wanted)]);
  if (pinned?.error !== undefined) throw pinned.error;
  // EEXIST: another ADD was faster.
  if (added?.error !== undefined && !isErrno(added.error, "EEXIST")) throw added.error;
}

/** What is wrong with the gateway addresses, or undefined. */
export function verifyGateway(step: GatewayStep, machine: Machine): string | undefined {
  const bridge = getLink(machine.links, { name: step.bridge });
  if (bridge === undefined) return `bridge ${step.bridge} does not exist`;
  const present = listAddresses(machine.links, bridge.index).map(({ prefix }) => prefix);
  const missing = step.addresses.find((wanted) => !hasPrefix(present, wanted));
  return missing === undefined ? undefined : `bridge ${step.bridge} has no gateway address ${formatPrefix(missing)}`;
}

/**
 * As in the reference: an IPv4 bridge has one address only, and an IPv6 one none that overlaps; `forceAddress` removes
 * what stands in the way. An address that the same configuration wants stands in nobody's way.
 */
function makeRoom(step: GatewayStep, machine: Machine, bridgeIndex: number, wanted: Prefix, present: Prefix[]): void {
  const inTheWay = present.filter(
    (prefix) =>
      prefix.address.family === wanted.address.family &&
      !hasPrefix(step.addresses, prefix) &&
      (wanted.address.family === 4 || overlap(prefix, wanted)),
  );
  if (inTheWay.length === 0) return;
  if (!step.force) throw conflict(step.bridge, wanted, inTheWay);
  const outcomes = machine.links.transact(inTheWay.map((prefix) => deleteAddressMessage(bridgeIndex, prefix)));
  for (const { error } of outcomes) if (error !== undefined && !isErrno(error, "EADDRNOTAVAIL")) throw error;
}

function conflict(bridge: string, wanted: Prefix, inTheWay: Prefix[]): CniError {
  const others = inTheWay.map(formatPrefix).join(", ");
  return new CniError("bridgeAddress", {
    about: `"${bridge}" already has an IP address different from ${formatPrefix(wanted)}`,
    cause: `it has ${others}`,
    hint: `Remove it with "ip address del ${inTheWay[0] === undefined ? "" : formatPrefix(inTheWay[0])} dev ${bridge}", set "forceAddress": true, or use another bridge`,
  });
}

function overlap(a: Prefix, b: Prefix): boolean {
  return prefixContains(networkOf(a), b.address) || prefixContains(networkOf(b), a.address);
}

function hasPrefix(list: Prefix[], wanted: Prefix): boolean {
  for (const prefix of list) if (samePrefix(prefix, wanted)) return true;
  return false;
}
