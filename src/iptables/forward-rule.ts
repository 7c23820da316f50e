// The chain of forward-chain.ts for iptables in its nftables variant, over netlink. Its rules are built as
// iptables builds them, so that iptables can list and save the table: it would refuse a native `ct state`.
// (As `nft --debug=netlink` shows them; linux/netfilter/nf_tables_compat.h, xt_conntrack.h, xt_devgroup.h)
import type { Message } from "../netlink/socket.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import { type Expression, equals, expression, meta, verdict } from "../nft/expression.ts";
import { chainMessage, firstRuleMessage, ruleMessage } from "../nft/message.ts";
import { textBytes, u32Bytes } from "../sys/bytes.ts";
import { ADMIN_CHAIN, ANSWERS, type ForwardChain, TRANSLATED } from "./forward-chain.ts";
import { tableInNftables } from "./nftables-table.ts";
import { FILTER } from "./table.ts";

/** The messages that make a chain, in one batch; no part of it exists. */
export function forwardMessages({ family, entry, name }: ForwardChain, hasAdmin: boolean): Message[] {
  const table = tableInNftables(family, FILTER);
  const [from, to] =
    typeof entry === "number"
      ? [[groupIs("source", entry)], [groupIs("destination", entry)]]
      : [interfaceIs(nft.NFT_META_IIFNAME, entry), interfaceIs(nft.NFT_META_OIFNAME, entry)];
  const accept = (match: Expression[]): Message =>
    ruleMessage(table, name, [...match, counter(), verdict(nft.NF_ACCEPT)]);
  const jump = (match: Expression[]): Message =>
    firstRuleMessage(table, FILTER.base, [...match, counter(), verdict(nft.NFT_JUMP, name)]);
  return [
    chainMessage(table, name),
    ...(hasAdmin ? [ruleMessage(table, name, [counter(), verdict(nft.NFT_JUMP, ADMIN_CHAIN)])] : []),
    accept(from),
    accept([...to, stateIs(ANSWERS)]),
    accept([...to, stateIs(TRANSLATED)]),
    jump(to),
    jump(from),
  ];
}

/**
 * A test of the interface, with the end of its name: without it the name would be the beginning of other
 * names.
 */
function interfaceIs(key: number, name: string): Expression[] {
  return [meta(key, nft.NFT_REG_1), equals(nft.NFT_REG_1, textBytes(`${name}\0`))];
}

/** `-m devgroup --src-group GROUP`, `-m devgroup --dst-group GROUP` */
function groupIs(side: keyof typeof DEVGROUP.sides, group: number): Expression {
  const { flag, at } = DEVGROUP.sides[side];
  const info = new Uint8Array(DEVGROUP.bytes);
  info.set(u32Bytes(flag), 0);
  info.set(u32Bytes(group), at);
  info.set(u32Bytes(0xffffffff), at + 4);
  return matchOf("devgroup", { revision: DEVGROUP.revision, info });
}

/**
 * struct xt_devgroup_info: its size with padding, and for each side its flag, and where its group stands,
 * with the mask behind it.
 */
const DEVGROUP = {
  revision: 0,
  bytes: 24,
  sides: { source: { flag: 1, at: 4 }, destination: { flag: 4, at: 12 } },
} as const;

/** `-m conntrack --ctstate …` */
function stateIs(states: readonly (keyof typeof STATE)[]): Expression {
  return matchOf("conntrack", { revision: CONNTRACK.revision, info: stateMatch(states) });
}

/** A match of xtables. */
function matchOf(name: string, { revision, info }: { revision: number; info: Uint8Array }): Expression {
  return expression("match", (w) =>
    w
      .string(nft.NFTA_MATCH_NAME, name)
      .be32Attribute(nft.NFTA_MATCH_REV, revision)
      .attribute(nft.NFTA_MATCH_INFO, info),
  );
}

function counter(): Expression {
  return expression("counter", () => {});
}

/** XT_CONNTRACK_STATE_BIT of IP_CT_RELATED and IP_CT_ESTABLISHED, XT_CONNTRACK_STATE_DNAT. */
const STATE = { ESTABLISHED: 1 << 1, RELATED: 1 << 2, DNAT: 1 << 7 } as const;

/** struct xt_conntrack_mtinfo3: its size with padding, where its fields are, and XT_CONNTRACK_STATE. */
const CONNTRACK = { revision: 3, bytes: 168, matchFlags: 146, stateMask: 150, state: 1 };

function stateMatch(states: readonly (keyof typeof STATE)[]): Uint8Array {
  const info = new Uint8Array(CONNTRACK.bytes);
  info.set(u32Bytes(CONNTRACK.state), CONNTRACK.matchFlags);
  info.set(u32Bytes(states.reduce((mask, state) => mask | STATE[state], 0)), CONNTRACK.stateMask);
  return info;
}
