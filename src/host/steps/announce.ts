// The last part of an ADD: the port forwards, and whoever knew an older owner of an address hears of the new
// one at once.
import { CniError } from "../../cni/error.ts";
import { hasFamily } from "../../ip/prefix.ts";
import { getLinkMessage, getLinks, type Link, readLink } from "../../net/link.ts";
import { changeLinkMessage } from "../../net/link-change.ts";
import { type Message, NetlinkSocket } from "../../netlink/socket.ts";
import { NETLINK_ROUTE } from "../../netlink/uapi/netlink.ts";
import { BR_STATE_FORWARDING, IF_OPER_UP, RTNLGRP_LINK } from "../../netlink/uapi/rtnetlink.ts";
import type { AnnounceStep, BridgePort } from "../../plan/step.ts";
import { monotonicMs } from "../../sys/clock.ts";
import { readText } from "../../sys/file.ts";
import { attempt, vanished } from "../failure.ts";
import type { Machine } from "../machine.ts";
import { saysMacsFollow, takeAlias } from "./bridge.ts";

/**
 * A port comes up within a millisecond; with the spanning tree protocol on it listens and learns for twice
 * the forward delay, at most 30 s each.
 */
const FORWARDING_MS = 62_000;
/**
 * How long one wait for an event lasts before the kernel is asked again; it loses events when a socket
 * overflows.
 */
const EVENT_MS = 250;
/** A port that is not even taking part in the spanning tree comes up soon or never. */
const DISABLED_MS = 2_000;
const BR_STATE_DISABLED = 0;
/** To so many pods an announcement goes in a third of a millisecond. */
const FEW_PORTS = 100;

/** The pod's end of a pair, or what is in its place. */
export interface PodEnd {
  links: NetlinkSocket;
  name: string;
}

/** What was found of the host's side. The bridge's MAC, when nobody chose one, may have become the port's. */
interface PortSeen {
  port: Link;
  bridge: Link | undefined;
}

interface Seen extends PortSeen {
  podEnd: Link;
}

/** What is to be changed in the pod when its port forwards. */
type Then = (seen: PortSeen) => Message[];

/**
 * Raises the port, waits until it forwards, and lets the kernel announce the pod's addresses; on a crowded
 * bridge only to those who may know older owners of them by another MAC
 * (docs/decisions/0012-mac-of-an-address.md). Gives the bridge's final MAC.
 */
export function announce(step: AnnounceStep, machine: Machine, podIndex: number): string | undefined {
  // Setting the MAC, the same one too, makes the kernel send gratuitous ARP (arp_notify) and neighbour
  // advertisements (ndisc_notify).
  const again = changeLinkMessage(
    { name: step.interfaceName },
    { mac: step.mac },
    `announce ${step.interfaceName} in the pod`,
  );
  const podEnd = { links: machine.pod.links, name: step.interfaceName };
  const { bridge } = raisePort(step, podEnd, machine, ({ port, bridge }) => {
    // Looked at only now: another pod may have taken the alias away since this one was planned.
    const follows =
      bridge !== undefined && saysMacsFollow(bridge) && stillFollows(step, bridge, machine, podIndex);
    return isNeeded(step, port, follows) ? [again] : [];
  });
  return bridge?.mac;
}

/** Whether this pod's MAC follows too. The alias goes when it does not. */
function stillFollows(step: AnnounceStep, bridge: Link, machine: Machine, podIndex: number): boolean {
  if (step.macFollows && !hasOtherLink(machine, podIndex)) return true;
  takeAlias(bridge, machine);
  return false;
}

/** False when everybody who knows one of the addresses knows it by this MAC, as far as that matters. */
function isNeeded({ addresses, goesBeyond }: AnnounceStep, { port }: Link, follows: boolean): boolean {
  if (addresses.length === 0) return false;
  return !follows || goesBeyond || (port?.number ?? 0) <= FEW_PORTS || hasFamily(addresses, 6);
}

