// Base64 (RFC 4648, section 4), which the engine does not have. Go writes bytes in JSON so.
import { textBytes, textOf } from "../sys/bytes.ts";

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The text as UTF-8 in base64, with padding. */
export function toBase64(text: string): string {
  const bytes = textBytes(text);
  const groups: string[] = [];
  for (let at = 0; at < bytes.length; at += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(at, at + 3);
    const bits = (a << 16) | (b << 8) | c;
    const digits = [18, 12, 6, 0].map((shift) => DIGITS.charAt((bits >> shift) & 63)).join("");
    const count = Math.min(3, bytes.length - at) + 1;
    groups.push(digits.slice(0, count).padEnd(4, "="));
  }
  return groups.join("");
}

/** The text whose bytes stand in base64; undefined for a text that is no base64 with padding. */
export function fromBase64(text: string): string | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const digits = text.replace(/=+$/, "");
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4));
  let bits = 0;
  let place = 0;
  for (let at = 0; at < digits.length; at++) {
    bits = ((bits << 6) | DIGITS.indexOf(digits.charAt(at))) & 0xff_ffff;
    if (at % 4 !== 0) bytes[place++] = (bits >> (6 - 2 * (at % 4))) & 0xff;
  }
  return textOf(bytes);
}
