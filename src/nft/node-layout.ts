// The ruleset by which a node masquerades what its pods send out of the cluster, as data: a table of its own,
// beside the one of single attachments (layout.ts). The kernel shows a chain of type nat the first packet of
// a connection alone, and such a packet of a pod meets one look-up, however many nodes there are.
//
//   table inet pontoon-node {
//     set except4 { type ipv4_addr; flags interval }      where pods' packets keep their source address
//     set except6 { type ipv6_addr; flags interval }
//     chain postrouting { … }
//   }
import { addressFromBytes, type Family } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";
import type { AddressRange } from "../ip/range.ts";
import { readAttributes } from "../netlink/reader.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import { isErrno } from "../sys/errno.ts";
import { listExpressions } from "./answer.ts";
import { executeBatch } from "./batch.ts";
import type { Rule } from "./expression.ts";
import { addIntervalMessages, deleteIntervalMessages, type IntervalSet, listIntervals } from "./interval.ts";
import { TYPE_IP6ADDR, TYPE_IPADDR } from "./key.ts";
import {
  deleteTableMessage,
  GENERIC_HEADER,
  getTableMessage,
  type Hook,
  listRulesMessage,
  type Table,
  tableMessage,
} from "./message.ts";
import { isFrom } from "./packet-test.ts";
import { isTableAsMade } from "./read-back.ts";
import { destinationNotIn, masquerade } from "./statement.ts";
import { type TableLayout, tableLayout } from "./table-layout.ts";

/** The table of the node's own masquerading. */
export const NODE_TABLE: Table = {
  family: nft.NFPROTO_INET,
  name: "pontoon-node",
  title: "inet pontoon-node",
};

const POSTROUTING = "postrouting";
const FAMILIES = [4, 6] as const;

/** What a node masquerades: packets out of its pods' subnets to all but the exceptions. */
export interface NodeMasquerade {
  podSubnets: readonly Prefix[];
  /** Disjoint ranges in order, by family (ip/union.ts). */
  except: Readonly<Record<Family, readonly AddressRange[]>>;
}

function nodeRules(podSubnets: readonly Prefix[]): Rule[] {
  return podSubnets.map((subnet) => {
    const { family } = subnet.address;
    return [isFrom(subnet), destinationNotIn(family, setOf(family).set), masquerade()];
  });
}

function setOf(family: Family): IntervalSet {
  return { table: NODE_TABLE, set: `except${family}`, family };
}

const POSTROUTING_HOOK: Hook = {
  type: "nat",
  number: nft.NF_INET_POST_ROUTING,
  priority: 100,
  text: "postrouting priority srcnat",
};

/** The layout of the table of a node with these subnets of pods. */
export function nodeLayout(podSubnets: readonly Prefix[]): TableLayout {
  return tableLayout({
    table: NODE_TABLE,
    rules: [[POSTROUTING, podSubnets.length]],
    sets: () => [
      {
        name: setOf(4).set,
        key: { type: TYPE_IPADDR, length: 4, inHostOrder: false },
        isOfIntervals: true,
      },
      {
        name: setOf(6).set,
        key: { type: TYPE_IP6ADDR, length: 16, inHostOrder: false },
        isOfIntervals: true,
      },
    ],
    chains: () => [{ name: POSTROUTING, hook: POSTROUTING_HOOK, rules: nodeRules(podSubnets) }],
  });
}

/** The difference between a table and the wanted one: one batch, and a word for people. */
export interface TableChange {
  action: "added" | "changed" | "removed";
  messages: Message[];
}

/**
 * The change that makes the table as wanted, or takes it away where nothing is wanted; undefined when it is
 * so. Throws SystemError.
 */
export function nodeTableChange(
  socket: NetlinkSocket,
  wanted: NodeMasquerade | undefined,
): TableChange | undefined {
  const isThere = hasNodeTable(socket);
  if (wanted === undefined)
    return isThere ? { action: "removed", messages: [deleteTableMessage(NODE_TABLE)] } : undefined;
  const layout = nodeLayout(wanted.podSubnets);
  if (isThere && isTableAsMade(socket, layout)) {
    const messages = FAMILIES.flatMap((family) => {
      const set = setOf(family);
      const { stale, missing } = difference(listIntervals(socket, set), wanted.except[family]);
      return [...deleteIntervalMessages(set, stale), ...addIntervalMessages(set, missing)];
    });
    return messages.length === 0 ? undefined : { action: "changed", messages };
  }
  const messages = [
    // The first message makes the second one succeed whatever is there.
    ...(isThere ? [tableMessage(NODE_TABLE), deleteTableMessage(NODE_TABLE)] : []),
    ...layout.tableMessages(),
    ...FAMILIES.flatMap((family) => addIntervalMessages(setOf(family), wanted.except[family])),
    ...layout.ruleMessages(),
  ];
  return { action: isThere ? "changed" : "added", messages };
}

