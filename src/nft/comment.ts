// The comment of an element: the digest of the attachment that the element belongs to, then words for people.
import { readText } from "../netlink/reader.ts";
import { textBytes, textOf } from "../sys/bytes.ts";

/** The comment of an element of a set or map. */
export interface Commented {
  comment: string;
}

/** nft and libnftnl keep a comment as type 0, a length byte, and text with its NUL, of at most 128 bytes. */
const COMMENT_TYPE = 0;
const COMMENT_BYTES = 127;

/**
 * The comment of an attachment's elements: its digest and, as far as there is room, its label.
 */
export function ownerComment({ owner, label }: { owner: string; label: string }): string {
  const text = `${owner} ${label}`;
  const bytes = textBytes(text);
  // A cut inside a character leaves a replacement character, which is longer than the bytes that were cut.
  return bytes.length <= COMMENT_BYTES
    ? text
    : textOf(bytes.subarray(0, COMMENT_BYTES)).replace(/\uFFFD$/, "");
}

/** The digest of the attachment that an element belongs to. */
export function ownerOf({ comment }: Commented): string {
  const end = comment.indexOf(" ");
  return end < 0 ? comment : comment.slice(0, end);
}

/** The attachment that an element belongs to, in words for people. */
export function holderOf({ comment }: Commented): string {
  return comment.slice(ownerOf({ comment }).length + 1) || "an unknown attachment";
}

/**
 * The network that an element's comment names: the word after the owner. A name that was too long for the
 * comment is cut, and is then no network's name.
 */
export function networkOfComment({ comment }: Commented): string | undefined {
  const words = comment.split(" ");
  return words.length > 2 ? words[1] : undefined;
}

/**
 * The comment in the user data of an element or a rule, which is a row of type, length, value; empty when
 * there is none.
 */
export function readComment(userdata: Uint8Array | undefined): string {
  for (let at = 0; userdata !== undefined && at + 2 <= userdata.length; at += 2 + (userdata[at + 1] ?? 0)) {
    if (userdata[at] === COMMENT_TYPE)
      return readText(userdata.subarray(at + 2, at + 2 + (userdata[at + 1] ?? 0)));
  }
  return "";
}

/** The user data of an element with this comment. */
export function commentBytes(comment: string): Uint8Array {
  const text = textBytes(`${comment}\0`);
  const bytes = new Uint8Array(2 + text.length);
  bytes[0] = COMMENT_TYPE;
  bytes[1] = text.length;
  bytes.set(text, 2);
  return bytes;
}
