// Packet rules, counted: the two plugins write different ones on purpose, so what counts is what stays
// behind.
import type { Facts } from "./facts.ts";

type NftObject = Record<
  string,
  { family: string; table?: string; name?: string; chain?: string; elem?: unknown[] }
>;

/**
 * Each table, chain and map by name, the number of rules of each chain, and of elements of each map or set.
 */
export function ruleFacts({ nftables }: { nftables: NftObject[] }, facts: Facts): void {
  for (const object of nftables) {
    for (const [kind, { family, table, name, chain, elem }] of Object.entries(object)) {
      if (kind === "metainfo") continue;
      const path = `node.rules.${family} ${[table, chain, name]
        .filter(Boolean)
        .join(" ")
        .replace(/[0-9a-f]{16,}/, "HASH")}`;
      if (kind !== "rule")
        facts.set(path, elem === undefined ? kind : `${kind} with ${elem.length} elements`);
      else facts.set(`${path} rules`, String(Number(facts.get(`${path} rules`) ?? 0) + 1));
    }
  }
}
