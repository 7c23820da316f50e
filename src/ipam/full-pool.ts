// A full pool: dead attachments without a DEL are looked for before an ADD is refused.

import type { Attachment } from "../attachment/attachment.ts";
import { attachmentTitle } from "../attachment/name.ts";
import { CniError } from "../cni/error.ts";
import { removeFile } from "../sys/file.ts";
import { listLeases } from "./lease-directory.ts";
import { leasePath } from "./lease-file.ts";
import { formatRangeSet, indexInSet, type RangeSet } from "./range-set.ts";
import { type Clearing, clearAttachment } from "./reclaim.ts";

export interface Reclaim extends Clearing {
  network: string;
  /** True when the attachment's namespace is gone and its host veth is absent. */
  isDead(record: Attachment): boolean;
}

export interface Reclaimed {
  attachments: number;
  /** The reasons why dead attachments could not be cleared. */
  failures: string[];
}

/**
 * Clears dead attachments without a running ADD. The caller holds the lock of the directory. An attachment
 * that fails does not stop the others.
 */
export function reclaimDead(reclaim: Reclaim): Reclaimed {
  const { records, network, directory, isDead } = reclaim;
  const reclaimed: Reclaimed = { attachments: 0, failures: [] };
  for (const record of records.listRecords(network).records) {
    if (record.leaseDirectory !== directory) continue;
    try {
      if (records.isAddRunning(record.key) || !isDead(record)) continue;
      clearAttachment(record, reclaim);
      reclaimed.attachments++;
    } catch (error) {
      reclaimed.failures.push(
        `${attachmentTitle(record)}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
  return reclaimed;
}

/**
 * Removes lease files that cannot be a lease; gives their number. The caller holds the lock. Throws
 * SystemError.
 */
export function removeGarbage(directory: string): number {
  const { garbage } = listLeases(directory);
  for (const address of garbage) removeFile(leasePath(directory, address));
  return garbage.length;
}

/**
 * The error for a full pool, with the words that runtimes and scripts know from host-local in front. Throws
 * SystemError.
 */
export function poolExhausted(directory: string, rangeSet: RangeSet, failures: string[]): CniError {
  const held = listLeases(directory).leases.filter(
    ({ address }) => indexInSet(rangeSet, address) !== undefined,
  );
  const containers = new Set(held.map(({ owner }) => owner.containerId)).size;
  const words = `failed to allocate for range ${rangeSet.number}: no IP addresses available in range set: ${formatRangeSet(rangeSet.ranges)}`;
  return new CniError("poolExhausted", {
    message: `${words} (${held.length} leased to ${containers} containers)`,
    attempted: "looked at every address, then for attachments that are dead and for files that are no lease",
    cause:
      failures.length === 0
        ? "all of them belong to attachments that live or that Pontoon has no record of"
        : `dead attachments could not be cleared: ${failures.join("; ")}`,
    hint: `Remove pods, send a GC with the valid attachments of this network, widen its ranges, or look at ${directory}`,
  });
}
