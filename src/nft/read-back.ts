// Tables of Pontoon compared with what the kernel has, rule by rule. An ADD counts rules, which costs less;
// CHECK reads them.
import { type Reply, readAttributes } from "../netlink/reader.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import { Writer } from "../netlink/writer.ts";
import {
  GENERIC_HEADER,
  getTableMessage,
  listChainsMessage,
  listRulesMessage,
  type Table,
} from "./message.ts";
import { recall } from "./recall.ts";
import { hasAll, isRule } from "./rule-match.ts";
import { isKnownIn, isWholeIn, missingIn, type TableLayout, type TableParts } from "./table-layout.ts";

/**
 * The parts of a table that are missing or altered, in the form of missingIn. A table as an earlier release
 * laid it out is whole by the number of its rules alone. Throws SystemError.
 */
export function missingOrAltered(socket: NetlinkSocket, parts: TableParts): string[] {
  const { layout, chains } = parts;
  const { table, rules, earlier } = layout;
  return recall(
    () => JSON.stringify([table.title, rules, earlier?.length, chains.map(({ name }) => name)]),
    () => compare(socket, parts),
  );
}

function compare(socket: NetlinkSocket, { layout, chains }: TableParts): string[] {
  const { table } = layout;
  const rules = groupByChain(socket.dump(listRulesMessage(table)));
  const counts = new Map([...rules].map(([chain, found]) => [chain, found.length]));
  const missing = missingIn(counts, { layout, chains }, isKnownIn);
  if (missing.includes("table")) return missing;
  const isCurrent = isWholeIn(counts, layout);
  const isAltered =
    isDormant(socket, table) ||
    (isCurrent && !areRules(layout.ruleMessages(), rules)) ||
    (isCurrent && !areChains(layout.tableMessages(), socket, table));
  const altered = chains.filter(
    ({ name, messages }) => !missing.includes(name) && !areRules(messages(), rules),
  );
  return [...(isAltered ? ["table"] : []), ...missing, ...altered.map(({ name }) => name)];
}

/** True for a table that is as it was made; for CHECK. Throws SystemError. */
export function isTableAsMade(socket: NetlinkSocket, layout: TableLayout): boolean {
  return missingOrAltered(socket, { layout, chains: [] }).length === 0;
}

/** The rules of each chain in their order, as attributes. */
function groupByChain(replies: readonly Reply[]): Map<string, Uint8Array[]> {
  const groups = new Map<string, Uint8Array[]>();
  for (const { payload } of replies) {
    const chain = readAttributes(payload, GENERIC_HEADER).string(nft.NFTA_RULE_CHAIN) ?? "";
    const rule = payload.subarray(GENERIC_HEADER);
    const rules = groups.get(chain);
    if (rules === undefined) groups.set(chain, [rule]);
    else rules.push(rule);
  }
  return groups;
}

/** True when each rule that these messages make stands in its chain, at its place. */
function areRules(messages: readonly Message[], rules: ReadonlyMap<string, Uint8Array[]>): boolean {
  const places = new Map<string, number>();
  return writtenBy(messages, nft.NFT_MSG_NEWRULE).every((expected) => {
    const chain = readAttributes(expected).string(nft.NFTA_RULE_CHAIN) ?? "";
    const place = places.get(chain) ?? 0;
    places.set(chain, place + 1);
    const found = rules.get(chain)?.[place];
    return found !== undefined && isRule(expected, found);
  });
}

/** True when each chain that these messages make is there, with its hook, priority and policy. */
function areChains(messages: readonly Message[], socket: NetlinkSocket, table: Table): boolean {
  const found = socket.dump(listChainsMessage(table)).map(({ payload }) => payload.subarray(GENERIC_HEADER));
  return writtenBy(messages, nft.NFT_MSG_NEWCHAIN).every((expected) =>
    found.some((chain) => hasAll(expected, chain)),
  );
}

/** True for a table that was switched off (`flags dormant`). */
function isDormant(socket: NetlinkSocket, table: Table): boolean {
  const reply = socket.execute([getTableMessage(table)])[0]?.replies[0];
  const flags = reply && readAttributes(reply.payload, GENERIC_HEADER).be32(nft.NFTA_TABLE_FLAGS);
  return ((flags ?? 0) & nft.NFT_TABLE_F_DORMANT) !== 0;
}

/** The attributes that those messages write which make things of one type. */
function writtenBy(messages: readonly Message[], type: number): Uint8Array[] {
  return messages
    .filter((message) => message.type === ((nft.NFNL_SUBSYS_NFTABLES << 8) | type))
    .map(({ body }) => {
      const writer = new Writer();
      body(writer);
      return writer.written.slice(GENERIC_HEADER);
    });
}
