// The requests that give the host's end of a link without a bridge its addresses and routes.
import type { Address } from "../../../ip/address.ts";
import { linkLocalOf } from "../../../ip/link-local.ts";
import { macBytes } from "../../../ip/mac.ts";
import { wholeOf } from "../../../ip/prefix.ts";
import { addAddressMessage } from "../../../net/address.ts";
import { getLinkMessage } from "../../../net/link.ts";
import { changeLinkMessage } from "../../../net/link-change.ts";
import { addRouteMessage } from "../../../net/route.ts";
import { ensureSysctlIfPossible, ensureSysctlIfThere } from "../../../net/sysctl.ts";
import type { Message } from "../../../netlink/socket.ts";
import type { HostRouteStep } from "../../../plan/step.ts";

/** A request for the host's end, and the address that it is about. */
export interface Request {
  message: Message;
  /** An address of the host's end. */
  own?: Address;
  /** An address of the pod, to which the node gets a route. */
  reached?: Address;
}

/** The requests for the host's end with its addresses and routes, in their order. */
export function requestsOf(step: HostRouteStep, index: number): Request[] {
  const { hostInterface, gateways, addresses } = step;
  const up = changeLinkMessage(
    { index },
    { up: true, ...(addresses.some(({ family }) => family === 4) ? { forwarding: true } : {}) },
    `set up interface ${hostInterface}`,
  );
  const linkLocal = linkLocalRequest(step, index);
  return [
    { message: up },
    ...(linkLocal === undefined ? [] : [linkLocal]),
    ...gateways.map((own) => ({ message: addAddressMessage(index, wholeOf(own)), own })),
    ...addresses.map((reached) => ({
      message: addRouteMessage({ dst: wholeOf(reached), index, isOnly: true }),
      reached,
    })),
    { message: getLinkMessage({ index }) },
  ];
}

/**
 * The request for the link-local address, by which the kernel asks for neighbours; undefined without IPv6.
 * The pod's own is the other end: with a route to all of fe80::/64 the node would ask the pod for each
 * address that the pod sends to, and every question takes a place in the node's table of neighbours.
 */
function linkLocalRequest(step: HostRouteStep, index: number): Request | undefined {
  const own = hostLinkLocal(step);
  if (own === undefined) return undefined;
  const peer = linkLocalOf(macBytes(step.podMac));
  return { message: addAddressMessage(index, wholeOf(own), { peer }), own };
}

/** The link-local address of the host's end; undefined without IPv6. */
export function hostLinkLocal({ hostMac, addresses }: HostRouteStep): Address | undefined {
  return addresses.some(({ family }) => family === 6) ? linkLocalOf(macBytes(hostMac)) : undefined;
}

/** Makes the settings that come before the link is up: a router inside the pod is none for the node. */
export function prepare({ hostInterface: name, addresses }: HostRouteStep): void {
  ensureSysctlIfPossible(`ipv6/conf/${name}/accept_ra`, "0");
  if (addresses.some(({ family }) => family === 6))
    ensureSysctlIfThere(`ipv6/conf/${name}/disable_ipv6`, "0");
}
