// Host ports by 127.0.0.1: packets of localhost may leave by the gateway's interface (route_localnet), and
// chain guard drops all others with an address in 127.0.0.0/8 that come in there. The setting is of no use
// without the chain, and not safe: where the chain was flushed the setting goes too. The number tells whose
// setting it is: other programs (portmap, kube-proxy) write 1, and what they have opened is left to them.
import { isHostInterface, keyOfAlias } from "../../../attachment/name.ts";
import type { Netconf } from "../../../cni/config.ts";
import { CniError } from "../../../cni/error.ts";
import { attempt } from "../../../failure/failure.ts";
import { getLink } from "../../../net/link.ts";
import { changeLinkMessage } from "../../../net/link-change.ts";
import { listLinks } from "../../../net/link-set.ts";
import { countChainUses, ifThereIsNftables } from "../../../nft/answer.ts";
import { GUARD, PORT_TABLE } from "../../../nft/host-port-layout.ts";
import type { HostPortStep } from "../../../plan/step.ts";
import { needsLocalhost, OPENED_BY_PONTOON } from "../../../ruleset/host-port.ts";
import { PATIENCE_MS } from "../../../sys/flock.ts";
import { type Node, NodeIsLocked } from "../../node.ts";

/** The longest wait for the node's lock, in milliseconds, of a call that has to be quick. */
const SOON_MS = 200;

/** A link, with its setting route_localnet. */
interface Opened {
  routeLocalnet: number;
}

/**
 * Lets connections from 127.0.0.1 leave by the gateway's interface. Chain guard is there already. Throws
 * SystemError.
 */
export function openLocalhost(step: HostPortStep, node: Node): void {
  if (needsLocalhost(step)) routeLocalnet(step.ports.gatewayInterface, node, true);
}

/**
 * Opens the gateways' interfaces of these steps where the setting was lost; gives the names of those that
 * were closed. With `isLook` nothing is changed. Throws SystemError.
 */
export function reopenLocalhost(steps: readonly HostPortStep[], node: Node, isLook = false): string[] {
  const names = new Set(steps.filter(needsLocalhost).map(({ ports }) => ports.gatewayInterface));
  const closed = [...names].filter((name) => getLink(node.links, { name })?.routeLocalnet === 0);
  if (!isLook) for (const name of closed) routeLocalnet(name, node, true);
  return closed;
}

/** The sentence of CHECK about an interface that {@link isUnguarded} is true for. */
export function unguarded(name: string): string {
  return `${name} has route_localnet, and the rules that keep the node's 127.0.0.1 closed to pods are missing`;
}

/**
 * True when Pontoon has let packets of localhost pass an interface and nothing keeps others out. Throws
 * SystemError.
 */
export function isUnguarded({ routeLocalnet }: Opened, node: Node): boolean {
  if (routeLocalnet !== OPENED_BY_PONTOON) return false;
  const rules = ifThereIsNftables(
    () => node.rules,
    (socket) => countChainUses(socket, PORT_TABLE, GUARD.chain),
  );
  return rules !== GUARD.rules;
}

/** A link with its name. */
interface Named extends Opened {
  name: string;
}

/**
 * Closes an interface that Pontoon has opened to localhost and that has no guard: the rules were flushed. An
 * ADD with host ports and a restore put back the rules and then open it again. Takes the node's lock where
 * there is something to close, since rules may come back meanwhile, and waits `timeoutMs` for it. Throws
 * CniError.
 */
export function closeUnguarded(link: Named, node: Node, timeoutMs = PATIENCE_MS): void {
  const { name } = link;
  if (link.routeLocalnet !== OPENED_BY_PONTOON) return;
  attempt("rules", `route_localnet of ${name}`, () => {
    if (!isUnguarded(link, node)) return;
    const close = (): void => {
      if (isUnguarded(link, node)) routeLocalnet(name, node, false);
    };
    node.underLock(close, timeoutMs);
  });
}

/** Does the work of {@link closeUnguarded} for an interface that may be missing. Throws SystemError, too. */
export function closeUnguardedIfThere(name: string, node: Node): void {
  const link = getLink(node.links, { name });
  if (link !== undefined) closeUnguarded(link, node);
}

/**
 * Does the work of {@link closeUnguarded} for the gateway's interface of a network, which may be missing, and
 * for a call that has to be quick; without a bridge for the host's ends of pods. Those are listed when some
 * were opened and there is no guard, so once after a flush. Throws CniError, also where another process holds
 * the node's lock and an interface stays open; and SystemError.
 */
export function closeUnguardedSoon({ gatewayInterface }: Netconf, node: Node): void {
  if (gatewayInterface !== undefined) return closeSoonIfThere(gatewayInterface, node);
  const isFlushed = (): boolean => isUnguarded({ routeLocalnet: OPENED_BY_PONTOON }, node);
  if (!node.opened.isMarked() || !isFlushed()) return;
  for (const { name, alias } of listLinks(node.links, "veth"))
    if (keyOfAlias(alias) !== undefined) closeSoonIfThere(name, node);
  // An ADD that opens an end puts back the guard before, under the lock.
  const forget = (): void => {
    if (isFlushed()) node.opened.forget();
  };
  try {
    node.underLock(forget, SOON_MS);
  } catch (error) {
    if (!(error instanceof NodeIsLocked)) throw error;
  }
}

function closeSoonIfThere(name: string, node: Node): void {
  const link = getLink(node.links, { name });
  if (link === undefined) return;
  try {
    closeUnguarded(link, node, SOON_MS);
  } catch (error) {
    if (!(error instanceof NodeIsLocked)) throw error;
    // The holder of the lock may have put the rules back, or closed the interface.
    const now = getLink(node.links, { name });
    if (now === undefined || !isUnguarded(now, node)) return;
    const { about = "", cause = "" } = error.parts;
    throw new CniError("rules", { ...error.parts, message: unguarded(name), cause: `${about}: ${cause}` });
  }
}

function routeLocalnet(name: string, node: Node, isOpen: boolean): void {
  if (isOpen && isHostInterface(name)) node.opened.mark();
  const what = isOpen ? `let localhost use ${name}` : `keep localhost from ${name}`;
  node.links.execute([changeLinkMessage({ name }, { routeLocalnet: isOpen ? OPENED_BY_PONTOON : 0 }, what)]);
}
