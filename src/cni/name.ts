// The characters that names may hold.

const PLAIN_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/**
 * True for a container id, and for a network's name (CNI specification 1.1.0): safe as one part of a path.
 */
export function isPlainName(text: string): boolean {
  return PLAIN_NAME.test(text);
}

/** White space as Go's unicode.IsSpace means it; JavaScript's lacks U+0085 and has U+FEFF. */
const WHITE_SPACE = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

/** True for a text that holds white space. */
export function hasWhiteSpace(text: string): boolean {
  return WHITE_SPACE.test(text);
}

const UNPRINTABLE = /[\0-\x1f\x7f-\x9f\ud800-\udfff]/u;

/** True for a text that holds a control character or half of a surrogate pair. */
export function hasUnprintable(text: string): boolean {
  return UNPRINTABLE.test(text);
}

const ASCII = /^[\0-\x7f]*$/;

/** The number of bytes of a text in UTF-8. */
export function byteLength(text: string): number {
  if (ASCII.test(text)) return text.length;
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}
