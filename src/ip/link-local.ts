// The IPv6 addresses of the link alone.
import { type Address, addressFromBytes } from "./address.ts";

/** The link-local IPv6 address that follows from a MAC (RFC 4291, appendix A). */
export function linkLocalOf(mac: Uint8Array): Address {
  const [first = 0, ...rest] = mac;
  const identifier = Uint8Array.of(first ^ 2, ...rest.slice(0, 2), 0xff, 0xfe, ...rest.slice(2));
  return addressFromBytes(Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, ...identifier));
}

/** True for an IPv6 address of the link alone: fe80::/10 (RFC 4291, 2.5.6). */
export function isLinkLocal({ family, value }: Address): boolean {
  return family === 6 && value >> 118n === 0x3fan;
}
