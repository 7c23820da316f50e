// Leases that were lost while their attachments live: a person emptied the folder of a full pool, a disk
// error or another program damaged a file. The records still name the addresses.
import type { Attachment } from "../attachment/attachment.ts";
import type { RecordStore } from "../record/store.ts";
import { createLease, isAddressFree } from "./lease-file.ts";

export interface LostLeases {
  records: RecordStore;
  network: string;
  /** `<dataDir>/<network>`. */
  directory: string;
  /** True when the host's end of the attachment's veth is there. */
  hasLink(attachment: Attachment): boolean;
}

/**
 * Gives each attachment that has its veth the leases back that it has lost; gives their number. A lease that
 * names another owner stays. Only the veth proves that an attachment uses its addresses: DEL and a failed ADD
 * remove it before they give addresses back, and the record after that. Reads all records of the network. The
 * caller holds the lock. Throws SystemError.
 */
export function restoreLostLeases({ records, network, directory, hasLink }: LostLeases): number {
  let restored = 0;
  for (const record of records.listRecords(network).records) {
    if (record.leaseDirectory !== directory) continue;
    const lost = record.addresses.filter(({ address }) => isAddressFree(directory, address.address, true));
    if (lost.length === 0 || !hasLink(record)) continue;
    for (const { address } of lost) if (createLease(directory, address.address, record.key)) restored++;
  }
  return restored;
}

/** True when an attachment that has its veth should have leases in the folder. Throws SystemError. */
export function hasTenants({ records, network, directory, hasLink }: LostLeases): boolean {
  return records.hasRecordLike(
    network,
    (record) => record.leaseDirectory === directory && record.addresses.length > 0 && hasLink(record),
  );
}
