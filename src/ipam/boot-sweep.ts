// The sweep after a reboot: no pod of an earlier boot is alive, and no runtime says so. host-local keeps such
// leases for ever.
import { type Attachment, type HostIdentity, sameHost } from "../attachment/attachment.ts";
import { attachmentDigest } from "../attachment/name.ts";
import { markBootSwept, type Swept } from "../record/boot-marker.ts";
import type { UnreadableRecord } from "../record/record-file.ts";
import { removeFile } from "../sys/file.ts";
import { listLeases } from "./lease-directory.ts";
import { removeLease } from "./lease-file.ts";
import { removeRecorded } from "./release.ts";

export interface BootSweep extends Swept {
  host: HostIdentity;
  /** True when the attachment's namespace is gone and its host veth is absent. */
  isDead(record: Attachment): boolean;
}

/**
 * Frees the leases in `directory` of attachments of an earlier boot, or of a replaced host namespace. The
 * caller asks needsBootSweep first, and holds the lock of the directory. A lease without a record stays,
 * whatever its age: it may be host-local's, of this boot. Rules and links went with the kernel or the
 * namespace. Throws SystemError.
 */
export function sweepEarlierBoots(sweep: BootSweep): void {
  const { records, network, directory, host } = sweep;
  const { records: all, unreadable } = records.listRecords(network);
  for (const record of all) {
    if (record.leaseDirectory !== directory || !isOver(record, sweep) || records.isAddRunning(record.key))
      continue;
    // A lease that cannot be removed keeps its record, for a later sweep or GC.
    if (removeRecorded(directory, record).length === 0)
      records.removeRecordOfDigest(network, attachmentDigest(record.key));
  }
  const damaged = unreadable.filter(({ reason }) => reason === "damaged");
  removeDamaged(network, directory, damaged);
  removeUnwritten(sweep, damaged);
  markBootSwept(sweep, host);
}

/**
 * True for a record without a living pod. No pod outlives a boot. A host namespace may have been replaced, or
 * may live beside this one on shared files: then its pods decide.
 */
function isOver(record: Attachment, { host, isDead }: BootSweep): boolean {
  if (sameHost(record.host, host)) return false;
  return record.host.bootId !== host.bootId || isDead(record);
}

/**
 * Removes records that a power loss left empty. The name of such a file is still the digest of its owner, so
 * the owner's leases are found by the owners that the lease files name.
 */
function removeDamaged(network: string, directory: string, damaged: UnreadableRecord[]): void {
  if (damaged.length === 0) return;
  const digests = new Map(damaged.map((entry) => [entry.digest, entry.path]));
  for (const { address, owner } of listLeases(directory).leases) {
    const { containerId, interfaceName } = owner;
    if (interfaceName === undefined) continue;
    const path = digests.get(attachmentDigest({ network, containerId, interfaceName }));
    if (path === undefined || !removeLease(directory, address, owner)) continue;
    removeFile(path);
  }
}

/**
 * Removes what is left of the intents of ADDs that died before they had written them: nothing else was made
 * by then. One that is being written is kept by its lock.
 */
function removeUnwritten({ records, network }: BootSweep, damaged: UnreadableRecord[]): void {
  for (const entry of damaged)
    if (records.isUnwritten(entry) && !records.isAddOfDigestRunning(network, entry.digest))
      records.removeDamaged(entry);
}
