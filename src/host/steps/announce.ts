// The last part of an ADD: the port forwards, and whoever knew an older owner of an address hears of the new one at once.
import { CniError } from "../../cni/error.ts";
import type { AnnounceStep, BridgePort } from "../../plan/step.ts";
import { getLinks, type Link } from "../../net/link.ts";
import { changeLinkMessage } from "../../net/link-change.ts";
import { type Message, NetlinkSocket } from "../../netlink/socket.ts";
import { NETLINK_ROUTE } from "../../netlink/uapi/netlink.ts";
import { BR_STATE_FORWARDING, IF_OPER_UP, RTNLGRP_LINK } from "../../netlink/uapi/rtnetlink.ts";
import { monotonicMs } from "../../sys/clock.ts";
import { attempt, vanished } from "../failure.ts";
import type { Machine } from "../machine.ts";

/** A port comes up within a millisecond; with the spanning tree protocol on it listens and learns for twice the forward delay, at most 30 s each. */
const FORWARDING_MS = 62_000;
/** How long one wait for an event lasts before the kernel is asked again; it loses events when a socket overflows. */
const EVENT_MS = 250;
/** A port that is not even taking part in the spanning tree comes up soon or never. */
const DISABLED_MS = 2_000;
const BR_STATE_DISABLED = 0;

/** The pod's end of a pair, or what is in its place. */
export interface PodEnd {
  links: NetlinkSocket;
  name: string;
}

/** What was found. The bridge's MAC, when nobody chose one, may have become the port's. */
interface Seen {
  port: Link;
  bridge: Link | undefined;
  podEnd: Link | undefined;
}

/** Raises the port, waits until it forwards, and lets the kernel announce the pod's addresses to those who may know older owners of them. Gives the bridge's final MAC. */
export function announce(step: AnnounceStep, machine: Machine): string | undefined {
  const { links } = machine.pod;
  const bridgeMac = raisePort(step, { links, name: step.interfaceName }, machine);
  if (!step.isNeeded) return bridgeMac;
  // Setting the MAC, the same one too, makes the kernel send gratuitous ARP (arp_notify) and neighbour advertisements (ndisc_notify).
  const again = changeLinkMessage({ name: step.interfaceName }, { mac: step.mac }, `announce ${step.interfaceName} in the pod`);
  attempt("link", step.interfaceName, () => links.execute([again]));
  return bridgeMac;
}

/** What is wrong with the port, or undefined. */
export function verifyAnnounced(step: AnnounceStep, machine: Machine): string | undefined {
  const [port] = getLinks(machine.links, [{ name: step.hostInterface }]);
  return port === undefined || isForwarding(port) ? undefined : `${step.hostInterface} does not forward on bridge ${step.bridge}`;
}

/**
 * Raises the host's end and returns when the port forwards and the pod's end sends, on a bridge with the spanning tree protocol
 * after a while; gives the bridge's MAC. The pod's end has to be up before: so the port comes up once, and not with, without
 * and with a carrier, each of which costs the kernel a walk over all ports of the bridge. Throws CniError.
 */
export function raisePort(step: BridgePort, podEnd: PodEnd, machine: Machine): string | undefined {
  return attempt("bridgePort", step.hostInterface, () => {
    const raise = changeLinkMessage({ name: step.hostInterface }, { up: true }, `set up interface ${step.hostInterface}`);
    const seen = look(step, podEnd, machine, [raise]);
    return isReady(seen) ? seen.bridge?.mac : awaitEvents(step, podEnd, machine);
  });
}

/**
 * The two ends and the bridge, after `changes`. Asking for a link makes the kernel do its pending carrier work first: the pod's
 * end gets its queue so, and the bridge its carrier with its first port.
 */
function look({ hostInterface, bridge }: BridgePort, podEnd: PodEnd, machine: Machine, changes?: Message[]): Seen {
  const [port, found] = getLinks(machine.links, [{ name: hostInterface }, { name: bridge }], changes);
  if (port === undefined) throw vanished(hostInterface);
  const [other] = getLinks(podEnd.links, [{ name: podEnd.name }]);
  return { port, bridge: found, podEnd: other };
}

function awaitEvents(step: BridgePort, podEnd: PodEnd, machine: Machine): string | undefined {
  using events = NetlinkSocket.open(NETLINK_ROUTE, [RTNLGRP_LINK]);
  const start = monotonicMs();
  for (;;) {
    const seen = look(step, podEnd, machine);
    if (isReady(seen)) return seen.bridge?.mac;
    const { port } = seen;
    const waited = monotonicMs() - start;
    // Somebody keeps the pod's end down. That is not the port's fault.
    if (waited > DISABLED_MS && isForwarding(port)) return seen.bridge?.mac;
    if (waited > FORWARDING_MS || (waited > DISABLED_MS && (port.port?.state ?? BR_STATE_DISABLED) === BR_STATE_DISABLED)) {
      throw notForwarding(step, waited, machine);
    }
    events.waitForEvent("wait for the bridge port", EVENT_MS);
  }
}

/** The port forwards, and pod and host can send: an interface has a queue from the moment that the kernel knows of its carrier. */
function isReady({ port, bridge, podEnd }: Seen): boolean {
  return isForwarding(port) && podEnd?.operState === IF_OPER_UP && bridge?.operState === IF_OPER_UP;
}

function isForwarding(port: Link): boolean {
  return port.operState === IF_OPER_UP && port.port?.state === BR_STATE_FORWARDING;
}

function notForwarding({ hostInterface, bridge }: BridgePort, waitedMs: number, machine: Machine): CniError {
  const isDown = getLinks(machine.links, [{ name: bridge }])[0]?.up !== true;
  const cause = `it did not forward within ${Math.round(waitedMs / 1000)} s`;
  return new CniError("bridgePort", {
    about: `${hostInterface} on ${bridge}`,
    cause: isDown ? `${cause}: bridge ${bridge} is down` : cause,
    hint: isDown
      ? `Find out what took ${bridge} down, then run ADD again, which raises it`
      : `Look at "bridge link show dev ${hostInterface}"; switch off the spanning tree protocol on ${bridge} or lower its forward delay`,
  });
}
