// Keys of maps. The text of an IPv6 address for people takes much longer to make.
import type { Address } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";

/** A text that no other address has. */
export function addressKey({ family, value }: Address): string {
  return `${family} ${value.toString(16)}`;
}

/** A text that no other prefix has. */
export function prefixKey({ address, length }: Prefix): string {
  return `${addressKey(address)}/${length}`;
}
