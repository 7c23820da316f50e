// Claims by their ports: those of many that overlap a given one, without a comparison with each. Pure.
import { claimsOverlap, type PortClaim } from "./port-mapping.ts";

interface Entry<T> {
  claim: PortClaim;
  value: T;
}

/** Values with their claims. A claim of one port is found by its number, one of several is compared. */
export class ClaimIndex<T> {
  private readonly single = new Map<number, Entry<T>[]>();
  private readonly rows: Entry<T>[] = [];

  /** Claims that are the values themselves. */
  static of<T extends PortClaim>(claims: readonly T[]): ClaimIndex<T> {
    const index = new ClaimIndex<T>();
    for (const claim of claims) index.add(claim, claim);
    return index;
  }

  add(claim: PortClaim, value: T): void {
    if (claim.first !== claim.last) {
      this.rows.push({ claim, value });
      return;
    }
    const number = numberOf(claim, claim.first);
    const entries = this.single.get(number);
    if (entries === undefined) this.single.set(number, [{ claim, value }]);
    else entries.push({ claim, value });
  }

  /** The values whose claims overlap this one. */
  overlapping(claim: PortClaim): T[] {
    const found: T[] = [];
    const addFrom = (entries: readonly Entry<T>[]): void => {
      for (const entry of entries) if (claimsOverlap(entry.claim, claim)) found.push(entry.value);
    };
    if (claim.last - claim.first < this.single.size) {
      for (let port = claim.first; port <= claim.last; port++)
        addFrom(this.single.get(numberOf(claim, port)) ?? []);
    } else for (const entries of this.single.values()) addFrom(entries);
    addFrom(this.rows);
    return found;
  }
}

/** One number for family, protocol and port. */
function numberOf({ family, protocol }: PortClaim, port: number): number {
  return ((family === 4 ? 0 : 1) << 24) | (protocol << 16) | port;
}
