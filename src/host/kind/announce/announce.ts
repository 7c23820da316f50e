// The last part of an ADD: the port forwards, and every neighbour that knew an older owner of an address
// hears of the new one at once.

import { attempt } from "../../../failure/failure.ts";
import { hasFamily } from "../../../ip/prefix.ts";
import { saysMacsFollow } from "../../../look/bridge.ts";
import { getLink, getLinks, type Link } from "../../../net/link.ts";
import { changeLinkMessage } from "../../../net/link-change.ts";
import { BR_STATE_FORWARDING } from "../../../netlink/uapi/rtnetlink.ts";
import type { AnnounceStep } from "../../../plan/step.ts";
import { readText } from "../../../sys/file.ts";
import { curable, type Difference, shellWord } from "../../difference.ts";
import type { Applying, Place, Renewal, StepKind } from "../../kind.ts";
import type { Node } from "../../node.ts";
import { shutPort } from "../../shut.ts";
import { takeAlias } from "../bridge/macs-follow.ts";
import { awaitVlanGateway } from "../vlan/vlan-gateway.ts";
import { BR_STATE_DISABLED, isForwarding, raisePort } from "./bridge-port.ts";

export const announce: StepKind<AnnounceStep> = {
  apply: announceAddresses,
  verify: verifyAnnounced,
  renew: raiseAgain,
};

/**
 * The most ports for a plain announcement: the kernel sends it to so many pods in a third of a millisecond.
 */
const FEW_PORTS = 100;

/**
 * Raises the port, waits until it forwards, and lets the kernel announce the pod's addresses; on a crowded
 * bridge only to neighbours that may know older owners of them by another MAC
 * (docs/decisions/0012-mac-of-an-address.md). Notes the bridge's final MAC.
 */
function announceAddresses(step: AnnounceStep, on: Applying): void {
  const { interfaceName: name, mac } = step;
  // A set MAC, even if it stays equal, makes the kernel send gratuitous ARP (arp_notify) and neighbour
  // advertisements (ndisc_notify).
  const again = changeLinkMessage({ name }, { mac }, `announce ${name} in the pod`);
  const podEnd = { links: on.pod.links, name };
  const { bridge } = raisePort({
    port: step,
    podEnd,
    node: on.node,
    whenForwarding(seen) {
      // The alias is read only now: another pod may have taken it away since this ADD was planned.
      const follows =
        seen.bridge !== undefined && saysMacsFollow(seen.bridge) && stillFollows(seen.bridge, on);
      return isNeeded(step, seen.port, follows) ? [again] : [];
    },
  });
  if (bridge !== undefined) on.bridge = { ...on.bridge, mac: bridge.mac };
  if (on.vlanGateway !== undefined) awaitVlanGateway(on.vlanGateway, on.node);
}

/** True when this pod's MAC follows its addresses too. Otherwise takes the alias from the bridge. */
function stillFollows(bridge: Link, on: Applying): boolean {
  if (on.bridgePlan.macsFollow && !hasOtherLink(on)) return true;
  takeAlias(bridge, on.node);
  return false;
}

/**
 * True when the pod's addresses must be announced. Only an IPv4 pod on a crowded bridge can do without, if
 * all MACs of the bridge have followed the addresses and no switch behind it learns by frames.
 */
function isNeeded({ addresses, goesBeyond }: AnnounceStep, { port }: Link, follows: boolean): boolean {
  if (addresses.length === 0) return false;
  return !follows || goesBeyond || (port?.number ?? 0) <= FEW_PORTS || hasFamily(addresses, 6);
}

/** The index of the first link in a namespace, behind lo. */
const FIRST_INDEX = 2;
/**
 * The parts of /proc/net/dev between line ends with two links: two lines of heading, two links, an empty end.
 */
const LINES_OF_TWO = 5;

/**
 * True for a pod with another interface, by whose MAC it may answer for this interface's address
 * (net.ipv4.conf.*.arp_ignore 0). A list by netlink takes half a millisecond more.
 */
function hasOtherLink({ pod, podIndex }: Applying): boolean {
  return (
    podIndex !== FIRST_INDEX &&
    pod.inside(() => readText("/proc/thread-self/net/dev")).split("\n").length > LINES_OF_TWO
  );
}

/**
 * Raises ports that are down and where they belong: on their bridge, behind their settings. One that a DEL
 * has shut stays shut: the DEL leaves its mark before it shuts the port, so one of the two sees the other.
 */
function raiseAgain(steps: readonly AnnounceStep[], node: Node): Renewal[] {
  const { links, records } = node;
  return steps.map(({ key, hostInterface: name, bridge }) => () => {
    const [port, master] = getLinks(links, [{ name }, { name: bridge }]);
    if (port === undefined || port.up || master === undefined || port.master !== master.index)
      return undefined;
    if (!records.isComplete(key)) return undefined;
    attempt("bridgePort", name, () =>
      links.execute([changeLinkMessage({ name }, { up: true }, `set up interface ${name}`)]),
    );
    if (records.isComplete(key)) return `${name} is up again`;
    shutPort(name, node);
    return undefined;
  });
}

/** The problem with the port; undefined when there is none. */
function verifyAnnounced(
  { hostInterface: name, bridge }: AnnounceStep,
  { node }: Place,
): Difference | string | undefined {
  const port = getLink(node.links, { name });
  if (port === undefined || isForwarding(port)) return undefined;
  const sentence = `${name} does not forward on bridge ${bridge}`;
  // What else keeps a port from forwarding is the spanning tree's, or a link that is down.
  const isSwitchedOff = port.up && port.hasCarrier && port.port?.state === BR_STATE_DISABLED;
  return isSwitchedOff
    ? curable(sentence, `bridge link set dev ${shellWord(name)} state ${BR_STATE_FORWARDING}`)
    : sentence;
}
