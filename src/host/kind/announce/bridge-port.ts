// Raising a bridge port, and waiting until it forwards.
import { CniError } from "../../../cni/error.ts";
import { attempt } from "../../../failure/failure.ts";
import { changeAndGetLinks, getLink, getLinkMessage, Link } from "../../../net/link.ts";
import { changeLinkMessage } from "../../../net/link-change.ts";
import { type Message, NetlinkSocket } from "../../../netlink/socket.ts";
import { NETLINK_ROUTE } from "../../../netlink/uapi/netlink.ts";
import { BR_STATE_FORWARDING, IF_OPER_UP, RTNLGRP_LINK } from "../../../netlink/uapi/rtnetlink.ts";
import type { BridgePort } from "../../../plan/step.ts";
import { monotonicMs } from "../../../sys/clock.ts";
import { present } from "../../link.ts";
import type { Node } from "../../node.ts";

/**
 * The longest time until a port forwards. It comes up within a millisecond; with the spanning tree protocol
 * on it listens and learns for twice the forward delay, at most 30 s each.
 */
const FORWARDING_MS = 62_000;
/** The longest wait for one event. Then the kernel is asked again, since a full socket loses events. */
const EVENT_MS = 250;
/**
 * The longest time in which a port may stay disabled. Without the spanning tree a port comes up soon or
 * never.
 */
const DISABLED_MS = 2_000;
export const BR_STATE_DISABLED = 0;

/** The pod's end of a pair, or a link in its place. */
export interface PodEnd {
  links: NetlinkSocket;
  name: string;
}

/** The host's side as Pontoon found it. A bridge without a MAC of its own may have taken the port's MAC. */
export interface PortSeen {
  port: Link;
  bridge: Link | undefined;
}

interface Seen extends PortSeen {
  podEnd: Link;
}

/** A port to raise. */
export interface Raising {
  port: BridgePort;
  podEnd: PodEnd;
  node: Node;
  /** Gives the changes for the pod when its port forwards. */
  whenForwarding?: (seen: PortSeen) => Message[];
}

/**
 * Raises the host's end and returns when the port forwards and the pod's end sends, on a bridge with the
 * spanning tree protocol after a while; gives the links as they are then. The pod's end has to be up
 * before, so that the port comes up once: each further change of the carrier costs the kernel a walk over all
 * ports of the bridge. Throws CniError.
 */
export function raisePort(raising: Raising): Seen {
  const { hostInterface } = raising.port;
  return attempt("bridgePort", hostInterface, () => {
    const raise = changeLinkMessage(
      { name: hostInterface },
      { up: true },
      `set up interface ${hostInterface}`,
    );
    const seen = look(raising, [raise]);
    return isReady(seen) ? seen : awaitEvents(raising);
  });
}

/** True when the port forwards. */
export function isForwarding(port: Link): boolean {
  return port.operState === IF_OPER_UP && port.port?.state === BR_STATE_FORWARDING;
}

/**
 * The two ends and the bridge, after `changes`. A request for a link makes the kernel do its pending carrier
 * work: so the bridge gets its carrier with its first port, and the pod's end its queue. Changes in the pod
 * then go in the same send.
 */
function look(
  { port: { hostInterface, bridge }, podEnd, node, whenForwarding }: Raising,
  changes: Message[] = [],
): Seen {
  const which = [{ name: hostInterface }, { name: bridge }];
  const [found, master] = changeAndGetLinks(node.links, changes, which);
  const port = present(found, hostInterface);
  const after = isForwarding(port) ? whenForwarding?.({ port, bridge: master }) : undefined;
  return { port, bridge: master, podEnd: lookIn(podEnd, after) };
}

function lookIn({ links, name }: PodEnd, after: Message[] = []): Link {
  return attempt("link", name, () => {
    const [got, ...done] = links.transact([getLinkMessage({ name }), ...after]);
    const reply = present(got?.replies[0], name);
    for (const { error } of done) if (error !== undefined) throw error;
    return new Link(reply);
  });
}

function awaitEvents(raising: Raising): Seen {
  using events = NetlinkSocket.open(NETLINK_ROUTE, [RTNLGRP_LINK]);
  const start = monotonicMs();
  for (;;) {
    const seen = look(raising);
    if (isReady(seen)) return seen;
    const { port } = seen;
    const waited = monotonicMs() - start;
    const isLate = waited > DISABLED_MS;
    // Another program keeps the pod's end down, which is no fault of the port.
    if (isLate && isForwarding(port)) return seen;
    const isDisabled = (port.port?.state ?? BR_STATE_DISABLED) === BR_STATE_DISABLED;
    if (waited > FORWARDING_MS || (isLate && isDisabled)) throw notForwarding(raising, waited);
    events.waitForEvent("wait for the bridge port", EVENT_MS);
  }
}

/**
 * True when the port forwards, and pod and host can send: an interface has a queue from the moment that the
 * kernel knows of its carrier.
 */
function isReady({ port, bridge, podEnd }: Seen): boolean {
  return isForwarding(port) && podEnd.operState === IF_OPER_UP && bridge?.operState === IF_OPER_UP;
}

function notForwarding({ port: { hostInterface, bridge }, node }: Raising, waitedMs: number): CniError {
  const isDown = getLink(node.links, { name: bridge })?.up !== true;
  const cause = `it did not forward within ${Math.round(waitedMs / 1000)} s`;
  return new CniError("bridgePort", {
    about: `${hostInterface} on ${bridge}`,
    cause: isDown ? `${cause}: bridge ${bridge} is down` : cause,
    hint: isDown
      ? `Find out what took ${bridge} down, then run ADD again, which raises it`
      : `Look at "bridge link show dev ${hostInterface}"; switch off the spanning tree protocol on ${bridge} or lower its forward delay`,
  });
}
