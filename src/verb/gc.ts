// GC: removes what belongs to this network but to no attachment that the runtime still knows.
import { attachmentDigest } from "../attachment/name.ts";
import type { AttachmentKey } from "../cni/attachment-key.ts";
import { CniError } from "../cni/error.ts";
import type { GcRequest } from "../cni/request.ts";
import { attempt, collectErrors, sentencesOf } from "../failure/failure.ts";
import { removeStalePortChains } from "../host/kind/host-port/iptables-chain.ts";
import { removeStrayPolicies } from "../host/kind/ingress/ingress.ts";
import { removeStrayChains } from "../host/kind/masquerade/iptables.ts";
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
import { detach } from "./detach.ts";

/** A network that is cleaned up. */
interface Cleanup {
  request: GcRequest;
  node: Node;
  network: string;
  directory: string;
  /** True for an attachment that the runtime does not know, and whose ADD is not running. */
  isStale(key: AttachmentKey): boolean;
  /** True for the digest of such an attachment. */
  isStaleOwner(owner: string): boolean;
  /** The digests of the valid attachments. */
  valid: Set<string>;
  /** Containers of which an attachment was stale. */
  gone: Set<string>;
}

/**
 * Removes records, rules, veths and leases of stale attachments. A foreign IPAM plugin is told of the DEL of
 * each that has a record (none of the reference plugins knows GC, and a DEL of before may have failed), and
 * of the GC. A part that fails does not stop the others; an ADD that is running is left alone. Throws
 * CniError when something stayed, the IPAM plugin's own or code 11 where that is all that failed.
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
  };
}

/** Takes away the stale attachments that have a record, and records that are damaged. */
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
      detach({ key, attachment, bridge: link.bridge.name, directory, releaseForeign }, node);
    }),
    ...unreadable.map((entry) => () => {
      // What a later Pontoon wrote is not this one's to judge.
      if (entry.reason === "damaged" && isStaleOwner(entry.digest)) records.removeDamaged(entry);
    }),
  ];
}

/** Takes away what is found without any record. */
function leftoverParts(cleanup: Cleanup): (() => void)[] {
  const { request, node, network, directory, isStale, isStaleOwner, valid, gone } = cleanup;
  const { bridge, validAttachments, foreignIpam } = request.config;
  const { records } = node;
  const leaving = { network, bridge, owner: "" };
  const known = (): string[] => [
    ...valid,
    ...records.listRecords(network).records.map(({ key }) => attachmentDigest(key)),
  ];
  return [
    // Before the rules that check what comes from them.
    () => removeStalePorts({ network, bridge }, isStale, node),
    () => records.removeStrayMarks(network),
    () => {
      using _lock = openExistingLeaseLock(directory);
      removeStaleElements(network, isStaleOwner, node);
    },
    () => removeStalePortChains(network, known, node),
    () => removeStaleReferenceRules(network, validAttachments, node),
    () => removeStrayChains(leaving, "chains", node),
    () => removeStrayPolicies(leaving, node),
    () => removeStaleIfbs(network, isStale, node),
    () => collectStaleLeases(cleanup),
    () => {
      // A container has one for all its interfaces.
      for (const { containerId } of validAttachments) gone.delete(containerId);
      removeReferenceIfbs(network, gone, node);
    },
    () => delegate(foreignIpam, request, "GC"),
  ];
}

function collectStaleLeases({ request, network, directory, isStale, gone }: Cleanup): void {
  const leases = collectLeases({
    directory,
    valid: request.config.validAttachments,
    keep: ({ containerId, interfaceName }) =>
      interfaceName !== undefined && !isStale({ network, containerId, interfaceName }),
  });
  for (const { owner } of leases) gone.add(owner.containerId);
}

/**
 * Each error once: an IPAM plugin that is not there says so for each attachment, and so does a lock that is
 * held.
 */
function distinct(errors: CniError[]): CniError[] {
  const bySentence = new Map(errors.map((error) => [sentencesOf([error])[0], error]));
  return [...bySentence.values()];
}
