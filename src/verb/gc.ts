// GC: removes objects of this network that belong to no attachment on the runtime's list.
import type { Attachment } from "../attachment/attachment.ts";
import { bridgeOf } from "../attachment/link.ts";
import { attachmentDigest } from "../attachment/name.ts";
import type { AttachmentKey } from "../cni/attachment-key.ts";
import { CniError } from "../cni/error.ts";
import type { GcRequest } from "../cni/request.ts";
import { attempt, collectErrors, sentencesOf } from "../failure/failure.ts";
import { giveBackStale } from "../host/kind/device/stray.ts";
import { removeStalePortChains } from "../host/kind/host-port/iptables-chain.ts";
import { removeStrayPolicies } from "../host/kind/ingress/ingress.ts";
import { removeStrayChains } from "../host/kind/masquerade/iptables.ts";
import { removeStrayFreeEnd } from "../host/kind/wire/release.ts";
import type { Node } from "../host/node.ts";
import {
  removeReferenceIfbs,
  removeStaleElements,
  removeStaleIfbs,
  removeStalePorts,
} from "../host/stranger/leftover.ts";
import { removeStaleReferenceRules } from "../host/stranger/reference-rules.ts";
import { collectLeases } from "../ipam/collect.ts";
import { delegate, foreignIpamOf, passOn } from "../ipam/delegate.ts";
import { openExistingLeaseLock } from "../ipam/lease-lock.ts";
import { hasTenants, restoreLostLeases } from "../ipam/lost-lease.ts";
import { detach } from "../teardown/detach.ts";

/** A network, with the sets of its valid and stale attachments. */
interface Cleanup {
  request: GcRequest;
  node: Node;
  network: string;
  directory: string;
  /** True for an attachment that is not on the runtime's list, and has no running ADD. */
  isStale(key: AttachmentKey): boolean;
  /** True for the digest of a stale attachment. */
  isStaleOwner(owner: string): boolean;
  /** The digests of the valid attachments. */
  valid: Set<string>;
  /** The containers with a stale attachment. */
  gone: Set<string>;
  /** True when rules or links may have stayed that point at addresses; of whom is not known. */
  pointersMayStay: boolean;
}

/**
 * Removes records, rules, veths and leases of stale attachments, and goes on when a part fails; an ADD that
 * is running is left alone. An address is free only when nothing points at it, so leases stay where rules may
 * have stayed. A foreign IPAM plugin gets a DEL for each stale attachment with a record (no
 * reference plugin does anything at a GC, and an earlier DEL may have failed), and then the GC. Throws
 * CniError when a part stayed: the IPAM plugin's own or code 11 where that is the only failure.
 */
export function gc(request: GcRequest, node: Node): void {
  const cleanup = cleanupOf(request, node);
  const errors = distinct(collectErrors([...recordParts(cleanup), ...leftoverParts(cleanup)]));
  if (errors.length === 0) return;
  passOn(errors);
  throw new CniError("cleanup", {
    about: `network ${cleanup.network} still has leftovers`,
    cause: sentencesOf(errors).join("; "),
    hint: "Send GC again when the cause is gone",
  });
}

function cleanupOf(request: GcRequest, node: Node): Cleanup {
  const { name: network, dataDir, validAttachments } = request.config;
  const { records } = node;
  const valid = new Set(validAttachments.map((owner) => attachmentDigest({ network, ...owner })));
  return {
    request,
    node,
    network,
    directory: `${dataDir}/${network}`,
    isStale: (key) => !valid.has(attachmentDigest(key)) && !records.isAddRunning(key),
    isStaleOwner: (owner) => !valid.has(owner) && !records.isAddOfDigestRunning(network, owner),
    valid,
    gone: new Set(),
    pointersMayStay: false,
  };
}

