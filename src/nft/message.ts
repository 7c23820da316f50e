// Requests to nftables, one table's worth: chains, maps, rules, elements. (linux/netfilter/nf_tables.h, nfnetlink.h)
import type { Outcome } from "../netlink/outcome.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL } from "../netlink/uapi/netlink.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import { textBytes } from "../sys/bytes.ts";
import type { Writer } from "../netlink/writer.ts";
import { type Expression, writeValue, writeVerdict } from "./expression.ts";

/** The one table of the node that is ours. */
export const TABLE = "pontoon";

/** An element of a verdict map: who owns it is in the comment, which `nft list` shows. */
export interface Element {
  map: string;
  key: Uint8Array;
  chain: string;
  comment: string;
}

/** nft and libnftnl keep a comment as type 0, a length byte, and text with its NUL, of at most 128 bytes. */
const COMMENT_TYPE = 0;
export const COMMENT_BYTES = 127;

/** Sends messages as one batch, all or nothing; gives the outcome of each. */
export function sendBatch(socket: NetlinkSocket, messages: Message[]): Outcome[] {
  const frame = (type: number): Message => ({
    what: "change packet rules",
    type,
    flags: 0,
    body: (w) => generic(w, nft.NFPROTO_UNSPEC, nft.NFNL_SUBSYS_NFTABLES),
  });
  return socket.batch(frame(nft.NFNL_MSG_BATCH_BEGIN), messages, frame(nft.NFNL_MSG_BATCH_END));
}

/** The table, if it is not there yet. */
export function tableMessage(): Message {
  return message("create table inet pontoon", nft.NFT_MSG_NEWTABLE, NLM_F_CREATE, (w) => w.string(nft.NFTA_TABLE_NAME, TABLE));
}

/** A map from `keyType` (nft's number of it) to verdicts, if it is not there yet. `id` is any number, new in its batch. */
export function verdictMapMessage(name: string, keyType: number, keyLength: number, id: number): Message {
  return message(`create map ${name}`, nft.NFT_MSG_NEWSET, NLM_F_CREATE, (w) => {
    w.string(nft.NFTA_SET_TABLE, TABLE).string(nft.NFTA_SET_NAME, name).be32Attribute(nft.NFTA_SET_FLAGS, nft.NFT_SET_MAP)
      .be32Attribute(nft.NFTA_SET_KEY_TYPE, keyType).be32Attribute(nft.NFTA_SET_KEY_LEN, keyLength)
      .be32Attribute(nft.NFTA_SET_DATA_TYPE, nft.NFT_DATA_VERDICT).be32Attribute(nft.NFTA_SET_ID, id);
  });
}

/** A chain, if it is not there yet; with `hook` a base chain of type nat. */
export function chainMessage(name: string, hook?: { number: number; priority: number }): Message {
  return message(`create chain ${name}`, nft.NFT_MSG_NEWCHAIN, NLM_F_CREATE, (w) => {
    w.string(nft.NFTA_CHAIN_TABLE, TABLE).string(nft.NFTA_CHAIN_NAME, name);
    if (hook === undefined) return;
    w.nest(nft.NFTA_CHAIN_HOOK, () =>
      w.be32Attribute(nft.NFTA_HOOK_HOOKNUM, hook.number).be32Attribute(nft.NFTA_HOOK_PRIORITY, hook.priority),
    );
    w.string(nft.NFTA_CHAIN_TYPE, "nat").be32Attribute(nft.NFTA_CHAIN_POLICY, nft.NF_ACCEPT);
  });
}

/** A chain with its rules goes. Refused with EBUSY while an element leads to it. */
export function deleteChainMessage(name: string): Message {
  return message(`delete chain ${name}`, nft.NFT_MSG_DELCHAIN, 0, (w) =>
    w.string(nft.NFTA_CHAIN_TABLE, TABLE).string(nft.NFTA_CHAIN_NAME, name),
  );
}

/** Asks for a chain. Not part of a batch. */
export function getChainMessage(name: string): Message {
  return message(`ask for chain ${name}`, nft.NFT_MSG_GETCHAIN, 0, (w) =>
    w.string(nft.NFTA_CHAIN_TABLE, TABLE).string(nft.NFTA_CHAIN_NAME, name),
  );
}

