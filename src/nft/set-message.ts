// Requests to nftables that make sets and maps. (linux/netfilter/nf_tables.h)
import type { Message } from "../netlink/socket.ts";
import { NLM_F_CREATE } from "../netlink/uapi/netlink.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import { requestMessage, type Table } from "./message.ts";

/** Makes a map, if it is not there yet. `id` is any number, new in its batch. */
export function mapMessage(
  table: Table,
  { name, key, value, intervalFields }: MapLayout,
  id: number,
): Message {
  const intervals = intervalFields === undefined ? 0 : nft.NFT_SET_INTERVAL | nft.NFT_SET_CONCAT;
  return requestMessage(table, `create map ${name}`, nft.NFT_MSG_NEWSET, NLM_F_CREATE, (w) => {
    w.string(nft.NFTA_SET_TABLE, table.name)
      .string(nft.NFTA_SET_NAME, name)
      .be32Attribute(nft.NFTA_SET_FLAGS, nft.NFT_SET_MAP | intervals)
      .be32Attribute(nft.NFTA_SET_KEY_TYPE, key.type)
      .be32Attribute(nft.NFTA_SET_KEY_LEN, key.length)
      .be32Attribute(nft.NFTA_SET_DATA_TYPE, value?.type ?? nft.NFT_DATA_VERDICT);
    if (value !== undefined) w.be32Attribute(nft.NFTA_SET_DATA_LEN, value.length);
    w.be32Attribute(nft.NFTA_SET_ID, id);
    if (intervalFields === undefined) return;
    w.nest(nft.NFTA_SET_DESC, () =>
      w.nest(nft.NFTA_SET_DESC_CONCAT, () => {
        for (const length of intervalFields)
          w.nest(nft.NFTA_LIST_ELEM, () => w.be32Attribute(nft.NFTA_SET_FIELD_LEN, length));
      }),
    );
  });
}

/** A data type: nft's number of it, and a length in bytes. */
export interface DataType {
  type: number;
  length: number;
}

export interface MapLayout {
  name: string;
  key: DataType;
  /** The type of the values; undefined: verdicts. */
  value?: DataType | undefined;
  /** Elements may stand for intervals: the length of each part of the key. */
  intervalFields?: number[] | undefined;
}

/**
 * The key of a set: nft's number of its type, its length, and whether nft reads it in the host's byte order.
 */
export interface SetKey {
  type: number;
  length: number;
  inHostOrder: boolean;
  /** The expression that the key is of (`typeof`), as nft keeps it, where no type of nft's says it. */
  expression?: { text: string; userData: Uint8Array };
}

/**
 * User data of a set, as libnftnl writes it: the byte order of the keys (NFTNL_UDATA_SET_KEYBYTEORDER, four
 * bytes), in which nft lists them.
 */
const NO_ORDER = Uint8Array.of(0, 4, 0, 0, 0, 0);
const HOST_ORDER = Uint8Array.of(0, 4, 1, 0, 0, 0);

function userData({ inHostOrder, expression }: SetKey): Uint8Array {
  return Uint8Array.of(...(inHostOrder ? HOST_ORDER : NO_ORDER), ...(expression?.userData ?? []));
}

export interface SetLayout {
  name: string;
  key: SetKey;
  /** Elements are intervals of keys (interval.ts). */
  isOfIntervals?: boolean;
}

/** Makes a set, if it is not there yet. `id` is any number, new in its batch. */
export function setMessage(
  table: Table,
  { name, key, isOfIntervals = false }: SetLayout,
  id: number,
): Message {
  return requestMessage(table, `create set ${name}`, nft.NFT_MSG_NEWSET, NLM_F_CREATE, (w) => {
    w.string(nft.NFTA_SET_TABLE, table.name)
      .string(nft.NFTA_SET_NAME, name)
      .be32Attribute(nft.NFTA_SET_FLAGS, isOfIntervals ? nft.NFT_SET_INTERVAL : 0)
      .be32Attribute(nft.NFTA_SET_KEY_TYPE, key.type)
      .be32Attribute(nft.NFTA_SET_KEY_LEN, key.length)
      .be32Attribute(nft.NFTA_SET_ID, id)
      .attribute(nft.NFTA_SET_USERDATA, userData(key));
  });
}