/** Makes a change, all of it or nothing. Throws SystemError. */
export function makeTableChange(socket: NetlinkSocket, { messages }: TableChange): void {
  executeBatch(socket, messages);
}

/** True when the table is there, in whatever state. Throws SystemError. */
export function hasNodeTable(socket: NetlinkSocket): boolean {
  const [outcome] = socket.transact([getTableMessage(NODE_TABLE)]);
  if (outcome?.error !== undefined && !isErrno(outcome.error, "ENOENT")) throw outcome.error;
  return outcome?.error === undefined;
}

/**
 * True for an event (NFNLGRP_NFTABLES) about the table, or anything in it: each names its table by its first
 * attribute.
 */
export function isNodeTableEvent(type: number, payload: Uint8Array): boolean {
  // struct nfgenmsg begins with the family. A new generation is told of after each change, by its number.
  if (payload[0] !== NODE_TABLE.family || (type & 0xff) === nft.NFT_MSG_NEWGEN) return false;
  return readAttributes(payload, GENERIC_HEADER).string(nft.NFTA_TABLE_NAME) === NODE_TABLE.name;
}

/** The exceptions in the kernel, as ranges of both families. Throws SystemError. */
export function listExceptions(socket: NetlinkSocket): AddressRange[] {
  return FAMILIES.flatMap((family) => listIntervals(socket, setOf(family)));
}

/** The subnets whose packets are masqueraded, by the rules in the kernel. Throws SystemError. */
export function listSources(socket: NetlinkSocket): Prefix[] {
  return socket.dump(listRulesMessage(NODE_TABLE)).flatMap(({ payload }) => {
    const expressions = listExpressions(readAttributes(payload, GENERIC_HEADER));
    const dataOf = (wanted: string) => expressions.filter(({ name }) => name === wanted);
    // The first comparison is that of the family, the second that of the source.
    const source = dataOf("cmp")[1]?.data?.nest(nft.NFTA_CMP_DATA)?.bytes(nft.NFTA_DATA_VALUE);
    const family = dataOf("cmp")[0]?.data?.nest(nft.NFTA_CMP_DATA)?.bytes(nft.NFTA_DATA_VALUE)?.[0];
    const bits = dataOf("bitwise")[0]?.data?.nest(nft.NFTA_BITWISE_MASK)?.bytes(nft.NFTA_DATA_VALUE);
    if (source === undefined || family === undefined) return [];
    const address = new Uint8Array(family === nft.NFPROTO_IPV4 ? 4 : 16);
    address.set(source.subarray(0, address.length));
    return [
      { address: addressFromBytes(address), length: bits === undefined ? 8 * source.length : ones(bits) },
    ];
  });
}

/** The number of bits that are set. */
function ones(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) for (let rest = byte; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** The ranges that only one of two lists has. Both are in order, and no list has overlaps. */
function difference(
  found: readonly AddressRange[],
  wanted: readonly AddressRange[],
): { stale: AddressRange[]; missing: AddressRange[] } {
  const [stale, missing]: [AddressRange[], AddressRange[]] = [[], []];
  for (let [at, next] = [0, 0]; at < found.length || next < wanted.length; ) {
    const [there, want] = [found[at], wanted[next]];
    if (there !== undefined && want !== undefined && isSameRange(there, want)) {
      at++;
      next++;
    } else if (want === undefined || (there !== undefined && there.first.value <= want.first.value)) {
      stale.push(there!);
      at++;
    } else {
      missing.push(want);
      next++;
    }
  }
  return { stale, missing };
}

function isSameRange(a: AddressRange, b: AddressRange): boolean {
  return a.first.value === b.first.value && a.last.value === b.last.value;
}