/** A rule at the end of a chain. */
export function ruleMessage(chain: string, expressions: Expression[]): Message {
  return message(`add a rule to chain ${chain}`, nft.NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, (w) => {
    w.string(nft.NFTA_RULE_TABLE, TABLE).string(nft.NFTA_RULE_CHAIN, chain);
    w.nest(nft.NFTA_RULE_EXPRESSIONS, () => {
      for (const write of expressions) write(w);
    });
  });
}

/** All rules of a chain go. */
export function flushChainMessage(name: string): Message {
  return message(`flush chain ${name}`, nft.NFT_MSG_DELRULE, 0, (w) =>
    w.string(nft.NFTA_RULE_TABLE, TABLE).string(nft.NFTA_RULE_CHAIN, name),
  );
}

/** A new element. Refused with EEXIST when the key is taken, with ENOENT when the chain, the map or the table is missing. */
export function addElementMessage(element: Element): Message {
  return message(`add an element to map ${element.map}`, nft.NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, (w) =>
    elementList(w, element.map, () => {
      writeValue(w, nft.NFTA_SET_ELEM_KEY, element.key);
      writeVerdict(w, nft.NFTA_SET_ELEM_DATA, nft.NFT_GOTO, element.chain);
      w.attribute(nft.NFTA_SET_ELEM_USERDATA, commentBytes(element.comment));
    }),
  );
}

/** The element with this key goes, whatever it leads to. Refused with ENOENT when there is none. */
export function deleteElementMessage(map: string, key: Uint8Array): Message {
  return message(`delete an element of map ${map}`, nft.NFT_MSG_DELSETELEM, 0, (w) =>
    elementList(w, map, () => writeValue(w, nft.NFTA_SET_ELEM_KEY, key)),
  );
}

/** Asks for the element with this key. Not part of a batch. */
export function getElementMessage(map: string, key: Uint8Array): Message {
  return message(`ask for an element of map ${map}`, nft.NFT_MSG_GETSETELEM, 0, (w) =>
    elementList(w, map, () => writeValue(w, nft.NFTA_SET_ELEM_KEY, key)),
  );
}

/** Asks for all elements of a map. */
export function listElementsMessage(map: string): Message {
  return message(`list map ${map}`, nft.NFT_MSG_GETSETELEM, 0, (w) =>
    w.string(nft.NFTA_SET_ELEM_LIST_TABLE, TABLE).string(nft.NFTA_SET_ELEM_LIST_SET, map),
  );
}

/** Asks for all rules of the table. */
export function listRulesMessage(): Message {
  return message("list the rules of table inet pontoon", nft.NFT_MSG_GETRULE, 0, (w) => w.string(nft.NFTA_RULE_TABLE, TABLE));
}

/** Asks for the generation of the ruleset: the cheapest proof that nftables is there. */
export function getGenerationMessage(): Message {
  return message("ask nftables for its generation", nft.NFT_MSG_GETGEN, 0, () => {});
}

function elementList(w: Writer, map: string, element: () => void): void {
  w.string(nft.NFTA_SET_ELEM_LIST_TABLE, TABLE).string(nft.NFTA_SET_ELEM_LIST_SET, map);
  w.nest(nft.NFTA_SET_ELEM_LIST_ELEMENTS, () => w.nest(nft.NFTA_LIST_ELEM, element));
}

function commentBytes(comment: string): Uint8Array {
  const text = textBytes(`${comment}\0`);
  const bytes = new Uint8Array(2 + text.length);
  bytes[0] = COMMENT_TYPE;
  bytes[1] = text.length;
  bytes.set(text, 2);
  return bytes;
}

function message(what: string, type: number, flags: number, body: (w: Writer) => void): Message {
  return {
    what,
    type: (nft.NFNL_SUBSYS_NFTABLES << 8) | type,
    flags,
    body: (w) => {
      generic(w, nft.NFPROTO_INET, 0);
      body(w);
    },
  };
}

/** struct nfgenmsg; the resource number is in network order. */
function generic(w: Writer, family: number, resource: number): void {
  w.u8(family).u8(0).u16(((resource & 0xff) << 8) | (resource >> 8));
}
