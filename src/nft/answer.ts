// What nftables answers: elements with their owners, and which chains hold how many rules.
import { listAttributes, readAttributes, readText, type Reply } from "../netlink/reader.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import { isErrno } from "../sys/errno.ts";
import { type Element, getChainMessage, getElementMessage, listElementsMessage, listRulesMessage } from "./message.ts";

/** struct nfgenmsg */
const HEADER = 4;

/** The element of a map with this key, or undefined when there is none (or no map, or no table). Throws SystemError. */
export function getElement(socket: NetlinkSocket, map: string, key: Uint8Array): Element | undefined {
  const [outcome] = socket.transact([getElementMessage(map, key)]);
  if (outcome?.error !== undefined && !isErrno(outcome.error, "ENOENT")) throw outcome.error;
  const reply = outcome?.replies[0];
  return reply === undefined ? undefined : readElements(map, reply)[0];
}

/** All elements of a map; none when the map or the table is missing. Throws SystemError. */
export function listElements(socket: NetlinkSocket, map: string): Element[] {
  try {
    return socket.dump(listElementsMessage(map)).flatMap((reply) => readElements(map, reply));
  } catch (error) {
    if (isErrno(error, "ENOENT")) return [];
    throw error;
  }
}

/** True for what a kernel without nftables says: nfnetlink is missing, or knows nobody for these messages (nfnetlink_rcv_msg: EINVAL). */
export function lacksNftables(error: unknown): boolean {
  return isErrno(error, "EPROTONOSUPPORT", "EOPNOTSUPP", "EINVAL");
}

/** How many things the kernel counts for a chain: its own rules, and the elements that lead to it. Undefined when there is no such chain. Throws SystemError. */
export function countChainUses(socket: NetlinkSocket, chain: string): number | undefined {
  const [outcome] = socket.transact([getChainMessage(chain)]);
  if (outcome?.error !== undefined && !isErrno(outcome.error, "ENOENT")) throw outcome.error;
  const reply = outcome?.replies[0];
  return reply === undefined ? undefined : readAttributes(reply.payload, HEADER).be32(nft.NFTA_CHAIN_USE);
}

/** How many rules each chain of our table holds; chains without rules are not named. Throws SystemError. */
export function countRules(socket: NetlinkSocket): Map<string, number> {
  const counts = new Map<string, number>();
  for (const reply of socket.dump(listRulesMessage())) {
    const chain = readAttributes(reply.payload, HEADER).string(nft.NFTA_RULE_CHAIN) ?? "";
    counts.set(chain, (counts.get(chain) ?? 0) + 1);
  }
  return counts;
}

function readElements(map: string, reply: Reply): Element[] {
  const list = readAttributes(reply.payload, HEADER).bytes(nft.NFTA_SET_ELEM_LIST_ELEMENTS);
  return listAttributes(list ?? new Uint8Array()).map(([, bytes]) => {
    const attributes = readAttributes(bytes);
    const verdict = attributes.nest(nft.NFTA_SET_ELEM_DATA)?.nest(nft.NFTA_DATA_VERDICT);
    return {
      map,
      key: attributes.nest(nft.NFTA_SET_ELEM_KEY)?.bytes(nft.NFTA_DATA_VALUE) ?? new Uint8Array(),
      chain: verdict?.string(nft.NFTA_VERDICT_CHAIN) ?? "",
      comment: readComment(attributes.bytes(nft.NFTA_SET_ELEM_USERDATA)),
    };
  });
}

/** User data is a row of type, length, value; the comment has type 0. */
function readComment(userdata: Uint8Array | undefined): string {
  for (let at = 0; userdata !== undefined && at + 2 <= userdata.length; at += 2 + (userdata[at + 1] ?? 0)) {
    if (userdata[at] === 0) return readText(userdata.subarray(at + 2, at + 2 + (userdata[at + 1] ?? 0)));
  }
  return "";
}
