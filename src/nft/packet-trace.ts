// The way of one packet through all rules of the node, as the kernel tells it (nftrace). The table that marks
// the packet belongs to its socket (NFT_TABLE_F_OWNER, Linux 5.12): the kernel removes it when that closes,
// also when the process is killed.
import { type Address, addressBytes } from "../ip/address.ts";
import { type Reply, readAttributes } from "../netlink/reader.ts";
import { NetlinkSocket } from "../netlink/socket.ts";
import { NETLINK_NETFILTER } from "../netlink/uapi/netlink.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import { executeBatch } from "./batch.ts";
import { type Expression, equals, expression, HEADER, meta, payload } from "./expression.ts";
import {
  chainMessage,
  FAMILY_NAMES,
  GENERIC_HEADER,
  requestMessage,
  ruleMessage,
  type Table,
} from "./message.ts";
import { readRuleTexts } from "./packet-rule.ts";

/** The packets that are followed. */
export interface Traced {
  source: Address;
  destination: Address;
  /** IPPROTO_… */
  protocol: number;
  /** The destination's port; undefined for a protocol without ports. */
  port: number | undefined;
  /** True: the packet goes from port to port of a bridge. */
  isBridged: boolean;
}

/** A rule, or the policy of a chain, that the packet met. */
export interface TraceEvent {
  /** Family, table and chain, as nft names them. */
  place: string;
  /** The rule as people write it; undefined for the policy. */
  rule: string | undefined;
  /** `accept`, `drop`, `continue`, `jump CHAIN`… */
  verdict: string;
}

/** Before all other rules: connection tracking and raw tables come later. */
const FIRST = -500;

/** The longest wait for an event, and for the first of them, in milliseconds. */
const PAUSE_MS = 200;

/**
 * Follows the first packet of that kind while `send` runs and shortly after; gives the rules that it met, in
 * order. The table is gone when this returns. Throws SystemError and the errors of `send`.
 */
export function followPacket(traced: Traced, send: () => void): TraceEvent[] {
  using events = NetlinkSocket.open(NETLINK_NETFILTER, [nft.NFNLGRP_NFTRACE]);
  const replies: Reply[] = [];
  {
    using owner = NetlinkSocket.open(NETLINK_NETFILTER);
    executeBatch(owner, tableMessages(traced));
    send();
    for (let more = events.receive(WHAT, PAUSE_MS); more.length > 0; more = events.receive(WHAT, PAUSE_MS))
      replies.push(...more);
  }
  return readEvents(replies);
}

const WHAT = "follow a packet through the rules";

function tableMessages(traced: Traced) {
  const family = traced.isBridged ? nft.NFPROTO_BRIDGE : nft.NFPROTO_INET;
  const table: Table = { family, name: "pontoon-probe", title: `${FAMILY_NAMES[family]} pontoon-probe` };
  return [
    requestMessage(table, `create table ${table.title}`, nft.NFT_MSG_NEWTABLE, 0x400, (w) =>
      w.string(nft.NFTA_TABLE_NAME, table.name).be32Attribute(nft.NFTA_TABLE_FLAGS, nft.NFT_TABLE_F_OWNER),
    ),
    chainMessage(table, "mark", {
      ...{ type: "filter", number: nft.NF_INET_PRE_ROUTING, priority: FIRST },
      text: `prerouting priority ${FIRST}`,
    }),
    ruleMessage(table, "mark", markingRule(traced)),
  ];
}

