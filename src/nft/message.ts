// Requests to nftables about tables, chains and rules.
// (linux/netfilter/nf_tables.h, nfnetlink.h)
import type { Message } from "../netlink/socket.ts";
import { NLM_F_APPEND, NLM_F_CREATE } from "../netlink/uapi/netlink.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import type { Writer } from "../netlink/writer.ts";
import type { Expression, Rule } from "./expression.ts";

/** A table: its family (NFPROTO_…) and name. */
export interface Table {
  family: number;
  name: string;
  /** Family and name, as `nft` writes them. */
  title: string;
}

/** The names of families of tables whose packets are IP, as `nft` writes them. */
export const FAMILY_NAMES: Readonly<Record<number, string>> = {
  [nft.NFPROTO_INET]: "inet",
  [nft.NFPROTO_IPV4]: "ip",
  [nft.NFPROTO_NETDEV]: "netdev",
  [nft.NFPROTO_BRIDGE]: "bridge",
  [nft.NFPROTO_IPV6]: "ip6",
};

/** The length of struct nfgenmsg, which stands before the attributes of an answer. */
export const GENERIC_HEADER = 4;

/** Makes the table, if it is not there yet. */
export function tableMessage(table: Table): Message {
  return requestMessage(table, `create table ${table.title}`, nft.NFT_MSG_NEWTABLE, NLM_F_CREATE, (w) =>
    w.string(nft.NFTA_TABLE_NAME, table.name),
  );
}

/** The place where packets come to a base chain. */
export interface Hook {
  type: "nat" | "filter";
  number: number;
  priority: number;
  /** Place and priority in nft's words, as in `prerouting priority dstnat`. */
  text: string;
}

/**
 * Makes a chain, if it is not there yet. With `hook` it is a base chain, which accepts packets that its rules
 * let through.
 */
export function chainMessage(table: Table, name: string, hook?: Hook): Message {
  return requestMessage(table, `create chain ${name}`, nft.NFT_MSG_NEWCHAIN, NLM_F_CREATE, (w) => {
    w.string(nft.NFTA_CHAIN_TABLE, table.name).string(nft.NFTA_CHAIN_NAME, name);
    if (hook === undefined) return;
    w.nest(nft.NFTA_CHAIN_HOOK, () =>
      w
        .be32Attribute(nft.NFTA_HOOK_HOOKNUM, hook.number)
        .be32Attribute(nft.NFTA_HOOK_PRIORITY, hook.priority),
    );
    w.string(nft.NFTA_CHAIN_TYPE, hook.type).be32Attribute(nft.NFTA_CHAIN_POLICY, nft.NF_ACCEPT);
  });
}

/** Deletes the table, with everything in it. */
export function deleteTableMessage(table: Table): Message {
  return requestMessage(table, `delete table ${table.title}`, nft.NFT_MSG_DELTABLE, 0, (w) =>
    w.string(nft.NFTA_TABLE_NAME, table.name),
  );
}

/** Deletes a chain with its rules. Refused with EBUSY while an element or a rule leads to it. */
export function deleteChainMessage(table: Table, name: string): Message {
  return requestMessage(table, `delete chain ${name}`, nft.NFT_MSG_DELCHAIN, 0, (w) =>
    w.string(nft.NFTA_CHAIN_TABLE, table.name).string(nft.NFTA_CHAIN_NAME, name),
  );
}

/** Asks for a table. Not part of a batch. */
export function getTableMessage(table: Table): Message {
  return requestMessage(table, `ask for table ${table.title}`, nft.NFT_MSG_GETTABLE, 0, (w) =>
    w.string(nft.NFTA_TABLE_NAME, table.name),
  );
}

/** Asks for a chain. Not part of a batch. */
export function getChainMessage(table: Table, name: string): Message {
  return requestMessage(table, `ask for chain ${name}`, nft.NFT_MSG_GETCHAIN, 0, (w) =>
    w.string(nft.NFTA_CHAIN_TABLE, table.name).string(nft.NFTA_CHAIN_NAME, name),
  );
}

