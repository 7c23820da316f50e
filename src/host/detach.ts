// Takes an attachment off the machine: packet rules first, then the veth. Every part is tried, whatever
// happens to the others.
import { needsIfb } from "../cni/bandwidth.ts";
import type { Result } from "../cni/result.ts";
import type { Address } from "../ip/address.ts";
import { parsePrefixes } from "../ip/prefix.ts";
import { getLink, macBytes } from "../net/link.ts";
import { changeLinkMessage, removeLink } from "../net/link-change.ts";
import { deleteTogether } from "../net/link-set.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import { ifThereIsNftables } from "../nft/answer.ts";
import { deleteElements } from "../nft/element.ts";
import { networkChain } from "../nft/layout.ts";
import { type ChainTraces, findElements, removeUnusedChains } from "../nft/masquerade.ts";
import { removeReferenceSpoofCheck } from "../nft/reference-spoof-check.ts";
import { findSpoofElements, SPOOF_CHECK_ELEMENTS } from "../nft/spoof-check.ts";
import type { AttachmentKey, AttachmentRecord } from "../record/attachment.ts";
import { attachmentDigest, hostInterfaceName, ifbName, referenceIfbName } from "../record/digest.ts";
import { isErrno, SystemError } from "../sys/errno.ts";
import { attempt } from "./failure.ts";
import { removeHostPortsOf } from "./host-port-removal.ts";
import type { Machine, Pod } from "./machine.ts";
import { forgetMacsFollow } from "./steps/bridge.ts";
import { removeSourceRules } from "./steps/source-routing.ts";

/**
 * Removes the attachment's own packet rules; those of its network in iptables are a matter of their own
 * (network-chains.ts). Hold the lock of its lease directory. Without a record all elements are looked
 * through. False when fewer were there than the record tells of: the table was lost, and an ADD that puts it
 * back may just have read that record; then look again when the veth has gone.
 */
export function removeRules(
  key: AttachmentKey,
  record: AttachmentRecord | undefined,
  bridge: string,
  machine: Machine,
): boolean {
  let complete = true;
  try {
    complete = removeOwnRules(key, record, bridge, machine);
  } finally {
    if (record === undefined || record.hostPorts !== undefined)
      complete = removeHostPortsOf(key, record, machine) && complete;
  }
  return complete;
}

/**
 * Takes the host's end of an attachment down whose frames are checked, or may be: the check goes before the
 * link does, and nothing is to pass meanwhile. In this order the kernel cleans up after the rules while it
 * waits for the link. Throws CniError.
 */
export function shutPort(key: AttachmentKey, record: AttachmentRecord | undefined, machine: Machine): void {
  if (record !== undefined && record.spoofCheck !== true) return;
  const name = hostInterfaceName(key);
  attempt("cleanup", name, () => {
    const [outcome] = machine.links.transact([
      changeLinkMessage({ name }, { up: false }, `take interface ${name} down`),
    ]);
    if (outcome?.error !== undefined && !isErrno(outcome.error, "ENODEV")) throw outcome.error;
  });
}

function removeOwnRules(
  key: AttachmentKey,
  record: AttachmentRecord | undefined,
  bridge: string,
  machine: Machine,
): boolean {
  const isMasqueraded =
    record === undefined ||
    (record.masqueradeSubnets !== undefined && record.masqueradeBackend === undefined);
  const isChecked = record === undefined || record.spoofCheck === true;
  if (!isMasqueraded && !isChecked) return true;
  const addresses: Address[] | undefined =
    record && parsePrefixes(record.addresses).map(({ address }) => address);
  const remove = (rules: NetlinkSocket): boolean => {
    const traces = {
      owner: attachmentDigest(key),
      bridge: record?.gatewayInterface ?? record?.bridge ?? bridge,
      addresses,
    };
    const masquerade = isMasqueraded ? findElements(rules, traces) : [];
    const spoofCheck = isChecked
      ? findSpoofElements(rules, hostInterfaceName(key), record && macBytes(record.mac))
      : [];
    deleteElements(rules, [...masquerade, ...spoofCheck]);
    if (isMasqueraded) removeUnusedChains(rules, masquerade, chainsOf(key, record));
    if (addresses === undefined) return true;
    return (
      (!isMasqueraded || masquerade.length >= addresses.length) &&
      (!isChecked || spoofCheck.length === SPOOF_CHECK_ELEMENTS)
    );
  };
  // What is recorded was there, and so was nftables.
  return attempt("cleanup", "packet rules", () =>
    record === undefined ? (ifThereIsNftables(() => machine.rules, remove) ?? true) : remove(machine.rules),
  );
}

