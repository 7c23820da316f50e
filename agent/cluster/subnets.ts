// Subnets that do not overlap, and the owner of each.
import { type Address, type Family, familyBits } from "../../src/ip/address.ts";
import { networkOf, type Prefix } from "../../src/ip/prefix.ts";

/** A subnet and its owner. */
export interface Owned {
  subnet: Prefix;
  owner: string;
}

interface Entry extends Owned {
  first: bigint;
  last: bigint;
}

/** A set of disjoint subnets. */
export class Subnets {
  /** By family, in the order of their first addresses. */
  readonly #entries: Record<Family, Entry[]> = { 4: [], 6: [] };

  /** Adds the subnet, unless it overlaps one that is there; gives that one. */
  claim(subnet: Prefix, owner: string): Owned | undefined {
    const first = networkOf(subnet).address.value;
    const last = first + (1n << BigInt(familyBits(subnet.address.family) - subnet.length)) - 1n;
    const entries = this.#entries[subnet.address.family];
    const at = this.#indexAfter(last, entries);
    const before = entries[at - 1];
    if (before !== undefined && before.last >= first) return before;
    entries.splice(at, 0, { subnet, owner, first, last });
    return undefined;
  }

  /** The subnet with this address. */
  holderOf({ family, value }: Address): Owned | undefined {
    const entries = this.#entries[family];
    const candidate = entries[this.#indexAfter(value, entries) - 1];
    return candidate !== undefined && candidate.last >= value ? candidate : undefined;
  }

  /** The index of the first entry that begins behind the value. */
  #indexAfter(value: bigint, entries: readonly Entry[]): number {
    let [from, to] = [0, entries.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((entries[middle]?.first ?? 0n) <= value) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
