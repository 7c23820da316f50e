// Masquerading by nftables as the ruleset has it.
import { attachmentDigest, attachmentLabel } from "../attachment/name.ts";
import type { Masquerade } from "../nft/address-claim.ts";
import { networkChain } from "../nft/layout.ts";
import type { MasqueradeStep } from "../plan/step.ts";

/** The masqueraded addresses of a step. */
export function masqueradeOf({ key, gatewayInterface, subnets, addresses }: MasqueradeStep): Masquerade {
  return {
    owner: attachmentDigest(key),
    label: attachmentLabel(key),
    gatewayInterface,
    addresses,
    chain: networkChain(key.network, subnets),
  };
}
