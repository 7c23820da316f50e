// A message as the hexadecimal text that a person writes down from the headers: a line or more for each field
// or attribute.
import type { Message } from "../../src/netlink/socket.ts";
import { Writer } from "../../src/netlink/writer.ts";

/** The bytes of a message, header and all, as number 1 of its socket. */
export function bytesOf(message: Message): string {
  const w = new Writer();
  w.message(message.type, message.flags, 1, message.body);
  return toHex(w.written);
}

/** Bytes as hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** Lines like `0800 0100 01000000   # IFLA_X 1` as one hexadecimal text. */
export function hex(lines: string): string {
  return lines.replaceAll(/#.*$/gm, "").replaceAll(/\s+/g, "");
}
