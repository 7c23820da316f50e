// The places where the node may drop packets: base chains of nftables at all hooks of IP, those of iptables
// in that variant among them, and the chains of iptables in the legacy variant.
import type { Family } from "../../ip/address.ts";
import { type LegacyBase, type LegacyEntries, readLegacyTable } from "../../iptables/legacy-entries.ts";
import { hasLegacyTable } from "../../iptables/legacy-table.ts";
import { FILTER, iptablesOf } from "../../iptables/table.ts";
import * as nft from "../../netlink/uapi/nf_tables.ts";
import type { PacketHook, PacketRule } from "../../nft/packet.ts";
import type { Node } from "../node.ts";
import { type BaseChain, type ChainType, listBaseChains, once } from "./base-chain.ts";

/** The hooks of a packet's way, as nft names them; the last two are those of devices. */
export type Stage = "prerouting" | "input" | "forward" | "output" | "postrouting" | "ingress" | "egress";

/** A hook, with the families of its packets and the way in which people change it. */
export interface FirewallHook extends PacketHook {
  families: readonly Family[];
  /** The program that keeps the chain: rules of its own go in by that. */
  by: "nft" | "iptables" | "iptables-legacy" | "ebtables";
  /** Family, table and chain, as nft names them. */
  place: string;
  tableName: string;
  type: ChainType;
  stage: Stage;
  /** Where it stands among the chains of its stage: the lowest comes first. */
  priority: number;
  /** It is younger than the table of host ports; undefined where nobody can tell. */
  isBeforeHostPorts?: boolean;
}

const FAMILIES: Record<number, readonly Family[]> = {
  [nft.NFPROTO_INET]: [4, 6],
  [nft.NFPROTO_IPV4]: [4],
  [nft.NFPROTO_IPV6]: [6],
};

const STAGES: { readonly [Each in number]?: Stage } = {
  [nft.NF_INET_PRE_ROUTING]: "prerouting",
  [nft.NF_INET_LOCAL_IN]: "input",
  [nft.NF_INET_FORWARD]: "forward",
  [nft.NF_INET_LOCAL_OUT]: "output",
  [nft.NF_INET_POST_ROUTING]: "postrouting",
};

/** The names of base chains of iptables. */
const BASES: { readonly [Each in Stage]?: LegacyBase } = {
  prerouting: "PREROUTING",
  input: "INPUT",
  forward: "FORWARD",
  output: "OUTPUT",
  postrouting: "POSTROUTING",
};

/** A table of iptables: its chains, and where they stand. */
interface TableOfIptables {
  type?: ChainType;
  priority: number | ((stage: Stage) => number);
  stages: readonly Stage[];
}

/** The tables of iptables. Its table nat drops nothing, since iptables refuses that, and may have a queue. */
const TABLES: { readonly [Each in string]?: TableOfIptables } = {
  raw: { priority: nft.NF_IP_PRI_RAW, stages: ["prerouting", "output"] },
  mangle: {
    priority: nft.NF_IP_PRI_MANGLE,
    stages: ["prerouting", "input", "forward", "output", "postrouting"],
  },
  nat: {
    type: "nat",
    priority: (stage) =>
      stage === "prerouting" || stage === "output" ? nft.NF_IP_PRI_NAT_DST : nft.NF_IP_PRI_NAT_SRC,
    stages: ["prerouting", "input", "output", "postrouting"],
  },
  filter: { priority: nft.NF_IP_PRI_FILTER, stages: ["input", "forward", "output"] },
  security: { priority: nft.NF_IP_PRI_SECURITY, stages: ["input", "forward", "output"] },
};

/**
 * The hooks of the node, without Pontoon's own tables, in the order of their priorities. Rules are read when
 * a packet comes to them. Throws SystemError.
 */
export function listFirewallHooks(node: Pick<Node, "rules">, chains = listBaseChains(node)): FirewallHook[] {
  const legacy = ([4, 6] as const).flatMap((family) =>
    Object.entries(TABLES).flatMap(([table, place]) => legacyHooks(family, table, place?.stages ?? [])),
  );
  return [...chains.flatMap(firewallHook), ...legacy].toSorted((a, b) => a.priority - b.priority);
}

/** Those of a firewall for what is forwarded: chains of type filter at that hook. Throws SystemError. */
export function listForwardHooks(node: Node): FirewallHook[] {
  return [
    ...listBaseChains(node)
      .flatMap(firewallHook)
      .filter(({ stage, type }) => stage === "forward" && type === "filter"),
    ...([4, 6] as const).flatMap((family) => legacyHooks(family, FILTER.table, ["forward"])),
  ];
}

function firewallHook(chain: BaseChain): FirewallHook[] {
  const { table, base, number } = chain;
  const families = FAMILIES[table.family];
  const stage = STAGES[number];
  if (families === undefined || stage === undefined) return [];
  const isOfIptables = table.family !== nft.NFPROTO_INET && BASES[stage] === base;
  const by = isOfIptables && TABLES[table.name] !== undefined ? "iptables" : "nft";
  return [{ ...chain, families, stage, by, tableName: table.name }];
}

function legacyHooks(family: Family, table: string, stages: readonly Stage[]): FirewallHook[] {
  if (!hasLegacyTable(family, { table })) return [];
  const entriesOf = readLegacyTable(family, table);
  return stages.flatMap((stage) => {
    const base = BASES[stage];
    return base === undefined ? [] : [legacyHook(entriesOf(base), { family, table, base, stage })];
  });
}

function legacyHook(
  entries: LegacyEntries,
  { family, table, base, stage }: { family: Family; table: string; base: LegacyBase; stage: Stage },
): FirewallHook {
  const places = new Map<string, number | undefined>([[base, undefined]]);
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
  const program = `${iptablesOf(family)}-legacy`;
  const isFilter = table === FILTER.table;
  const { type = "filter", priority = 0 } = TABLES[table] ?? {};
  return {
    title: `chain ${base} of ${isFilter ? "" : `table ${table} of `}${program}`,
    policy: entries.dropsByDefault() ? "drop" : "accept",
    base,
    rulesOf: once(rulesOf),
    families: [family],
    by: "iptables-legacy",
    place: `${program} ${isFilter ? "" : `-t ${table} `}${base}`,
    tableName: table,
    type,
    stage,
    priority: typeof priority === "number" ? priority : priority(stage),
  };
}
