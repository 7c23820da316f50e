// What a person reads when a pool is full.
import { CniError } from "../cni/error.ts";
import { listLeases } from "./lease-directory.ts";
import { formatRangeSet, indexInSet, type RangeSet } from "./range-set.ts";

/** The refusal, with the words that runtimes and scripts know from host-local in front. Throws SystemError. */
export function poolExhausted(directory: string, rangeSet: RangeSet, set: number, failures: string[]): CniError {
  const held = listLeases(directory).leases.filter(({ address }) => indexInSet(rangeSet, address) !== undefined);
  const containers = new Set(held.map(({ owner }) => owner.containerId)).size;
  const words = `failed to allocate for range ${set}: no IP addresses available in range set: ${formatRangeSet(rangeSet.ranges)}`;
  return new CniError("poolExhausted", {
    message: `${words} (${held.length} leased to ${containers} containers)`,
    attempted: "looked at every address, then for attachments that are dead and for files that are no lease",
    cause: failures.length === 0 ? "all of them belong to attachments that live or that Pontoon has no record of" : `dead attachments could not be cleared: ${failures.join("; ")}`,
    hint: `Remove pods, send a GC with the valid attachments of this network, widen its ranges, or look at ${directory}`,
  });
}
