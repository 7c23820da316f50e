// The places where the node may drop what it forwards: base chains of nftables at the hook "forward", those
// of iptables in that variant among them, and the chain FORWARD of iptables in the legacy variant.
import type { Family } from "../../ip/address.ts";
import { readLegacyEntries } from "../../iptables/legacy-entries.ts";
import { hasLegacyTable } from "../../iptables/legacy-table.ts";
import { FILTER } from "../../iptables/table.ts";
import * as nft from "../../netlink/uapi/nf_tables.ts";
import type { PacketHook, PacketRule } from "../../nft/packet.ts";
import type { Node } from "../node.ts";
import { type BaseChain, listBaseChains, once } from "./base-chain.ts";

/** A hook, with the families of its packets and the way in which people change it. */
export interface ForwardHook extends PacketHook {
  families: readonly Family[];
  /** The program that keeps the chain: rules of its own go in by that. */
  by: "nft" | "iptables" | "iptables-legacy" | "ebtables";
  /** Family, table and chain, as nft names them. */
  place: string;
}

const FAMILIES: Record<number, readonly Family[]> = {
  [nft.NFPROTO_INET]: [4, 6],
  [nft.NFPROTO_IPV4]: [4],
  [nft.NFPROTO_IPV6]: [6],
};

/**
 * The hooks of the node, without Pontoon's own tables. Rules are read when a packet comes to them. Throws
 * SystemError.
 */
export function listForwardHooks(node: Node, chains = listBaseChains(node)): ForwardHook[] {
  return [...chains.flatMap(forwardHook), ...([4, 6] as const).flatMap(legacyHook)];
}

function forwardHook(chain: BaseChain): ForwardHook[] {
  const { table, base, number } = chain;
  const families = FAMILIES[table.family];
  if (families === undefined || number !== nft.NF_INET_FORWARD) return [];
  const isOfIptables =
    base === FILTER.base && table.name === FILTER.table && table.family !== nft.NFPROTO_INET;
  return [{ ...chain, families, by: isOfIptables ? "iptables" : "nft" }];
}

function legacyHook(family: Family): ForwardHook[] {
  if (!hasLegacyTable(family, FILTER)) return [];
  const entries = readLegacyEntries(family, FILTER);
  const places = new Map<string, number | undefined>([[FILTER.base, undefined]]);
  const rulesOf = (chain: string): PacketRule[] =>
    entries.listRules(places.get(chain)).map(({ tests, verdict, text }) => {
      if (!("first" in verdict)) return { tests, verdict, text };
      const name = entries.nameOfChain(verdict.first);
      places.set(name, verdict.first);
      return {
        tests,
        verdict: { kind: verdict.kind, chain: name },
        text: text.replace(/-j (jump|goto)$/, `-j ${name}`),
      };
    });
  const program = family === 4 ? "iptables-legacy" : "ip6tables-legacy";
  return [
    {
      title: `chain FORWARD of ${program}`,
      policy: entries.dropsByDefault() ? "drop" : "accept",
      base: FILTER.base,
      rulesOf: once(rulesOf),
      families: [family],
      by: "iptables-legacy",
      place: `${program} FORWARD`,
    },
  ];
}
