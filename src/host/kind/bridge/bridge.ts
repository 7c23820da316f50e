// The bridge of a network: made race-free by the kernel's own refusal of a second one, with a MAC that does
// not drift.
import { CniError } from "../../../cni/error.ts";
import { LARGEST_MTU } from "../../../cni/netconf-check.ts";
import { attempt } from "../../../failure/failure.ts";
import { checkIsBridge, type FoundBridge, MACS_FOLLOW, saysMacsFollow } from "../../../look/bridge.ts";
import { verifyVlanFiltering, vlanHint } from "../../../look/vlan-filtering.ts";
import { takesAdvertisements } from "../../../net/advertisement.ts";
import { getLink, type Link } from "../../../net/link.ts";
import { changeLinkMessage, createBridgeMessage, type LinkChange } from "../../../net/link-change.ts";
import { ensureSysctlIfPossible, readSysctl } from "../../../net/sysctl.ts";
import type { BridgeStep } from "../../../plan/step.ts";
import { isErrno } from "../../../sys/errno.ts";
import { curable, type Difference, restorable, shellWord, sysctlCommand } from "../../difference.ts";
import type { Applying, Place, Renewal, StayingKind } from "../../kind.ts";
import type { Node } from "../../node.ts";
import { downBridge, missingBridge } from "../../sentence.ts";
import { closeUnguarded, isUnguarded, unguarded } from "../host-port/localhost.ts";
import { requireVlanFiltering } from "../vlan/filtering.ts";

export const bridge: StayingKind<BridgeStep> = {
  apply: ensureBridge,
  verify: verifyBridge,
  renew: renewBridges,
};

/**
 * The error with which an ADD would refuse the name of a bridge, as things are; undefined when it would not.
 * Changes nothing. Throws SystemError.
 */
export function foreseeBridge(name: string, node: Node): CniError | undefined {
  const link = getLink(node.links, { name });
  try {
    if (link !== undefined) checkIsBridge(name, link);
    return undefined;
  } catch (error) {
    if (error instanceof CniError) return error;
    throw error;
  }
}

/** Makes sure that the bridge is there and up. Another ADD may do so at the same time. */
function ensureBridge(step: BridgeStep, on: Applying): void {
  const { found, mac, mtu } = on.bridgePlan;
  if (found !== undefined) closeUnguarded(found.link, on.node);
  if (found !== undefined && isReady(step, found, on)) {
    on.bridge = { index: found.link.index, mac, mtu };
    return;
  }
  const change = (): void => {
    if (found === undefined) {
      make(step, on);
      on.isFirst = true;
    } else {
      refuseAdvertisements(step.name);
      const ignoring: LinkChange =
        step.ignoresLinkLocal && !found.link.ignoresLinkLocal ? { ignoresLinkLocal: true } : {};
      setUp(step, on.node, [{ ...withoutFalseAlias(on, found.macsFollow), ...ignoring }]);
    }
    // A plain value: of a Link, which reads what is asked for, a copy would have nothing.
    const { index, mac, mtu } = requireBridge(step.name, on.node);
    on.bridge = { index, mac, mtu };
  };
  attempt("bridge", step.name, change, step.filtersVlans ? vlanHint : undefined);
}

function make(step: BridgeStep, on: Applying): void {
  const { mac, mtu, macsFollow } = on.bridgePlan;
  const { name, filtersVlans } = step;
  const [outcome] = on.node.links.transact([createBridgeMessage({ name, mac, vlanFiltering: filtersVlans })]);
  // EEXIST: another ADD was faster, or an ADD was killed after it made the bridge.
  if (outcome?.error !== undefined && !isErrno(outcome.error, "EEXIST")) throw outcome.error;
  const link = requireBridge(name, on.node);
  checkIsBridge(name, link);
  if (filtersVlans) requireVlanFiltering(name, on.node);
  refuseAdvertisements(name);
  // Duplicate detection of the bridge's link-local address is switched off. The kernel asks for neighbours by
  // that address only when it is checked, which takes up to two seconds; until then no packet from outside
  // the node would reach a pod. The address is made of a MAC that no other interface has.
  ensureSysctlIfPossible(`ipv6/conf/${name}/accept_dad`, "0");
  // A bridge that is down and has no alias counts as new: no neighbour knows a pod of it.
  const isNew = macsFollow && !link.up && link.alias === "";
  const alias = isNew ? { alias: MACS_FOLLOW } : withoutFalseAlias(on, saysMacsFollow(link));
  // The MTU is set, not given at creation: only then does the bridge keep it when its ports come and go.
  const isDropped = link.mtu === mtu && !link.up;
  const all: LinkChange = { mtu, ...alias, ignoresLinkLocal: true };
  setUp(step, on.node, [...(isDropped ? [otherMtu(mtu)] : []), all]);
}

/**
 * The change to another MTU that comes before a change to the MTU that a new bridge has. The kernel drops the
 * latter before the bridge hears of it (dev_set_mtu_ext), and a bridge that heard of none follows the
 * smallest of its ports. Larger by a byte where it can be: below 1280 a link loses its settings of IPv6.
 */
function otherMtu(mtu: number): LinkChange {
  return { mtu: mtu === LARGEST_MTU ? mtu - 1 : mtu + 1 };
}

