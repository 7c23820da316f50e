// Keys of sets and maps: nft's numbers of their types (libnftables datatype.h), and their bytes.
import { textBytes } from "../sys/bytes.ts";

export const TYPE_INTEGER = 4;
export const TYPE_IPADDR = 7;
export const TYPE_IP6ADDR = 8;
export const TYPE_ETHERADDR = 9;
export const TYPE_INET_PROTOCOL = 12;
export const TYPE_INET_SERVICE = 13;
export const TYPE_DEVGROUP = 35;
export const TYPE_IFNAME = 41;

/** The type of a concatenation of two: it holds six bits of each. */
export const joined = (first: number, second: number): number => (first << 6) | second;

/** Length of an interface name in a key (IFNAMSIZ). */
export const INTERFACE_NAME_BYTES = 16;

/** Length of a MAC address in a concatenation, where each part fills up whole registers of four bytes. */
export const MAC_BYTES_JOINED = 8;

/** An interface name followed by `rest`, which fills up `restLength` bytes. */
export function interfaceKey(name: string, rest: Uint8Array, restLength = rest.length): Uint8Array {
  const key = new Uint8Array(INTERFACE_NAME_BYTES + restLength);
  // A name is cut to its room: a record that was altered by hand may hold a longer one.
  key.set(textBytes(name).subarray(0, INTERFACE_NAME_BYTES));
  key.set(rest.length > restLength ? rest.subarray(0, restLength) : rest, INTERFACE_NAME_BYTES);
  return key;
}
