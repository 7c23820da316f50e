// The traces of an attachment that Pontoon has no record of: the record was lost, or the reference plugin
// made the attachment, before the type in the configuration was changed.
import {
  attachmentDigest,
  hostInterfaceName,
  ifbName,
  keyOfAlias,
  referenceIfbName,
} from "../../attachment/name.ts";
import { type AttachmentKey, sameKey } from "../../cni/attachment-key.ts";
import { isInPod, type Result } from "../../cni/result.ts";
import { attempt } from "../../failure/failure.ts";
import type { Address } from "../../ip/address.ts";
import { listAddresses } from "../../net/address.ts";
import { getLink, type Link } from "../../net/link.ts";
import { ifThereIsNftables } from "../../nft/answer.ts";
import { ownerOf } from "../../nft/comment.ts";
import { findElementsOf, removeUnusedChains } from "../../nft/masquerade.ts";
import { removeReferenceSpoofCheck } from "../../nft/reference-spoof-check.ts";
import { listSpoofElementsOf } from "../../nft/spoof-check.ts";
import { findPodEnd, podMacOf } from "../../plan/result.ts";
import { giveBackUnrecorded, type StrayPlace, strayInPod } from "../kind/device/stray.ts";
import { removePortChain } from "../kind/host-port/iptables-chain.ts";
import { removeStrayPolicies } from "../kind/ingress/ingress.ts";
import { removeStrayChains } from "../kind/masquerade/iptables.ts";
import { removeSourceRules } from "../kind/source-routing/source-routing.ts";
import { releaseUnrecorded } from "../kind/wire/release.ts";
import type { FoundRules, Removal } from "../kind.ts";
import type { Node } from "../node.ts";
import type { Pod } from "../pod.ts";
import { removeStrayHostPorts } from "./host-port.ts";
import { removeReferenceRules, type Sources } from "./reference-rules.ts";

/** The known facts about an attachment without a record. */
export interface Unrecorded {
  key: AttachmentKey;
  /** The bridge of the configuration; undefined: the pods of the network are on none. */
  bridge: string | undefined;
  /** The network's pods get devices of the node. */
  hasDevices: boolean;
  pod: Pod | undefined;
  /** The result that the runtime remembers. */
  prevResult: Result | undefined;
  /** Asks for the leases of the container. */
  leases(): LeasedAddress[];
}

/** An address that is leased to the container. */
export interface LeasedAddress {
  address: Address;
  /** The interface of the lease; undefined where the lease does not name it. */
  interfaceName: string | undefined;
}

/**
 * The removals of the attachment, found by its traces: elements are searched through, links are known by
 * their names, and objects of the reference plugin by their names and comments.
 */
export function removalsOfUnrecorded(unrecorded: Unrecorded, node: Node): Removal[] {
  const { key, bridge, pod } = unrecorded;
  const leaving = { network: key.network, bridge, owner: attachmentDigest(key) };
  const afterLinks: (() => void)[] = [
    () => removeHostPorts(key, node),
    () => removeReferenceRules(key, () => sourcesOf(unrecorded), node),
    () => removeStrayChains(leaving, "jumps", node),
    () => removeStrayPolicies(leaving, node),
    () => removeReferenceRulesOfLink(key, pod, node),
    () => {
      if (pod !== undefined) attempt("cleanup", "rules in the pod", () => removeSourceRules(pod));
    },
  ];
  const own: Removal = {
    shut: hostInterfaceName(key),
    rules: () => findRules(key, node),
    links: linksOf(unrecorded),
    release: () => releaseUnrecorded(key, pod, node),
    giveBack: {
      device: key.interfaceName,
      run: () =>
        attempt("cleanup", key.interfaceName, () => giveBackUnrecorded(strayPlaceOf(unrecorded), node)),
    },
  };
  return [own, ...afterLinks.map((action) => ({ afterLinks: action }))];
}

/** Elements that carry the attachment's digest, or name its veth. */
function findRules(key: AttachmentKey, node: Node): FoundRules {
  const owner = attachmentDigest(key);
  const masquerade = findElementsOf(node.rules, owner);
  const spoofCheck = listSpoofElementsOf(node.rules, hostInterfaceName(key));
  const afterwards = (): boolean => {
    removeUnusedChains(node.rules, masquerade, { network: key.network });
    return true;
  };
  return { elements: [...masquerade, ...spoofCheck], isComplete: true, afterwards };
}

function removeHostPorts(key: AttachmentKey, node: Node): void {
  const owner = attachmentDigest(key);
  attempt("cleanup", "host ports", () => {
    removePortChain(owner, node);
    removeStrayHostPorts(key.network, (element) => ownerOf(element) === owner, node);
  });
}