/**
 * The change that takes Pontoon's alias away when it is not true any more. An alias of another program stays.
 */
function withoutFalseAlias({ bridgePlan }: Applying, isThere: boolean): LinkChange {
  return isThere && !bridgePlan.macsFollow ? { alias: "" } : {};
}

/**
 * Makes the interface refuse router advertisements: a router inside a pod could give the host addresses and
 * routes.
 */
export function refuseAdvertisements(name: string): void {
  ensureSysctlIfPossible(`ipv6/conf/${name}/accept_ra`, "0");
}

/**
 * The problem with the bridge; undefined when there is none. Flags that other programs may set (promiscuous,
 * by tcpdump) are no problem.
 */
function verifyBridge(step: BridgeStep, { node }: Place): Difference | string | undefined {
  const { name } = step;
  const link = getLink(node.links, { name });
  if (link === undefined) return missingBridge(name);
  if (link.kind !== "bridge") return `${name} is not a bridge`;
  const lost = lostSetting(step, link);
  if (lost !== undefined && !link.up) return lost;
  if (isUnguarded(link, node)) return restorable(unguarded(name));
  if (lost !== undefined) return lost;
  const unfiltered = step.filtersVlans ? verifyVlanFiltering(name, node.links) : undefined;
  return unfiltered && curable(unfiltered, `ip link set dev ${shellWord(name)} type bridge vlan_filtering 1`);
}

/** The first setting of the bridge that an ADD makes and that was lost; undefined when there is none. */
function lostSetting(
  { name, promiscuous, ignoresLinkLocal }: BridgeStep,
  link: Link,
): Difference | undefined {
  const set = `ip link set dev ${shellWord(name)}`;
  if (!link.up) return restorable(downBridge(name), `${set} up`);
  if (promiscuous && !link.promiscuous)
    return restorable(`bridge ${name} is not promiscuous`, `${set} promisc on`);
  if (isMadeByPontoon(name) && takesAdvertisements(name))
    return restorable(
      `bridge ${name} takes router advertisements, also of pods (net.ipv6.conf.${name}.accept_ra)`,
      sysctlCommand(`ipv6/conf/${name}/accept_ra`, "0"),
    );
  return ignoresLinkLocal && !link.ignoresLinkLocal
    ? restorable(
        `bridge ${name} learns MACs from frames to link-local groups (no_linklocal_learn is off)`,
        `${set} type bridge no_linklocal_learn 1`,
      )
    : undefined;
}

/**
 * True for a bridge without duplicate detection, as Pontoon makes one. An administrator's bridge may listen
 * to the node's router.
 */
function isMadeByPontoon(name: string): boolean {
  return readSysctl(`ipv6/conf/${name}/accept_dad`) === "0";
}

/**
 * Raises bridges that are down, and puts back their settings, those that any of their pods needs. One that is
 * open to localhost without its rules is closed: the restoration of host ports opens it again.
 */
function renewBridges(steps: readonly BridgeStep[], node: Node): Renewal[] {
  const byName = new Map<string, BridgeStep>();
  for (const step of steps) {
    const { name, promiscuous, ignoresLinkLocal } = byName.get(step.name) ?? step;
    byName.set(name, {
      ...step,
      promiscuous: promiscuous || step.promiscuous,
      ignoresLinkLocal: ignoresLinkLocal || step.ignoresLinkLocal,
    });
  }
  return [...byName.values()].map((step) => () => renewBridge(step, node));
}

function renewBridge(step: BridgeStep, node: Node): string | undefined {
  const { name, ignoresLinkLocal } = step;
  const link = getLink(node.links, { name });
  if (link?.kind !== "bridge") return undefined;
  const wasOpen = isUnguarded(link, node);
  if (wasOpen) closeUnguarded(link, node);
  if (lostSetting(step, link) === undefined)
    return wasOpen ? `the node's 127.0.0.1 is closed to pods on ${name} again` : undefined;
  attempt("bridge", name, () => {
    if (isMadeByPontoon(name)) refuseAdvertisements(name);
    setUp(step, node, ignoresLinkLocal ? [{ ignoresLinkLocal: true }] : []);
  });
  return link.up ? `bridge ${name} has its settings again` : `bridge ${name} is up again`;
}

function isReady(step: BridgeStep, found: FoundBridge, { bridgePlan }: Applying): boolean {
  const { link, macsFollow } = found;
  if (!link.up || (step.promiscuous && !link.promiscuous)) return false;
  if (step.ignoresLinkLocal && !link.ignoresLinkLocal) return false;
  return bridgePlan.macsFollow || !macsFollow;
}

/** Makes these changes one after another, in one send, and raises the bridge. */
function setUp({ name, promiscuous }: BridgeStep, node: Node, changes: LinkChange[]): void {
  const last: LinkChange = { up: true, ...(promiscuous ? { promiscuous: true } : {}) };
  const messages = [...changes, last].map((change) =>
    changeLinkMessage({ name }, change, `set up bridge ${name}`),
  );
  node.links.execute(messages);
}

function requireBridge(name: string, node: Node): Link {
  const link = getLink(node.links, { name });
  if (link !== undefined) return link;
  throw new CniError("tryAgainLater", {
    about: `bridge ${name} was deleted meanwhile`,
    hint: "Find out what deletes the bridge, then try again",
  });
}
