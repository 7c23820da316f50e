// Claims that overlap are found as if each were compared with each.
import fc from "fast-check";
import { expect, test } from "vitest";
import { ClaimIndex } from "../../../src/nft/claim-index.ts";
import { claimsOverlap, type PortClaim } from "../../../src/nft/port-mapping.ts";

const claims: fc.Arbitrary<PortClaim> = fc
  .record({
    family: fc.constantFrom(4 as const, 6 as const),
    protocol: fc.constantFrom(6, 17, 132),
    address: fc.constantFrom(undefined, 1n, 2n),
    first: fc.integer({ min: 65_520, max: 65_535 }),
    more: fc.constantFrom(0, 0, 3, 15),
  })
  .map(({ family, protocol, address, first, more }) => ({
    family,
    protocol,
    hostAddress: address === undefined ? undefined : { family, value: address },
    first,
    last: Math.min(65_535, first + more),
  }));

test("the values that are found are those whose claims overlap, each once", () => {
  fc.assert(
    fc.property(fc.array(claims, { maxLength: 30 }), claims, (all, asked) => {
      const index = new ClaimIndex<number>();
      for (const [at, claim] of all.entries()) index.add(claim, at);
      const overlapping = [...all.keys()].filter((at) => claimsOverlap(all[at]!, asked));
      expect(index.overlapping(asked).sort((a, b) => a - b)).toEqual(overlapping);
    }),
  );
});