/**
 * The names of the veth and of an ifb, Pontoon's or the reference plugin's. The name of the latter does not
 * hold the interface, so that ifb goes only where the result names it.
 */
function linksOf({ key, prevResult }: Unrecorded): string[] {
  const reference = referenceIfbName(key);
  const isNamed = prevResult?.interfaces.some(({ name }) => name === reference) === true;
  return [hostInterfaceName(key), ifbName(key), ...(isNamed ? [reference] : [])];
}

/**
 * Removes the MAC spoof check of the reference plugin. Its name holds neither network nor pod, so it stays
 * while the pod has an interface of that name, which belongs to another network. Throws CniError.
 */
function removeReferenceRulesOfLink(
  { containerId, interfaceName }: AttachmentKey,
  pod: Pod | undefined,
  node: Node,
): void {
  attempt("cleanup", "packet rules", () => {
    const isThere =
      pod !== undefined && !pod.isHost && getLink(pod.links, { name: interfaceName }) !== undefined;
    if (isThere) return;
    ifThereIsNftables(
      () => node.rules,
      (rules) => removeReferenceSpoofCheck(rules, containerId, interfaceName),
    );
  });
}

/**
 * The MAC of the attachment's interface in the pod; undefined where nothing proves that it is this
 * attachment's. Neither its name nor the MAC of the result do: the path may lead to another pod by now, and a
 * MAC follows from an address, which may be that pod's. Throws CniError and SystemError.
 */
export function findUnrecordedMac(unrecorded: Unrecorded, node: Node): string | undefined {
  const { key, pod, prevResult } = unrecorded;
  const link = pod && getLink(pod.links, { name: key.interfaceName });
  if (pod === undefined || link === undefined || isDevice(unrecorded)) return undefined;
  const told = podMacOf(prevResult, key.interfaceName);
  if (told !== undefined && told !== link.mac) return undefined;
  return isPeerOurs(unrecorded, link, node) || hasLease(unrecorded, pod, link) ? link.mac : undefined;
}

/** True for an interface that may be a device of the node's, which nothing may delete. */
function isDevice(unrecorded: Unrecorded): boolean {
  return unrecorded.hasDevices || strayInPod(strayPlaceOf(unrecorded)) !== undefined;
}

function strayPlaceOf(unrecorded: Unrecorded): StrayPlace {
  const { key, pod, hasDevices, prevResult } = unrecorded;
  const told = podMacOf(prevResult, key.interfaceName);
  const isProven = (link: Link, place: Pod): boolean =>
    told === undefined ? hasLease(unrecorded, place, link) : told === link.mac;
  return { key, pod, hasDevices, isProven };
}

/**
 * True when the host's end of the pair is the attachment's: its alias names the attachment, or, as ends of
 * the reference plugin have no alias, its name is that of the result, which the plugin made by chance.
 */
function isPeerOurs({ key, prevResult }: Unrecorded, link: Link, node: Node): boolean {
  const peer = getLink(node.links, { index: link.otherEnd });
  if (peer?.kind !== "veth" || peer.otherEnd !== link.index) return false;
  if (peer.alias === "")
    return prevResult?.interfaces.some((each) => !isInPod(each) && each.name === peer.name) === true;
  const named = keyOfAlias(peer.alias);
  return named !== undefined && sameKey(named, key);
}

/** True when an address of the interface is leased to the attachment. */
function hasLease({ key, leases }: Unrecorded, pod: Pod, link: Link): boolean {
  const leased = ownLeases(leases(), key);
  const isLeased = ({ family, value }: Address): boolean =>
    leased.some(({ address }) => address.family === family && address.value === value);
  return listAddresses(pod.links, link.index).some(({ prefix }) => isLeased(prefix.address));
}

/**
 * The addresses with rules of this attachment, in the chain that all interfaces of a container share. The
 * result names them; else the leases do: the attachment's own, or all but those of other interfaces. Where
 * neither names any, the list is empty, and GC removes the chain with the container.
 */
function sourcesOf({ key, prevResult, leases: ask }: Unrecorded): Sources {
  const ips = (prevResult && findPodEnd(prevResult, key.interfaceName)?.ips) ?? [];
  if (ips.length > 0) return { only: ips.map(({ address }) => address.address) };
  const leases = ask();
  const leased = ownLeases(leases, key);
  if (leased.length > 0 || leases.length === 0) return { only: leased.map(({ address }) => address) };
  return { except: leases.map(({ address }) => address) };
}

/** The attachment's leases. A lease that does not name its interface counts as this attachment's. */
function ownLeases(leases: LeasedAddress[], key: AttachmentKey): LeasedAddress[] {
  return leases.filter(({ interfaceName = key.interfaceName }) => interfaceName === key.interfaceName);
}