/** Removes the stale attachments that have a record, and records that are damaged. */
function recordParts({
  request,
  node,
  network,
  directory,
  isStale,
  isStaleOwner,
  gone,
}: Cleanup): (() => void)[] {
  const { config } = request;
  const { records } = node;
  const { records: all, unreadable } = attempt("recordStore", network, () => records.listRecords(network));
  return [
    ...all.map((attachment) => () => {
      const { key, link } = attachment;
      if (!isStale(key)) return;
      gone.add(key.containerId);
      const call = { ...request, onBehalfOf: key };
      const releaseForeign = (): void => delegate(foreignIpamOf(attachment, config), call, "DEL");
      const hasDevices = config.attach === "device";
      detach({ key, attachment, bridge: bridgeOf(link), directory, hasDevices, releaseForeign }, node);
    }),
    ...unreadable.map((entry) => () => {
      // A record of a later Pontoon is left alone.
      if (entry.reason === "damaged" && isStaleOwner(entry.digest)) records.removeDamaged(entry);
    }),
  ];
}

/** Removes objects that are found without any record. */
function leftoverParts(cleanup: Cleanup): (() => void)[] {
  const { request, node, network, directory, isStale, isStaleOwner, valid, gone } = cleanup;
  const { bridge, validAttachments, foreignIpam } = request.config;
  const { records } = node;
  const leaving = { network, bridge, owner: "" };
  const listed = validAttachments.map((owner) => ({ network, ...owner }));
  const known = (): string[] => [
    ...valid,
    ...records.listRecords(network).records.map(({ key }) => attachmentDigest(key)),
  ];
  return [
    // Ports go before the rules that check their frames.
    pointing(cleanup, () => removeStalePorts(network, isStale, node)),
    () => records.removeStrayMarks(network),
    pointing(cleanup, () => {
      using _lock = openExistingLeaseLock(directory);
      removeStaleElements(network, isStaleOwner, node);
    }),
    () => removeStalePortChains(network, known, node),
    pointing(cleanup, () => removeStaleReferenceRules(network, validAttachments, node)),
    () => removeStrayChains(leaving, "chains", node),
    () => removeStrayPolicies(leaving, node),
    () => removeStaleIfbs(network, isStale, node),
    () => removeStrayFreeEnd({ network, isValid: (key) => !isStale(key), valid: listed }, node),
    () => {
      if (request.config.attach === "device") giveBackStale(network, listed, node);
    },
    () => collectStaleLeases(cleanup),
    () => {
      // A container has one ifb of the reference plugin for all its interfaces.
      for (const { containerId } of validAttachments) gone.delete(containerId);
      removeReferenceIfbs(network, gone, node);
    },
    () => delegate(foreignIpam, request, "GC"),
  ];
}

/**
 * A part that removes what points at addresses. These parts find what a detach left, too, so they alone say
 * whether leases may go.
 */
function pointing(cleanup: Cleanup, action: () => void): () => void {
  return () => {
    try {
      action();
    } catch (error) {
      cleanup.pointersMayStay = true;
      throw error;
    }
  };
}

function collectStaleLeases(cleanup: Cleanup): void {
  const { request, node, network, directory, isStale, gone, pointersMayStay } = cleanup;
  if (pointersMayStay) return;
  const { records } = node;
  const hasLink = (attachment: Attachment): boolean => node.hasLink(attachment);
  const lost = { records, network, directory, hasLink };
  const leases = collectLeases({
    directory,
    valid: request.config.validAttachments,
    keep: ({ containerId, interfaceName }) =>
      interfaceName !== undefined && !isStale({ network, containerId, interfaceName }),
    restore: () => void restoreLostLeases(lost),
    hasTenants: () => hasTenants(lost),
  });
  for (const { owner } of leases) gone.add(owner.containerId);
}

/**
 * Each error once: a missing IPAM plugin gives an equal error for each attachment, and so does a lock that is
 * held.
 */
function distinct(errors: CniError[]): CniError[] {
  const bySentence = new Map(errors.map((error) => [sentencesOf([error])[0], error]));
  return [...bySentence.values()];
}
