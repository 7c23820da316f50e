// Subnets that do not overlap, and the owner of each.
import type { Address, Family } from "../../src/ip/address.ts";
import type { Prefix } from "../../src/ip/prefix.ts";
import { prefixRange } from "../../src/ip/range.ts";

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
    const { first, last } = prefixRange(subnet);
    const entries = this.#entries[subnet.address.family];
    const at = this.#indexAfter(last.value, entries);
    const before = entries[at - 1];
    if (before !== undefined && before.last >= first.value) return before;
    entries.splice(at, 0, { subnet, owner, first: first.value, last: last.value });
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
