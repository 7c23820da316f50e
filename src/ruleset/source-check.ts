// The check of what a pod sends, as the ruleset has it.
import { attachmentDigest, attachmentLabel } from "../attachment/name.ts";
import { macBytes } from "../ip/mac.ts";
import type { SpoofCheck } from "../nft/spoof-check.ts";
import type { SpoofTable } from "../nft/spoof-layout.ts";
import type { SourceCheck } from "../plan/step.ts";

/** The check of a step in one of the tables for it. */
export function checkIn(table: SpoofTable, { key, hostInterface, mac, addresses }: SourceCheck): SpoofCheck {
  return {
    table,
    network: key.network,
    owner: attachmentDigest(key),
    label: attachmentLabel(key),
    hostInterface,
    mac: macBytes(mac),
    addresses,
  };
}
