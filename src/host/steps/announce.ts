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

/** A port of a bridge, and the MAC that the bridge has now that the port is in: one that nobody chose may have become the port's. */
interface Seen {
  port: Link;
  bridgeMac: string | undefined;
}

/** Raises the port, waits until it forwards, then lets the kernel announce the pod's addresses. Gives the bridge's final MAC. */
export function announce(step: AnnounceStep, machine: Machine): string | undefined {
  const bridgeMac = raisePort(step, machine);
  if (step.addresses.length === 0) return bridgeMac;
  // Setting the MAC, the same one too, makes the kernel send gratuitous ARP (arp_notify) and neighbour advertisements (ndisc_notify).
  const again = changeLinkMessage({ name: step.interfaceName }, { mac: step.mac }, `announce ${step.interfaceName} in the pod`);
  attempt("link", step.interfaceName, () => machine.pod.links.execute([again]));
  return bridgeMac;
}

/** What is wrong with the port, or undefined. */
export function verifyAnnounced(step: AnnounceStep, machine: Machine): string | undefined {
  const [port] = getLinks(machine.links, [{ name: step.hostInterface }]);
  return port === undefined || isForwarding(port) ? undefined : `${step.hostInterface} does not forward on bridge ${step.bridge}`;
}

/**
 * Raises the host's end and returns when the port forwards, on a bridge with the spanning tree protocol after a while; gives the
 * bridge's MAC. The pod's end has to be up before: so the port comes up once, and not with, without and with a carrier, each
 * of which costs the kernel a walk over all ports of the bridge. Throws CniError.
 */
export function raisePort(step: BridgePort, machine: Machine): string | undefined {
  return attempt("bridgePort", step.hostInterface, () => {
    const raise = changeLinkMessage({ name: step.hostInterface }, { up: true }, `set up interface ${step.hostInterface}`);
    const { port, bridgeMac } = look(step, machine, [raise]);
    return isForwarding(port) ? bridgeMac : awaitEvents(step, machine);
  });
}

/**
 * The port and the bridge, after `changes`. Asking for a link makes the kernel do its pending carrier work first. The bridge
 * is asked too: it gets its carrier with its first port.
 */
function look(step: BridgePort, machine: Machine, changes?: Message[]): Seen {
  const [port, bridge] = getLinks(machine.links, [{ name: step.hostInterface }, { name: step.bridge }], changes);
  if (port !== undefined) return { port, bridgeMac: bridge?.mac };
  throw vanished(step.hostInterface);
}

function awaitEvents(step: BridgePort, machine: Machine): string | undefined {
  using events = NetlinkSocket.open(NETLINK_ROUTE, [RTNLGRP_LINK]);
  const start = monotonicMs();
  for (;;) {
    const { port, bridgeMac } = look(step, machine);
    if (isForwarding(port)) return bridgeMac;
    const waited = monotonicMs() - start;
    if (waited > FORWARDING_MS || (waited > DISABLED_MS && (port.port?.state ?? BR_STATE_DISABLED) === BR_STATE_DISABLED)) {
      throw notForwarding(step, waited, machine);
    }
    events.waitForEvent("wait for the bridge port", EVENT_MS);
  }
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
