// The marker of the last sweep: the boot and host for which a network's records have been searched for dead
// attachments.

import type { HostIdentity } from "../attachment/attachment.ts";
import { isErrno } from "../sys/errno.ts";
import { ensureDirectory, readTextOfAny, removeFile, writeAnew } from "../sys/file.ts";
import { sha256 } from "../sys/hash.ts";
import type { RecordStore } from "./store.ts";

/** What a sweep looks through: the records of a network whose leases are in one directory. */
export interface Swept {
  records: RecordStore;
  network: string;
  /** `<dataDir>/<network>`. */
  directory: string;
}

/**
 * True when no sweep has been finished on this host since it started, for this network and lease directory.
 * Throws SystemError.
 */
export function needsBootSweep(swept: Swept, host: HostIdentity): boolean {
  return readTextOfAny(markerPath(swept)) !== formatIdentity(host);
}

/**
 * Notes that the sweep is done. The file is written in place: a part of the text is no identity, so the next
 * ADD sweeps again. The caller holds the lock of the lease directory. Throws SystemError.
 */
export function markBootSwept(swept: Swept, host: HostIdentity): void {
  const path = markerPath(swept);
  // Earlier releases left this file when they were killed.
  removeFile(`${path}.new`);
  const write = (): void => writeAnew(path, formatIdentity(host));
  try {
    write();
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
    ensureDirectory(swept.records.directory(swept.network));
    write();
  }
}

// One marker per lease directory: the lock of that directory covers it, and after a change of dataDir the
// leases of the old directory still get their own sweep when it is used again.
function markerPath({ records, network, directory }: Swept): string {
  const digest = sha256(directory).slice(0, 12);
  return `${records.directory(network)}/boot-${digest}`;
}

function formatIdentity({ bootId, hostCookie }: HostIdentity): string {
  return `${bootId}\n${hostCookie}\n`;
}
