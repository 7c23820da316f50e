// The features of the reference plugins that Pontoon lacks. A request for them is refused with code 2,
// because a network that silently lacks a requested feature is worse than none.
import { CniError } from "./error.ts";
import type { Fields } from "./keys.ts";
import { quote } from "./problems.ts";

/** Throws code 2 when the one unsupported key is switched on. */
export function refuseUnsupported({ externalSetMarkChain: chain }: Fields): void {
  if (!chain) return;
  throw new CniError("unsupportedField", {
    about: `externalSetMarkChain = ${quote(chain)}`,
    hint: "Take the key out: Pontoon marks packets in a chain of its own, with the bit of markMasqBit",
    path: "externalSetMarkChain",
  });
}
