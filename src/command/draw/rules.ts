// What the node does with packets that are not its own, as a picture says it.
import { type Family, formatAddress } from "../../ip/address.ts";
import type { Masquerade } from "../../picture/scene.ts";
import type { Surroundings } from "../../survey/surroundings.ts";
import { shown } from "../../terminal/terminal.ts";
import type { Entry } from "./entry.ts";

/** Sentences about forwarding. */
export function forwardingOf({ forwards, drops }: Surroundings): string[] {
  const [has4, has6] = ([4, 6] as const).map((family) => forwards.includes(family));
  const sentence =
    has4 && has6
      ? "forwards IPv4 and IPv6"
      : has4
        ? "forwards IPv4, not IPv6"
        : has6
          ? "forwards IPv6, not IPv4"
          : "forwards neither IPv4 nor IPv6";
  return [sentence, ...drops.map((chain) => `${shown(chain)} drops what no rule accepts`)];
}

/** The networks that are masqueraded, with the addresses that the node's routes give to their packets. */
export function masqueradesOf(entries: readonly Entry[], { waysOut }: Surroundings): Masquerade[] {
  const families = new Map<string, Set<Family>>();
  for (const { network, surveyed } of entries) {
    if (surveyed?.attachment.masquerade === undefined) continue;
    const known = families.get(network) ?? new Set();
    for (const { address } of surveyed.attachment.addresses) known.add(address.address.family);
    families.set(network, known);
  }
  return [...families].map(([network, known]) => ({
    network,
    as: ([4, 6] as const).flatMap((family) => {
      const source = known.has(family) ? waysOut.get(family)?.source : undefined;
      return source === undefined ? [] : [formatAddress(source)];
    }),
  }));
}
