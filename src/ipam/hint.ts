// The hint: the address that a range set gave out last, in the file that host-local has for it. The next
// search starts behind it.
import { type Address, formatAddress, parseAddress } from "../ip/address.ts";
import { SystemError } from "../sys/errno.ts";
import { O_CREAT, O_NOFOLLOW, O_WRONLY, readTextOfAny, removeFile, writeText } from "../sys/file.ts";
import { fileStatus } from "../sys/status.ts";
import type { Lease } from "./lease.ts";

export const HINT_PREFIX = "last_reserved_ip.";

/**
 * The prefix of a hint that Pontoon wrote: an IPv4 address as its mapped IPv6 address (RFC 4291, 2.5.5.2).
 * host-local reads it as the IPv4 address, and writes the dotted form itself, so the form tells which of the
 * two gave out the last address.
 */
const OURS = "::ffff:";

export interface Hint {
  /** The address of the hint; undefined when the file is missing, torn or of no use. */
  address: Address | undefined;
  /** True: another program wrote the hint, or may have; for IPv6 addresses the form does not tell. */
  byOthers: boolean;
}

function hintPath(directory: string, set: number): string {
  return `${directory}/${HINT_PREFIX}${set}`;
}

/** Reads the hint of a range set. Throws SystemError. */
export function readHint(directory: string, set: number): Hint {
  const text = readTextOfAny(hintPath(directory, set))?.trim();
  if (text === undefined) return { address: undefined, byOthers: false };
  const isOurs = text.startsWith(OURS);
  return { address: parseAddress(isOurs ? text.slice(OURS.length) : text), byOthers: !isOurs };
}

/**
 * Writes the hint. The file is overwritten, or made anew when the length changes, but not truncated: ext4
 * writes a truncated file out when it is closed, and the next ADD would wait for the disk (1 to 80 ms, seen).
 * A link in its place is not followed. A hint that cannot be written costs round robin, not the pod.
 */
export function writeHint(directory: string, { set, address: { address } }: Lease): void {
  try {
    const path = hintPath(directory, set);
    const text = `${address.family === 4 ? OURS : ""}${formatAddress(address)}`;
    if (fileStatus(path)?.size !== text.length) removeFile(path);
    writeText(path, text, O_WRONLY | O_CREAT | O_NOFOLLOW);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
  }
}
