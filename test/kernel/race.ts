// Who takes part in the race for an empty ruleset: two networks, each with half of the addresses.
import type { Masquerade } from "../../src/nft/address-claim.ts";
import { attachment } from "./masquerade.ts";

export function memberOf(number: number): Masquerade {
  const network = number % 2 === 0 ? "even" : "odd";
  const owner = number.toString(16).padStart(32, "0");
  return attachment({
    owner,
    network,
    label: `${network} c${number} eth0`,
    addresses: [`10.1.0.${number + 2}`, `fd01::${number + 2}`],
  });
}
