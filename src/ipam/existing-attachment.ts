// An attachment that has a record already: it lives, or what is left of it is cleared.
import { CniError } from "../cni/error.ts";
import { formatAddress } from "../ip/address.ts";
import { parsePrefixes } from "../ip/prefix.ts";
import type { AttachmentKey, AttachmentRecord } from "../record/attachment.ts";
import { sameHost } from "../record/format.ts";
import type { Attachment } from "./duplicate.ts";
import { addressOfName, listOwnFiles } from "./lease-directory.ts";
import { isOwnedBy, readOwner } from "./lease-file.ts";
import { openExistingLeaseLock } from "./lease-lock.ts";
import { clearAttachment } from "./reclaim.ts";

/** Does what refuseDuplicate says for an attachment with a record. */
export function refuseExisting(attachment: Attachment): void {
  const { records, key, host, directory, isDead, discard } = attachment;
  const record = records.getRecord(key);
  if (record === undefined) return refuseUnreadable(directory, key);
  if (!sameHost(record.host, host)) return clear(attachment, record, () => {});
  if (!records.isComplete(key)) {
    if (records.isAddRunning(key)) throw addRunning(key);
    return clear(attachment, record, discard);
  }
  if (!isDead(record) && !isTakenDown(attachment, record))
    throw duplicate(key, record.addresses[0]?.split("/")[0]);
  clear(attachment, record, discard);
}

/**
 * The reference plugin takes down an attachment of ours like its own: link and lease go, and the record
 * stays.
 */
function isTakenDown({ key, hasLink }: Attachment, record: AttachmentRecord): boolean {
  if (hasLink(record)) return false;
  const where = record.leaseDirectory;
  return (
    where === undefined ||
    !parsePrefixes(record.addresses).some(({ address }) => isOwnedBy(readOwner(where, address), key))
  );
}

/**
 * A record that cannot be read says no addresses: only then the directory is searched for the owner's leases.
 */
function refuseUnreadable(directory: string, key: AttachmentKey): void {
  const [path] = listOwnFiles(directory, key);
  if (path === undefined) return;
  const address = addressOfName(path.slice(path.lastIndexOf("/") + 1));
  throw duplicate(key, address && formatAddress(address));
}

function clear(
  { records, directory }: Attachment,
  record: AttachmentRecord,
  discard: (record: AttachmentRecord) => void,
): void {
  const where = record.leaseDirectory ?? directory;
  // The configuration may have moved to another dataDir since: then the old directory has a lock of its own.
  using _lock = where === directory ? undefined : openExistingLeaseLock(where);
  clearAttachment(records, where, record, discard);
}

function duplicate({ containerId, interfaceName }: AttachmentKey, address: string | undefined): CniError {
  return new CniError("duplicateAttachment", {
    message: `${address ?? "an address"} has been allocated to ${containerId}, duplicate allocation is not allowed`,
    attempted: `reserve addresses for interface ${interfaceName} of container ${containerId}`,
    hint: "Send a DEL for this container and interface first",
  });
}

function addRunning({ containerId, interfaceName }: AttachmentKey): CniError {
  return new CniError("tryAgainLater", {
    about: `another ADD of container ${containerId}, interface ${interfaceName} is running`,
    hint: "Wait for it to end, then send a DEL or try again",
  });
}