function chainsOf(key: AttachmentKey, record: AttachmentRecord | undefined): ChainTraces {
  const subnets = record?.masqueradeSubnets;
  return subnets === undefined
    ? { network: key.network }
    : { chain: networkChain(key.network, parsePrefixes(subnets)).name };
}

/**
 * Removes the veth pair and the ifb, by the names that the key gives them. When that is gone but the pod
 * still has an interface with the MAC that we gave it (somebody renamed the host's end), that one goes. Any
 * other interface of the pod is left alone.
 */
export function removeLinks(
  key: AttachmentKey,
  record: AttachmentRecord | undefined,
  mac: string | undefined,
  pod: Pod | undefined,
  machine: Machine,
  prevResult?: Result,
): void {
  attempt("cleanup", hostInterfaceName(key), () => {
    if (deleteLinks(key, record, machine, prevResult)) return;
    if (pod === undefined || pod.isHost || mac === undefined) return;
    const link = getLink(pod.links, { name: key.interfaceName });
    if (link === undefined || link.kind !== "veth" || link.mac !== mac) return;
    removeLink(pod.links, { index: link.index });
  });
}

/**
 * Removes the MAC spoof check that the reference plugin made for an attachment without a record. Its name
 * holds neither network nor pod, so it stays for as long as the pod has an interface of that name: that one
 * is another network's. Throws CniError.
 */
export function removeReferenceRulesOfLink(
  { containerId, interfaceName }: AttachmentKey,
  pod: Pod | undefined,
  machine: Machine,
): void {
  attempt("cleanup", "packet rules", () => {
    if (pod !== undefined && !pod.isHost && getLink(pod.links, { name: interfaceName }) !== undefined) return;
    ifThereIsNftables(
      () => machine.rules,
      (rules) => removeReferenceSpoofCheck(rules, containerId, interfaceName),
    );
  });
}

/**
 * Removes what source based routing left in the pod, whose interface is gone. A pod that nobody named is the
 * one of the record, if it lives.
 */
export function removePodRules(
  record: AttachmentRecord | undefined,
  pod: Pod | undefined,
  machine: Machine,
): void {
  if (record !== undefined && record.sourceRouting !== true) return;
  attempt("cleanup", "rules in the pod", () => {
    if (pod !== undefined) return removeSourceRules(pod);
    if (record === undefined) return;
    using named = openIfThere(record, machine);
    if (named !== undefined) removeSourceRules(named);
  });
}

function openIfThere({ namespace }: AttachmentRecord, machine: Machine): Pod | undefined {
  try {
    const pod = machine.openPod(namespace.path);
    if (pod.links.namespaceCookie === namespace.cookie) return pod;
    pod[Symbol.dispose]();
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
  }
  return undefined;
}

/** Rules and link of an attachment that died, before its address is free again. Throws what fails. */
export function discardDead(record: AttachmentRecord, machine: Machine): void {
  removeRules(record.key, record, record.bridge, machine);
  deleteLinks(record.key, record, machine);
  // Nobody can tell any more what its MAC was in the end.
  forgetMacsFollow(record.bridge, machine);
}

/**
 * False when the veth pair was not there. Without a record there may be an ifb, ours or the reference
 * plugin's. That one's name does not hold the interface, so it goes only where the result names it.
 */
function deleteLinks(
  key: AttachmentKey,
  record: AttachmentRecord | undefined,
  machine: Machine,
  prevResult?: Result,
): boolean {
  const veth = hostInterfaceName(key);
  if (record !== undefined && (record.bandwidth === undefined || !needsIfb(record.bandwidth)))
    return removeLink(machine.links, { name: veth });
  const ifbs = [ifbName(key)];
  if (
    record === undefined &&
    prevResult?.interfaces.some(({ name }) => name === referenceIfbName(key)) === true
  )
    ifbs.push(referenceIfbName(key));
  return deleteTogether(machine.links, [veth, ...ifbs], groupOf(key))[0] === true;
}

/** Numbers of the upper half, which nobody gives by hand. */
function groupOf(key: AttachmentKey): number {
  return 2 ** 31 + Number.parseInt(attachmentDigest(key).slice(0, 7), 16);
}
