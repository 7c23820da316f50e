// GC: removes what belongs to this network but to no attachment that the runtime still knows.
import { CniError } from "../cni/error.ts";
import type { GcRequest } from "../cni/request.ts";
import { attempt, collectErrors, sentencesOf } from "../host/failure.ts";
import { removeStalePortChains } from "../host/host-port-chains.ts";
import { removeUnneededPolicies } from "../host/ingress-need.ts";
import { listPortsLike, listReferenceIfbs, listStaleIfbs, removeStaleElements } from "../host/leftover.ts";
import type { Machine } from "../host/machine.ts";
import { removeUnneededChains } from "../host/network-chains.ts";
import { removeStaleReferenceRules } from "../host/reference-rules.ts";
import { collectLeases } from "../ipam/collect.ts";
import { openExistingLeaseLock } from "../ipam/lease-lock.ts";
import { removeLink } from "../net/link-change.ts";
import type { AttachmentKey } from "../record/attachment.ts";
import { attachmentDigest } from "../record/digest.ts";
import { openRecordStore } from "../record/store.ts";
import { detach } from "./del.ts";
import { delegate, foreignIpamOf, passOn } from "./delegate.ts";

/**
 * Removes records, rules, veths and leases of stale attachments. A foreign IPAM plugin is told of the DEL of
 * each that has a record (none of the reference plugins knows GC, and a DEL of before may have failed), and
 * of the GC. One that fails does not stop the others; an ADD that is running is left alone. Throws CniError
 * when something stayed, the IPAM plugin's own or code 11 where that is all that failed.
 */
export function gc(request: GcRequest, machine: Machine): void {
  const { config } = request;
  const { name: network, validAttachments } = config;
  const directory = `${config.dataDir}/${network}`;
  const records = openRecordStore();
  const valid = new Set(validAttachments.map((owner) => attachmentDigest({ network, ...owner })));
  const isStale = (key: AttachmentKey): boolean =>
    !valid.has(attachmentDigest(key)) && !records.isAddRunning(key);
  const isStaleOwner = (owner: string): boolean =>
    !valid.has(owner) && !records.isAddOfDigestRunning(network, owner);

  /** Containers of which an attachment was stale. */
  const gone = new Set<string>();

  const { records: all, unreadable } = attempt("recordStore", network, () => records.listRecords(network));
  const errors = distinct(
    collectErrors([
      ...all.map((record) => () => {
        const releaseForeign = (): void =>
          delegate(foreignIpamOf(record, config), request, "DEL", record.key);
        if (!isStale(record.key)) return;
        gone.add(record.key.containerId);
        detach(
          { key: record.key, record, records, bridge: record.bridge, directory, releaseForeign },
          machine,
        );
      }),
      ...unreadable.map((entry) => () => {
        // What a later Pontoon wrote is not ours to judge.
        if (entry.reason === "damaged" && isStaleOwner(entry.digest)) records.removeDamaged(entry);
      }),
      // Before the rules that check what comes from them.
      () => {
        for (const name of listPortsLike(network, config.bridge, isStale, machine))
          removeLink(machine.links, { name });
      },
      () => records.removeMarksOfNobody(network),
      () => {
        using _lock = openExistingLeaseLock(directory);
        removeStaleElements(network, isStaleOwner, machine);
      },
      () =>
        removeStalePortChains(
          network,
          () => [...valid, ...records.listRecords(network).records.map(({ key }) => attachmentDigest(key))],
          machine,
        ),
      () => removeStaleReferenceRules(network, validAttachments, machine),
      () => removeUnneededChains({ network, bridge: config.bridge, except: "" }, "chains", machine),
      () => removeUnneededPolicies({ network, bridge: config.bridge, owner: "" }, machine),
      () => {
        for (const name of listStaleIfbs(network, isStale, machine)) removeLink(machine.links, { name });
      },
      () => {
        const leases = collectLeases({
          directory,
          valid: validAttachments,
          keep: ({ containerId, interfaceName }) =>
            interfaceName !== undefined && !isStale({ network, containerId, interfaceName }),
        });
        for (const { owner } of leases) gone.add(owner.containerId);
      },
      () => {
        // A container has one for all its interfaces.
        for (const { containerId } of validAttachments) gone.delete(containerId);
        for (const name of listReferenceIfbs(network, gone, machine)) removeLink(machine.links, { name });
      },
      () => delegate(config.foreignIpam, request, "GC"),
    ]),
  );
  if (errors.length === 0) return;
  passOn(errors);
  throw new CniError("cleanup", {
    about: `network ${network} still has leftovers`,
    cause: sentencesOf(errors).join("; "),
    hint: "Send GC again when the cause is gone",
  });
}

/**
 * A foreign IPAM plugin that is not there says so for each attachment, and so does a lock that is not to be
 * had.
 */
function distinct(errors: CniError[]): CniError[] {
  const bySentence = new Map(errors.map((error) => [sentencesOf([error])[0], error]));
  return [...bySentence.values()];
}
