// An attachment that has a record already: it lives, or its remains are cleared.

import { type Attachment, sameHost } from "../attachment/attachment.ts";
import { attachmentTitle, type Named } from "../attachment/name.ts";
import type { AttachmentKey } from "../cni/attachment-key.ts";
import { CniError } from "../cni/error.ts";
import { formatAddress } from "../ip/address.ts";
import { baseName } from "../sys/path.ts";
import { type Claimant, reservationOf } from "./claimant.ts";
import { addressOfName, listOwnFiles } from "./lease-directory.ts";
import { isOwnedBy, readOwner } from "./lease-file.ts";
import { openExistingLeaseLock } from "./lease-lock.ts";
import { clearAttachment } from "./reclaim.ts";

/** Does the work of refuseDuplicate for an attachment with a record. Throws CniError and SystemError. */
export function refuseExisting(claimant: Claimant): void {
  const { records, key, host, directory, isDead, discard } = claimant;
  const record = records.getRecord(key);
  if (record === undefined) {
    refuseUnknownVersion(claimant);
    return refuseUnreadable(directory, key);
  }
  if (!sameHost(record.host, host)) return clear(claimant, record, () => {});
  if (!records.isComplete(key)) {
    if (records.isAddRunning(key)) throw addRunning(record);
    return clear(claimant, record, discard);
  }
  if (!isDead(record) && !isTakenDown(claimant, record)) throw duplicate(record, firstAddress(record));
  clear(claimant, record, discard);
}

function firstAddress({ addresses: [first] }: Attachment): string | undefined {
  return first && formatAddress(first.address.address);
}

/**
 * Refuses a record of a later Pontoon, which may have made more for this attachment than this version can
 * remove.
 */
function refuseUnknownVersion({ records, key }: Claimant): void {
  const unknown = records.findUnknownVersion(key);
  if (unknown === undefined) return;
  throw new CniError("recordStore", {
    about: `${unknown.path} is of version ${unknown.version}, which this Pontoon does not know`,
    cause: "a later Pontoon made this attachment",
    hint: "Send a DEL for this container and interface first, or install the later Pontoon again",
  });
}

/**
 * True for an attachment that the reference plugin took down: it removes link and lease, and the record
 * stays.
 */
function isTakenDown({ key, hasLink }: Claimant, record: Attachment): boolean {
  if (hasLink(record)) return false;
  const where = record.leaseDirectory;
  return (
    where === undefined ||
    !record.addresses.some(({ address }) => isOwnedBy(readOwner(where, address.address), key))
  );
}

/**
 * Refuses or clears an attachment with an unreadable record. Such a record names no addresses, so the
 * directory is searched for the owner's leases.
 */
function refuseUnreadable(directory: string, key: AttachmentKey): void {
  const [path] = listOwnFiles(directory, key);
  if (path === undefined) return;
  const address = addressOfName(baseName(path));
  throw duplicate({ key, pod: undefined }, address && formatAddress(address));
}

function clear(
  { records, directory }: Claimant,
  record: Attachment,
  discard: (record: Attachment) => void,
): void {
  const where = record.leaseDirectory ?? directory;
  // The old directory has a lock of its own, if the configuration has moved to another dataDir since.
  using _lock = where === directory ? undefined : openExistingLeaseLock(where);
  clearAttachment(record, { records, directory: where, discard });
}

/** An attachment as errors name it. */
function duplicate(attachment: Named, address: string | undefined): CniError {
  return new CniError("duplicateAttachment", {
    message: `${address ?? "an address"} has been allocated to ${attachment.key.containerId}, duplicate allocation is not allowed`,
    attempted: reservationOf(attachment),
    hint: "Send a DEL for this container and interface first",
  });
}

function addRunning(attachment: Named): CniError {
  return new CniError("tryAgainLater", {
    about: `another ADD of ${attachmentTitle(attachment)} is running`,
    hint: "Wait for it to end, then send a DEL or try again",
  });
}
