// The base chains of nftables that may drop packets, by family, hook and device, without Pontoon's own.
import { type Attributes, listAttributes, readAttributes, readText } from "../../netlink/reader.ts";
import * as nft from "../../netlink/uapi/nf_tables.ts";
import { ifThereIsNftables } from "../../nft/answer.ts";
import { PORT_TABLE } from "../../nft/host-port-layout.ts";
import { FAMILY_NAMES, GENERIC_HEADER, listAllChainsMessage, type Table } from "../../nft/message.ts";
import type { PacketHook, PacketRule } from "../../nft/packet.ts";
import { readPacketRules } from "../../nft/packet-rule.ts";
import type { Node } from "../node.ts";

/** A base chain. Its rules are read when a packet comes to them. */
export interface BaseChain extends PacketHook {
  table: Table;
  /** A chain of type nat sees the first packet of a connection alone, and one of type route what leaves. */
  type: ChainType;
  /** The number of the hook in its family. */
  number: number;
  /** Where it stands among the chains of its hook: the lowest comes first. */
  priority: number;
  /** The devices of a chain that belongs to some; a star at the end stands for any ending. */
  devices: readonly string[];
  /** Family, table and chain, as nft names them. */
  place: string;
  /** Its table is younger than that of host ports: of chains with one priority the youngest comes first. */
  isBeforeHostPorts: boolean;
}

/** The type of a base chain; each may drop packets. */
export type ChainType = "filter" | "nat" | "route";

const TYPES: readonly ChainType[] = ["filter", "nat", "route"];

/** The base chains of the node; none on a kernel without nftables. Throws SystemError. */
export function listBaseChains(node: Pick<Node, "rules">): BaseChain[] {
  const open = () => node.rules;
  let isYounger = false;
  const replies = ifThereIsNftables(open, (socket) => socket.dump(listAllChainsMessage())) ?? [];
  return replies.flatMap(({ payload }): BaseChain[] => {
    const family = payload[0] ?? 0;
    const chain = readAttributes(payload, GENERIC_HEADER);
    const hook = chain.nest(nft.NFTA_CHAIN_HOOK);
    const [base = "", name = ""] = [chain.string(nft.NFTA_CHAIN_NAME), chain.string(nft.NFTA_CHAIN_TABLE)];
    const familyName = FAMILY_NAMES[family];
    const type = TYPES.find((each) => each === chain.string(nft.NFTA_CHAIN_TYPE));
    // The kernel lists tables by their age.
    isYounger ||= name === PORT_TABLE.name;
    if (familyName === undefined || hook === undefined || type === undefined || name.startsWith("pontoon"))
      return [];
    const table: Table = { family, name, title: `${familyName} ${name}` };
    return [
      {
        table,
        type,
        number: hook.be32(nft.NFTA_HOOK_HOOKNUM) ?? -1,
        priority: (hook.be32(nft.NFTA_HOOK_PRIORITY) ?? 0) | 0,
        devices: devicesOf(hook),
        title: `chain ${base} of table ${table.title}`,
        policy: chain.be32(nft.NFTA_CHAIN_POLICY) === nft.NF_DROP ? "drop" : "accept",
        base,
        rulesOf: once((which) => readPacketRules(node.rules, table, which)),
        place: `${table.title} ${base}`,
        isBeforeHostPorts: isYounger,
      },
    ];
  });
}

function devicesOf(hook: Attributes): string[] {
  const list = listAttributes(hook.bytes(nft.NFTA_HOOK_DEVS) ?? new Uint8Array());
  const one = hook.string(nft.NFTA_HOOK_DEV);
  if (list.length === 0) return one === undefined ? [] : [one];
  // The other kind is the beginning of names.
  return list.map(([type, bytes]) => `${readText(bytes)}${type === nft.NFTA_DEVICE_NAME ? "" : "*"}`);
}

/** Reads the rules of each chain once. */
export function once(read: (chain: string) => PacketRule[]): (chain: string) => PacketRule[] {
  const known = new Map<string, PacketRule[]>();
  return (chain) => {
    const rules = known.get(chain) ?? read(chain);
    known.set(chain, rules);
    return rules;
  };
}
