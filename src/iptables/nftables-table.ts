// A table of iptables in its nftables variant, such as `ip nat` and `ip6 nat`, read and cleared over netlink,
// without any program. Its rules have the form that `nft --debug=netlink list table ip nat` shows.
import { addressFromBytes, type Family, familyBits } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";
import { type Attributes, type Reply, readAttributes, readText } from "../netlink/reader.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import { countChainUses, ifThereIsNftables, listExpressions } from "../nft/answer.ts";
import { executeBatch } from "../nft/batch.ts";
import {
  deleteChainMessage,
  deleteRuleMessage,
  GENERIC_HEADER,
  listChainsMessage,
  listRulesMessage,
  type Table,
} from "../nft/message.ts";
import { type ChainPlace, type IptablesTable, type Jump, leadingOnes } from "./table.ts";

/** Offset of the source address in the IP headers (RFC 791, RFC 8200). */
const SOURCE_OFFSET = { 4: 12, 6: 8 } as const;

/** One family of the table. The kernel is asked only by its methods. */
export function nftablesTable(socket: NetlinkSocket, family: Family, place: ChainPlace): IptablesTable {
  const { base } = place;
  const table = tableInNftables(family, place);
  const ifThere = <T>(look: (rules: NetlinkSocket) => T): T | undefined =>
    ifThereIsNftables(() => socket, look);
  return {
    family,
    variant: "nftables",
    mayDrop: () => ifThere((rules) => countChainUses(rules, table, base)) !== undefined,
    countUses: (chain) => ifThere((rules) => countChainUses(rules, table, chain)),
    listJumps: (prefix) =>
      ifThere((rules) => rules.dump(listRulesMessage(table, base)))?.flatMap(
        (reply) => readJump(reply, family, prefix) ?? [],
      ) ?? [],
    listChains: (prefix) =>
      ifThere((rules) => rules.dump(listChainsMessage(table)))?.flatMap(
        (reply) => readChain(reply, table, prefix) ?? [],
      ) ?? [],
    remove: (jumps, chains) =>
      executeBatch(socket, [
        ...jumps.map(({ rule }) => deleteRuleMessage(table, base, rule as Uint8Array)),
        ...chains.map((chain) => deleteChainMessage(table, chain)),
      ]),
  };
}

/** The table as nftables knows it. */
export function tableInNftables(family: Family, { table: name }: ChainPlace): Table {
  return family === 4
    ? { family: nft.NFPROTO_IPV4, name, title: `ip ${name}` }
    : { family: nft.NFPROTO_IPV6, name, title: `ip6 ${name}` };
}

/** The chain's name, if it starts with `prefix`. The kernel lists the chains of all tables of the family. */
function readChain({ payload }: Reply, table: Table, prefix: string): string | undefined {
  const chain = readAttributes(payload, GENERIC_HEADER);
  const name = chain.string(nft.NFTA_CHAIN_NAME) ?? "";
  return chain.string(nft.NFTA_CHAIN_TABLE) === table.name && name.startsWith(prefix) ? name : undefined;
}

/**
 * A rule as a jump, or undefined when it is none. Its expressions: the source address is loaded, masked where
 * its prefix does not end with a byte, and compared; the comment is a match of xtables; the jump is a
 * verdict.
 */
function readJump({ payload }: Reply, family: Family, prefix: string): Jump | undefined {
  const rule = readAttributes(payload, GENERIC_HEADER);
  const handle = rule.bytes(nft.NFTA_RULE_HANDLE);
  let chain = "";
  let comment = "";
  let source: Prefix | undefined;
  let isSource = false;
  let mask: Uint8Array | undefined;
  for (const { name, data } of listExpressions(rule)) {
    if (data === undefined) continue;
    if (name === "payload") isSource = data.be32(nft.NFTA_PAYLOAD_OFFSET) === SOURCE_OFFSET[family];
    if (name === "bitwise") mask = data.nest(nft.NFTA_BITWISE_MASK)?.bytes(nft.NFTA_DATA_VALUE);
    if (name === "cmp" && isSource && data.be32(nft.NFTA_CMP_OP) === nft.NFT_CMP_EQ)
      source = readSource(data, mask, family);
    if (name === "match" && data.string(nft.NFTA_MATCH_NAME) === "comment")
      comment = readText(data.bytes(nft.NFTA_MATCH_INFO) ?? new Uint8Array());
    if (name === "immediate")
      chain =
        data.nest(nft.NFTA_IMMEDIATE_DATA)?.nest(nft.NFTA_DATA_VERDICT)?.string(nft.NFTA_VERDICT_CHAIN) ?? "";
  }
  return handle !== undefined && chain !== "" && chain.startsWith(prefix)
    ? { chain, source, comment, rule: handle }
    : undefined;
}

/** The source of a rule. Without a mask the length of the compared bytes is the prefix length. */
function readSource(data: Attributes, mask: Uint8Array | undefined, family: Family): Prefix | undefined {
  const value = data.nest(nft.NFTA_CMP_DATA)?.bytes(nft.NFTA_DATA_VALUE);
  const bytes = familyBits(family) / 8;
  if (value === undefined || value.length > bytes) return undefined;
  const address = new Uint8Array(bytes);
  address.set(value);
  return {
    address: addressFromBytes(address),
    length: mask === undefined ? value.length * 8 : leadingOnes(mask),
  };
}
