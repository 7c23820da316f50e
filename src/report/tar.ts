// An archive of texts: the format ustar (POSIX.1-2017, pax, "ustar Interchange Format").
import { textBytes } from "../sys/bytes.ts";

/** A text in the archive. */
export interface Entry {
  /** A relative path of plain letters, of at most 100 bytes. */
  name: string;
  text: string;
}

const BLOCK = 512;

/**
 * The archive of these texts, in their order, each readable by its owner alone. `modified`: the time of all
 * files, in seconds since 1970. Throws RangeError for a name that does not fit.
 */
export function tarOf(entries: readonly Entry[], modified: number): Uint8Array {
  const files = entries.map(({ name, text }) => ({ name, bytes: textBytes(text) }));
  const size = files.reduce((sum, { bytes }) => sum + BLOCK + padded(bytes.length), 2 * BLOCK);
  const archive = new Uint8Array(size);
  let at = 0;
  for (const { name, bytes } of files) {
    archive.set(headerOf(name, bytes.length, modified), at);
    archive.set(bytes, at + BLOCK);
    at += BLOCK + padded(bytes.length);
  }
  return archive;
}

function padded(length: number): number {
  return Math.ceil(length / BLOCK) * BLOCK;
}

/** The places of the header's fields: name 0, mode 100, uid 108, gid 116, size 124, mtime 136, chksum 148… */
function headerOf(name: string, size: number, modified: number): Uint8Array {
  if (textBytes(name).length > 100) throw new RangeError(`the name ${name} is longer than 100 bytes`);
  const header = new Uint8Array(BLOCK);
  const put = (at: number, text: string): void => header.set(textBytes(text), at);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, "0")}\0`;
  put(0, name);
  put(100, octal(0o600, 7));
  put(108, octal(0, 7));
  put(116, octal(0, 7));
  put(124, octal(size, 11));
  put(136, octal(Math.floor(modified), 11));
  put(156, "0");
  put(257, "ustar\u000000");
  // The sum counts its own field as blanks.
  put(148, "        ");
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return header;
}