/** `meta protocol ip ip saddr A ip daddr B meta l4proto tcp th dport 80 meta nftrace set 1` */
function markingRule({ source, destination, protocol, port }: Traced): Expression[] {
  const { saddr, daddr, length } = HEADER[source.family];
  const ETHER = { 4: [0x08, 0x00], 6: [0x86, 0xdd] } as const;
  return [
    meta(nft.NFT_META_PROTOCOL, nft.NFT_REG_1),
    equals(nft.NFT_REG_1, Uint8Array.from(ETHER[source.family])),
    payload(nft.NFT_REG_1, { offset: saddr, length }),
    equals(nft.NFT_REG_1, addressBytes(source)),
    payload(nft.NFT_REG_1, { offset: daddr, length }),
    equals(nft.NFT_REG_1, addressBytes(destination)),
    meta(nft.NFT_META_L4PROTO, nft.NFT_REG_1),
    equals(nft.NFT_REG_1, Uint8Array.of(protocol)),
    ...(port === undefined
      ? []
      : [
          payload(nft.NFT_REG_1, { offset: 2, length: 2, base: nft.NFT_PAYLOAD_TRANSPORT_HEADER }),
          equals(nft.NFT_REG_1, Uint8Array.of(port >>> 8, port & 0xff)),
        ]),
    expression("immediate", (w) => {
      w.be32Attribute(nft.NFTA_IMMEDIATE_DREG, nft.NFT_REG_1);
      w.nest(nft.NFTA_IMMEDIATE_DATA, () => w.attribute(nft.NFTA_DATA_VALUE, Uint8Array.of(1)));
    }),
    expression("meta", (w) =>
      w
        .be32Attribute(nft.NFTA_META_KEY, nft.NFT_META_NFTRACE)
        .be32Attribute(nft.NFTA_META_SREG, nft.NFT_REG_1),
    ),
  ];
}

/**
 * The events of the first packet, without those of the table that marks it. Each packet begins there; the
 * number that the kernel gives it (NFTA_TRACE_ID) changes when it is routed.
 */
function readEvents(replies: readonly Reply[]): TraceEvent[] {
  using rules = NetlinkSocket.open(NETLINK_NETFILTER);
  const known = new Map<string, Map<string, string>>();
  const textOf = (table: Table, chain: string, handle: string): string => {
    const id = `${table.title} ${chain}`;
    const texts = known.get(id) ?? readRuleTexts(rules, table, chain);
    known.set(id, texts);
    return texts.get(handle) ?? "a rule that has gone";
  };
  const all = replies.flatMap((reply) => readEvent(reply, textOf) ?? []);
  const begins = all.flatMap(({ place, rule }, at) => (isMarking(place) && rule !== undefined ? [at] : []));
  return all.slice(begins[0] ?? 0, begins[1] ?? all.length).filter(({ place }) => !isMarking(place));
}

function isMarking(place: string): boolean {
  return place.endsWith(" pontoon-probe mark");
}

function readEvent(
  { type, payload: bytes }: Reply,
  textOf: (table: Table, chain: string, handle: string) => string,
): TraceEvent | undefined {
  if ((type & 0xff) !== nft.NFT_MSG_TRACE) return undefined;
  const attributes = readAttributes(bytes, GENERIC_HEADER);
  const kind = attributes.be32(nft.NFTA_TRACE_TYPE);
  const [name = "", chain = ""] = [
    attributes.string(nft.NFTA_TRACE_TABLE),
    attributes.string(nft.NFTA_TRACE_CHAIN),
  ];
  const family = bytes[0] ?? 0;
  const table: Table = { family, name, title: `${FAMILY_NAMES[family] ?? family} ${name}` };
  const about = { place: `${table.title} ${chain}` };
  if (kind === nft.NFT_TRACETYPE_POLICY) {
    const policy = attributes.be32(nft.NFTA_TRACE_POLICY);
    return { ...about, rule: undefined, verdict: policy === nft.NF_DROP ? "drop" : "accept" };
  }
  const handle = attributes.bytes(nft.NFTA_TRACE_RULE_HANDLE);
  if (kind !== nft.NFT_TRACETYPE_RULE || handle === undefined) return undefined;
  const verdict = attributes.nest(nft.NFTA_TRACE_VERDICT);
  const code = (verdict?.be32(nft.NFTA_VERDICT_CODE) ?? 0) | 0;
  const target = verdict?.string(nft.NFTA_VERDICT_CHAIN);
  return { ...about, rule: textOf(table, chain, handle.join()), verdict: verdictText(code, target) };
}

function verdictText(code: number, chain: string | undefined): string {
  if (code === nft.NFT_JUMP) return `jump ${chain}`;
  if (code === nft.NFT_GOTO) return `goto ${chain}`;
  if (code === nft.NFT_RETURN) return "return";
  if (code < 0) return "continue";
  return (code & 0xff) === nft.NF_DROP ? "drop" : (code & 0xff) === nft.NF_ACCEPT ? "accept" : "queue";
}
