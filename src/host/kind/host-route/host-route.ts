// The node's side of a link without a bridge: the host's end is up and holds the gateway addresses, and the
// node has a route to each address of the pod. All of it goes with the veth.
import { attachmentTitle, keyOfAlias } from "../../../attachment/name.ts";
import { CniError } from "../../../cni/error.ts";
import { attempt, explain } from "../../../failure/failure.ts";
import { type Address, familyBits, formatAddress, sameAddress } from "../../../ip/address.ts";
import { linkLocalOf } from "../../../ip/link-local.ts";
import type { Prefix } from "../../../ip/prefix.ts";
import { addAddressMessage, listAddresses } from "../../../net/address.ts";
import { getLink, getLinkMessage, type Link, macBytes } from "../../../net/link.ts";
import { changeLinkMessage } from "../../../net/link-change.ts";
import { addRouteMessage, findLocalRoute, listRoutes } from "../../../net/route.ts";
import { ensureSysctlIfPossible, ensureSysctlIfThere } from "../../../net/sysctl.ts";
import type { Message } from "../../../netlink/socket.ts";
import type { HostRouteStep } from "../../../plan/step.ts";
import { isErrno, type SystemError } from "../../../sys/errno.ts";
import type { Applying, Place, StepKind } from "../../kind.ts";
import type { Node } from "../../node.ts";

export const hostRoute: StepKind<HostRouteStep> = { apply: routeToPod, verify: verifyHostRoute };

/**
 * Raises the host's end with gateway addresses and routes in one send, and lets the kernel finish its work
 * on the carriers of both ends.
 */
function routeToPod(step: HostRouteStep, on: Applying): void {
  const { hostInterface: name } = step;
  const { node, pod } = on;
  for (const gateway of step.gateways) refuseTakenGateway(gateway, name, node);
  attempt("sysctl", name, () => prepare(step));
  const requests = requestsOf(step, on.hostIndex);
  const outcomes = attempt("link", name, () => node.links.transact(requests.map(({ message }) => message)));
  for (let at = 0; at < outcomes.length; at++) {
    const error = outcomes[at]?.error;
    const address = requests[at]?.address;
    if (error !== undefined) throw explainRefusal({ error, address, name }, node);
  }
  attempt("link", step.interfaceName, () =>
    pod.links.execute([getLinkMessage({ name: step.interfaceName })]),
  );
}

/** A request, and the address of the pod that it is about. */
interface Request {
  message: Message;
  address?: Address;
}

function requestsOf(
  { hostInterface, gateways, addresses, hostMac }: HostRouteStep,
  index: number,
): Request[] {
  const up = changeLinkMessage(
    { index },
    { up: true, ...(addresses.some(({ family }) => family === 4) ? { forwarding: true } : {}) },
    `set up interface ${hostInterface}`,
  );
  // The kernel asks for neighbours by this address; one that it made itself would be checked for a second.
  const linkLocal: Prefix = { address: linkLocalOf(macBytes(hostMac)), length: 64 };
  const own = [...(addresses.some(({ family }) => family === 6) ? [linkLocal] : []), ...gateways.map(whole)];
  return [
    { message: up },
    ...own.map((prefix) => ({ message: addAddressMessage(index, prefix) })),
    ...addresses.map((address) => ({
      message: addRouteMessage({ dst: whole(address), index, isOnly: true }),
      address,
    })),
    { message: getLinkMessage({ index }) },
  ];
}

/** Makes the settings that come before the link is up: a router inside the pod is none for the node. */
function prepare({ hostInterface: name, addresses }: HostRouteStep): void {
  ensureSysctlIfPossible(`ipv6/conf/${name}/accept_ra`, "0");
  if (addresses.some(({ family }) => family === 6))
    ensureSysctlIfThere(`ipv6/conf/${name}/disable_ipv6`, "0");
}

function whole(address: Address): Prefix {
  return { address, length: familyBits(address.family) };
}

/** Refuses a gateway address that another interface than the host ends of attachments has. */
function refuseTakenGateway(gateway: Address, name: string, node: Node): void {
  const index = findLocalRoute(node.links, gateway);
  const owner = index === undefined ? undefined : getLink(node.links, { index });
  if (owner === undefined || keyOfAlias(owner.alias) !== undefined) return;
  throw new CniError("bridgeAddress", {
    about: `"${name}" cannot have ${formatAddress(gateway)}, because "${owner.name}" has it`,
    cause: "the node would answer pods on one interface and look for them on another",
    hint: `Choose another subnet or gateway for the network, or take the address away when nothing uses it ("ip address del ${formatAddress(gateway)} dev ${owner.name}")`,
  });
}

interface Refusal {
  error: SystemError;
  address: Address | undefined;
  name: string;
}

function explainRefusal({ error, address, name }: Refusal, node: Node): CniError {
  if (address === undefined) return explain("link", name, error);
  const about = `the node's route to ${formatAddress(address)}`;
  if (!isErrno(error, "EEXIST")) return explain("route", about, error);
  const holder = holderOf(address, node);
  return new CniError("address", {
    about: `address ${formatAddress(address)} is used twice`,
    cause: `the node routes it to ${holder}`,
    hint: "Give each pod an address of its own: different ranges for two networks, and one dataDir for one network",
  });
}

function holderOf(address: Address, node: Node): string {
  const routes = listRoutes(node.links, address.family, {});
  const index = routes.find(({ dst }) => isWhole(dst, address))?.index;
  const link = index === undefined ? undefined : getLink(node.links, { index });
  const key = link && keyOfAlias(link.alias);
  if (key !== undefined) return attachmentTitle(key, node.records.getRecord(key)?.pod);
  return link === undefined ? "another interface" : `interface ${link.name}`;
}

function isWhole({ address, length }: Prefix, wanted: Address): boolean {
  return length === familyBits(wanted.family) && sameAddress(address, wanted);
}

/** The problem with the node's side as a sentence; undefined when there is none. */
function verifyHostRoute(step: HostRouteStep, { node }: Place): string | undefined {
  const { hostInterface: name, gateways, addresses } = step;
  const link = getLink(node.links, { name });
  if (link === undefined) return undefined;
  const held = listAddresses(node.links, link.index).map(({ prefix }) => prefix);
  const lost = gateways.find((gateway) => !held.some((prefix) => isWhole(prefix, gateway)));
  if (lost !== undefined) return `${name} has no gateway address ${formatAddress(lost)}`;
  const unreached = addresses.find((address) => !hasRoute(address, link, node));
  return unreached && `the node has no route to ${formatAddress(unreached)} by ${name}`;
}

function hasRoute(address: Address, { index }: Link, node: Node): boolean {
  return listRoutes(node.links, address.family, { index }).some(({ dst }) => isWhole(dst, address));
}
