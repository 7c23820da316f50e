// The places where the node may drop what it forwards: base chains of nftables at the hook "forward", those
// of iptables in that variant among them, and the chain FORWARD of iptables in the legacy variant.
import type { Family } from "../../ip/address.ts";
import { readLegacyEntries } from "../../iptables/legacy-entries.ts";
import { hasLegacyTable } from "../../iptables/legacy-table.ts";
import { FILTER } from "../../iptables/table.ts";
import { readAttributes } from "../../netlink/reader.ts";
import * as nft from "../../netlink/uapi/nf_tables.ts";
import { ifThereIsNftables } from "../../nft/answer.ts";
import { GENERIC_HEADER, listAllChainsMessage, type Table } from "../../nft/message.ts";
import type { PacketHook, PacketRule } from "../../nft/packet.ts";
import { readPacketRules } from "../../nft/packet-rule.ts";
import type { Node } from "../node.ts";

/** A hook, with the families of its packets and the way in which people change it. */
export interface ForwardHook extends PacketHook {
  families: readonly Family[];
  /** The program that keeps the chain: rules of its own go in by that. */
  by: "nft" | "iptables" | "iptables-legacy";
  /** Family, table and chain, as nft names them. */
  place: string;
}

const FAMILIES: Record<number, { name: string; of: readonly Family[] }> = {
  [nft.NFPROTO_INET]: { name: "inet", of: [4, 6] },
  [nft.NFPROTO_IPV4]: { name: "ip", of: [4] },
  [nft.NFPROTO_IPV6]: { name: "ip6", of: [6] },
};

/**
 * The hooks of the node, without Pontoon's own tables. Rules are read when a packet comes to them. Throws
 * SystemError.
 */
export function listForwardHooks(node: Node): ForwardHook[] {
  return [...nftablesHooks(node), ...([4, 6] as const).flatMap(legacyHook)];
}

function nftablesHooks(node: Node): ForwardHook[] {
  const open = () => node.rules;
  const replies = ifThereIsNftables(open, (socket) => socket.dump(listAllChainsMessage())) ?? [];
  return replies.flatMap(({ payload }): ForwardHook[] => {
    const family = FAMILIES[payload[0] ?? 0];
    const chain = readAttributes(payload, GENERIC_HEADER);
    const hook = chain.nest(nft.NFTA_CHAIN_HOOK)?.be32(nft.NFTA_HOOK_HOOKNUM);
    const [base = "", name = ""] = [chain.string(nft.NFTA_CHAIN_NAME), chain.string(nft.NFTA_CHAIN_TABLE)];
    const isFilter = chain.string(nft.NFTA_CHAIN_TYPE) === "filter";
    if (family === undefined || hook !== nft.NF_INET_FORWARD || !isFilter || name.startsWith("pontoon"))
      return [];
    const title = `${family.name} ${name}`;
    const table: Table = { family: payload[0] ?? 0, name, title };
    return [
      {
        title: `chain ${base} of table ${title}`,
        policy: chain.be32(nft.NFTA_CHAIN_POLICY) === nft.NF_DROP ? "drop" : "accept",
        base,
        rulesOf: once((which) => readPacketRules(node.rules, table, which)),
        families: family.of,
        by: base === FILTER.base && name === FILTER.table && family.name !== "inet" ? "iptables" : "nft",
        place: `${title} ${base}`,
      },
    ];
  });
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

function once(read: (chain: string) => PacketRule[]): (chain: string) => PacketRule[] {
  const known = new Map<string, PacketRule[]>();
  return (chain) => {
    const rules = known.get(chain) ?? read(chain);
    known.set(chain, rules);
    return rules;
  };
}
