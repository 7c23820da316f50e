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
    const before = this.overlapping(subnet);
    if (before !== undefined) return before;
    const entries = this.#entries[subnet.address.family];
    const { first, last } = rangeOf(subnet);
    entries.splice(this.#indexAfter(last, entries), 0, { subnet, owner, first, last });
    return undefined;
  }

  /** One that overlaps the subnet. */
  overlapping(subnet: Prefix): Owned | undefined {
    const { first, last } = rangeOf(subnet);
    const entries = this.#entries[subnet.address.family];
    const before = entries[this.#indexAfter(last, entries) - 1];
    return before !== undefined && before.last >= first ? before : undefined;
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

function rangeOf(subnet: Prefix): { first: bigint; last: bigint } {
  const first = networkOf(subnet).address.value;
  return { first, last: first + (1n << BigInt(familyBits(subnet.address.family) - subnet.length)) - 1n };
}