/** The first link in a namespace, behind lo. */
const FIRST_INDEX = 2;
/** Lines of /proc/net/dev with two links, its heading of two and the end of the last one. */
const LINES_OF_TWO = 5;

/**
 * A pod with another interface may answer for this one's address by the MAC of that one
 * (net.ipv4.conf.*.arp_ignore 0). A list by netlink takes half a millisecond more.
 */
function hasOtherLink({ pod }: Machine, podIndex: number): boolean {
  return (
    podIndex !== FIRST_INDEX &&
    pod.inside(() => readText("/proc/thread-self/net/dev")).split("\n").length > LINES_OF_TWO
  );
}

/** What is wrong with the port, or undefined. */
export function verifyAnnounced(step: AnnounceStep, machine: Machine): string | undefined {
  const [port] = getLinks(machine.links, [{ name: step.hostInterface }]);
  return port === undefined || isForwarding(port)
    ? undefined
    : `${step.hostInterface} does not forward on bridge ${step.bridge}`;
}

/**
 * Raises the host's end and returns when the port forwards and the pod's end sends, on a bridge with the
 * spanning tree protocol after a while; gives what it found then. The pod's end has to be up before: so the
 * port comes up once, and not with, without and with a carrier, each of which costs the kernel a walk over
 * all ports of the bridge. Throws CniError.
 */
export function raisePort(step: BridgePort, podEnd: PodEnd, machine: Machine, then: Then = () => []): Seen {
  return attempt("bridgePort", step.hostInterface, () => {
    const raise = changeLinkMessage(
      { name: step.hostInterface },
      { up: true },
      `set up interface ${step.hostInterface}`,
    );
    const seen = look(step, podEnd, machine, then, [raise]);
    return isReady(seen) ? seen : awaitEvents(step, podEnd, machine, then);
  });
}

/**
 * The two ends and the bridge, after `changes`. Asking for a link makes the kernel do its pending carrier
 * work first: the bridge gets its carrier so, with its first port, and the pod's end its queue. What is to be
 * done there then goes in the same send.
 */
function look(
  { hostInterface, bridge }: BridgePort,
  podEnd: PodEnd,
  machine: Machine,
  then: Then,
  changes?: Message[],
): Seen {
  const [port, found] = getLinks(machine.links, [{ name: hostInterface }, { name: bridge }], changes);
  if (port === undefined) throw vanished(hostInterface);
  const after = isForwarding(port) ? then({ port, bridge: found }) : [];
  return { port, bridge: found, podEnd: lookIn(podEnd, after) };
}

function lookIn({ links, name }: PodEnd, after: Message[]): Link {
  return attempt("link", name, () => {
    const [got, ...done] = links.transact([getLinkMessage({ name }), ...after]);
    const reply = got?.replies[0];
    if (reply === undefined) throw vanished(name);
    for (const { error } of done) if (error !== undefined) throw error;
    return readLink(reply);
  });
}

function awaitEvents(step: BridgePort, podEnd: PodEnd, machine: Machine, then: Then): Seen {
  using events = NetlinkSocket.open(NETLINK_ROUTE, [RTNLGRP_LINK]);
  const start = monotonicMs();
  for (;;) {
    const seen = look(step, podEnd, machine, then);
    if (isReady(seen)) return seen;
    const { port } = seen;
    const waited = monotonicMs() - start;
    // Somebody keeps the pod's end down. That is not the port's fault.
    if (waited > DISABLED_MS && isForwarding(port)) return seen;
    if (
      waited > FORWARDING_MS ||
      (waited > DISABLED_MS && (port.port?.state ?? BR_STATE_DISABLED) === BR_STATE_DISABLED)
    ) {
      throw notForwarding(step, waited, machine);
    }
    events.waitForEvent("wait for the bridge port", EVENT_MS);
  }
}

/**
 * The port forwards, and pod and host can send: an interface has a queue from the moment that the kernel
 * knows of its carrier.
 */
function isReady({ port, bridge, podEnd }: Seen): boolean {
  return isForwarding(port) && podEnd.operState === IF_OPER_UP && bridge?.operState === IF_OPER_UP;
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
