// The addresses that the first ADD of a network gets: those of an empty pool. No file is looked at.
import { CniError } from "../cni/error.ts";
import type { Address } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";
import type { LeaseRange } from "../ip/range.ts";
import { chooseAddress } from "./choice.ts";
import { formatRangeSet, rangeOf, rangeSetOf } from "./range-set.ts";
import { refuseGateway } from "./requested-address.ts";
import { notFitting, takeFitting } from "./selection.ts";

/** An address with the length of its subnet, and the gateway of that. */
export interface FirstAddress {
  address: Prefix;
  gateway: Address | undefined;
}

/**
 * One address of each range set: the one that is asked for, else the first that is no gateway. Throws
 * CniError for a request that no set can fulfil, and for a set of gateways alone.
 */
export function firstAddresses(
  rangeSets: readonly (readonly LeaseRange[])[],
  asked: readonly Address[],
): FirstAddress[] {
  const left = [...asked];
  const chosen = rangeSets.map((ranges, number): FirstAddress => {
    const set = rangeSetOf(ranges, number);
    const wanted = takeFitting(left, set);
    if (wanted !== undefined) refuseGateway(set, wanted);
    const address = wanted ?? chooseAddress(set, 0n, () => true);
    const range = address && rangeOf(set, address);
    if (address === undefined || range === undefined)
      throw new CniError("poolExhausted", {
        message: `no IP addresses available in range set: ${formatRangeSet(ranges)}`,
        cause: "it has nothing but gateways",
        hint: "Give the network a larger range",
      });
    return { address: { address, length: range.subnet.length }, gateway: range.gateway };
  });
  if (left.length > 0) throw notFitting(left, rangeSets);
  return chosen;
}