/** Asks for all chains of a table. */
export function listChainsMessage(table: Table): Message {
  return requestMessage(table, `list the chains of table ${table.title}`, nft.NFT_MSG_GETCHAIN, 0, (w) =>
    w.string(nft.NFTA_CHAIN_TABLE, table.name),
  );
}

/** Asks for all chains of all tables. */
export function listAllChainsMessage(): Message {
  return {
    what: "list all chains",
    type: (nft.NFNL_SUBSYS_NFTABLES << 8) | nft.NFT_MSG_GETCHAIN,
    flags: 0,
    body: (w) => generic(w, nft.NFPROTO_UNSPEC, 0),
  };
}

/** Adds a rule at the end of a chain. */
export function ruleMessage(table: Table, chain: string, expressions: Expression[]): Message {
  return requestMessage(
    table,
    `add a rule to chain ${chain}`,
    nft.NFT_MSG_NEWRULE,
    NLM_F_CREATE | NLM_F_APPEND,
    (w) => {
      w.string(nft.NFTA_RULE_TABLE, table.name).string(nft.NFTA_RULE_CHAIN, chain);
      w.nest(nft.NFTA_RULE_EXPRESSIONS, () => {
        for (const write of expressions) write(w);
      });
    },
  );
}

/** Messages that give a chain these rules in place of any others. */
export function rulesMessages(table: Table, chain: string, rules: readonly Rule[]): Message[] {
  const add = (rule: Rule): Message =>
    ruleMessage(
      table,
      chain,
      rule.flatMap(({ expressions }) => expressions),
    );
  return [flushChainMessage(table, chain), ...rules.map(add)];
}

/** Adds a rule at the beginning of a chain. */
export function firstRuleMessage(table: Table, chain: string, expressions: Expression[]): Message {
  return { ...ruleMessage(table, chain, expressions), flags: NLM_F_CREATE };
}

/** Deletes a rule by the number that the kernel gave it (64 bits, as they came). */
export function deleteRuleMessage(table: Table, chain: string, handle: Uint8Array): Message {
  return requestMessage(table, `delete a rule of chain ${chain}`, nft.NFT_MSG_DELRULE, 0, (w) =>
    w
      .string(nft.NFTA_RULE_TABLE, table.name)
      .string(nft.NFTA_RULE_CHAIN, chain)
      .attribute(nft.NFTA_RULE_HANDLE, handle),
  );
}

/** Deletes all rules of a chain. */
function flushChainMessage(table: Table, name: string): Message {
  return requestMessage(table, `flush chain ${name}`, nft.NFT_MSG_DELRULE, 0, (w) =>
    w.string(nft.NFTA_RULE_TABLE, table.name).string(nft.NFTA_RULE_CHAIN, name),
  );
}

/** Asks for all rules of a table, or of one of its chains. */
export function listRulesMessage(table: Table, chain?: string): Message {
  return requestMessage(table, `list the rules of table ${table.title}`, nft.NFT_MSG_GETRULE, 0, (w) => {
    w.string(nft.NFTA_RULE_TABLE, table.name);
    if (chain !== undefined) w.string(nft.NFTA_RULE_CHAIN, chain);
  });
}

/** Asks for the generation of the ruleset: the cheapest proof that nftables is there. */
export function getGenerationMessage(): Message {
  return {
    what: "ask nftables for its generation",
    type: (nft.NFNL_SUBSYS_NFTABLES << 8) | nft.NFT_MSG_GETGEN,
    flags: 0,
    body: (w) => generic(w, nft.NFPROTO_INET, 0),
  };
}

/** A request about something in a table; `body` writes its attributes. */
// biome-ignore lint/complexity/useMaxParams: it runs for each of thousands of elements.
export function requestMessage(
  { family }: Table,
  what: string,
  type: number,
  flags: number,
  body: (w: Writer) => void,
): Message {
  return {
    what,
    type: (nft.NFNL_SUBSYS_NFTABLES << 8) | type,
    flags,
    body: (w) => {
      generic(w, family, 0);
      body(w);
    },
  };
}

/** Writes struct nfgenmsg; the resource number is in network order. */
export function generic(w: Writer, family: number, resource: number): void {
  w.u8(family)
    .u8(0)
    .u16(((resource & 0xff) << 8) | (resource >> 8));
}
