// What names may be made of.

/** `^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`: container ids and network names; safe as one component of a path. */
export function isPlainName(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const lower = code | 0x20;
    const alphanumeric = (code >= 0x30 && code <= 0x39) || (lower >= 0x61 && lower <= 0x7a);
    if (!alphanumeric && (at === 0 || !"_.-".includes(text.charAt(at)))) return false;
  }
  return text !== "";
}

/** True with white space as Go's unicode.IsSpace means it; JavaScript's lacks U+0085 and has U+FEFF. */
export function hasWhiteSpace(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if ((code >= 0x09 && code <= 0x0d) || code === 0x20 || (code >= 0x2000 && code <= 0x200a)) return true;
    if (code > 0x7f && "\u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000".includes(text.charAt(at)))
      return true;
  }
  return false;
}

/** True with a control character or half of a surrogate pair. */
export function hasUnprintable(text: string): boolean {
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0xd800 && code < 0xe000)) return true;
  }
  return false;
}

/** How many bytes UTF-8 needs for a text. */
export function byteLength(text: string): number {
  let bytes = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const next = text.charCodeAt(at + 1);
    const isPair = code >= 0xd800 && code <= 0xdbff && next >= 0xdc00 && next <= 0xdfff;
    if (isPair) at++;
    bytes += isPair ? 4 : code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
  }
  return bytes;
}
