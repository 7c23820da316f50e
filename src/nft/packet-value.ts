// Comparisons of bytes of which some are not known: true, false, or undefined where the unknown ones decide.
import * as nft from "../netlink/uapi/nf_tables.ts";
import type { Bytes } from "./packet-field.ts";

/** True for bytes that begin with the value: names of interfaces are compared up to a star. */
export function beginsWith(bytes: Bytes, value: Uint8Array): boolean | undefined {
  let all: boolean | undefined = true;
  for (const [at, byte] of value.entries()) {
    const own = bytes[at];
    if (own === undefined) all = undefined;
    else if (own !== byte) return false;
  }
  return all;
}

/** The order of the bytes and a value, as memcmp gives it; undefined where it depends on unknown bytes. */
function orderOf(bytes: Bytes, value: Uint8Array): number | undefined {
  for (const [at, byte] of value.entries()) {
    const own = bytes[at];
    if (own === undefined) return undefined;
    if (own !== byte) return own - byte;
  }
  return 0;
}

/** True for bytes from `first` to `last`, both included. */
export function isBetween(bytes: Bytes, first: Uint8Array, last: Uint8Array): boolean | undefined {
  const [below, above] = [orderOf(bytes, first), orderOf(bytes, last)];
  if ((below ?? 0) < 0 || (above ?? 0) > 0) return false;
  return below === undefined || above === undefined ? undefined : true;
}

/** The bytes where all are known. */
export function knownBytes(bytes: Bytes): Uint8Array | undefined {
  return bytes.some((byte) => byte === undefined) ? undefined : Uint8Array.from(bytes as readonly number[]);
}

/** The other answer where `isNot`; what is not known stays so. */
export function inverted(fits: boolean | undefined, isNot: boolean): boolean | undefined {
  return fits === undefined ? undefined : fits !== isNot;
}

/** A comparison of a property with a value, and its sign; no sign says "equal". */
export interface Comparison {
  sign: string;
  fits(bytes: Bytes, value: Uint8Array): boolean | undefined;
}

function ordered(sign: string, isRight: (order: number) => boolean): Comparison {
  return {
    sign,
    fits(bytes, value) {
      const order = orderOf(bytes, value);
      return order === undefined ? undefined : isRight(order);
    },
  };
}

/** By NFT_CMP_… */
export const COMPARISONS: Record<number, Comparison> = {
  [nft.NFT_CMP_EQ]: { sign: "", fits: beginsWith },
  [nft.NFT_CMP_NEQ]: { sign: "!=", fits: (bytes, value) => inverted(beginsWith(bytes, value), true) },
  [nft.NFT_CMP_LT]: ordered("<", (order) => order < 0),
  [nft.NFT_CMP_LTE]: ordered("<=", (order) => order <= 0),
  [nft.NFT_CMP_GT]: ordered(">", (order) => order > 0),
  [nft.NFT_CMP_GTE]: ordered(">=", (order) => order >= 0),
};
