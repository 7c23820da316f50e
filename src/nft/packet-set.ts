// A set or map in which a rule looks a packet up: plain keys, intervals, concatenations of both, and an
// element for all else. A key that is known whole is looked up by the kernel itself.
// (net/netfilter/nft_set_rbtree.c, nft_set_pipapo.c, nft_set_hash.c)
import { type Attributes, listAttributes, readAttributes } from "../netlink/reader.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import { isErrno } from "../sys/errno.ts";
import { dumpElements } from "./element.ts";
import { writeValue } from "./expression.ts";
import { GENERIC_HEADER, requestMessage, type Table } from "./message.ts";
import type { Bytes } from "./packet-field.ts";
import { beginsWith, isBetween, knownBytes } from "./packet-value.ts";

/** An element: a key, an interval of keys, or with neither all keys that no other element has. */
export interface SetElement {
  first: Uint8Array | undefined;
  /** The last key of an interval, or the last of each field of a concatenation; undefined: one key alone. */
  last: Uint8Array | undefined;
  /** The verdict of a verdict map; the code is that of an element without one, 0. */
  code: number;
  chain: string;
  /** It counts or limits packets, so a packet with its key may fit or not. */
  isConditional: boolean;
}

/** The parts of a key, each in registers of its own, of which some may not be known. */
export type KeyParts = readonly Bytes[];

/** The verdicts of the elements that a packet may have; certain: it has the one, or none. */
export interface Found {
  /** As {@link verdictId} names them: very many elements have the same. */
  verdicts: ReadonlySet<string>;
  isCertain: boolean;
}

/** The name of an element's verdict. */
export function verdictId({ code, chain }: SetElement): string {
  return `${code} ${chain}`;
}

function foundOf(elements: readonly SetElement[], isCertain: boolean): Found {
  return { verdicts: new Set(elements.map(verdictId)), isCertain };
}

/** A set or map. Its elements are read when they are needed. */
export class PacketSet {
  private readonly socket: NetlinkSocket;
  private readonly table: Table;
  private readonly name: string;
  private readonly answers = new Map<string, Found>();
  private listed: SetElement[] | undefined;
  private length: number | undefined;

  constructor(socket: NetlinkSocket, table: Table, name: string) {
    this.socket = socket;
    this.table = table;
    this.name = name;
  }

  /** All elements. Throws SystemError. */
  get elements(): readonly SetElement[] {
    this.listed ??= joinIntervals(
      dumpElements(this.socket, this.table, this.name).flatMap(({ payload }) => readList(payload)),
    );
    return this.listed;
  }

  /** The length of its keys in bytes. Throws SystemError. */
  get keyLength(): number {
    this.length ??= this.askLength();
    return this.length;
  }

  private askLength(): number {
    const [outcome] = this.socket.transact([getSetMessage(this.table, this.name)]);
    const payload = outcome?.replies[0]?.payload;
    return (payload && readAttributes(payload, GENERIC_HEADER).be32(nft.NFTA_SET_KEY_LEN)) ?? 0;
  }

  /** True when the set has the key; undefined where that is not known. Throws SystemError. */
  has(key: KeyParts): boolean | undefined {
    // Of a set of thousands nothing is read for a key of which nothing is known.
    if (key.every((part) => part.every((byte) => byte === undefined))) return undefined;
    const { verdicts, isCertain } = this.find(key);
    if (verdicts.size === 0) return false;
    return isCertain ? true : undefined;
  }

  /** What a packet with this key may find: each key is looked up once. Throws SystemError. */
  find(key: KeyParts): Found {
    const id = key.map((part) => part.join()).join(" ");
    const found = this.answers.get(id) ?? this.lookUp(key);
    this.answers.set(id, found);
    return found;
  }

  private lookUp(key: KeyParts): Found {
    const known = knownBytes(key.flat());
    const found = known && this.askKernel(known);
    return (
      found ??
      foundOf(
        this.elements.filter((each) => mayBe(each, key)),
        false,
      )
    );
  }

  /** What the kernel finds for a key; undefined where it does not look up keys of this set. */
  private askKernel(key: Uint8Array): Found | undefined {
    // The second is for all other keys. Both are refused where there is none, and the second by old kernels.
    const outcomes = this.socket.transact([this.askMessage(key), this.askMessage(undefined)]);
    const payload = outcomes.find(({ replies }) => replies.length > 0)?.replies[0]?.payload;
    const element = payload && readList(payload)[0]?.element;
    if (element !== undefined) return foundOf([element], !element.isConditional);
    return isErrno(outcomes[0]?.error, "ENOENT") ? foundOf([], true) : undefined;
  }

  private askMessage(key: Uint8Array | undefined): Message {
    const what = `look up a key in ${this.name}`;
    return requestMessage(this.table, what, nft.NFT_MSG_GETSETELEM, 0, (w) => {
      w.string(nft.NFTA_SET_ELEM_LIST_TABLE, this.table.name).string(nft.NFTA_SET_ELEM_LIST_SET, this.name);
      w.nest(nft.NFTA_SET_ELEM_LIST_ELEMENTS, () =>
        w.nest(nft.NFTA_LIST_ELEM, () => {
          if (key !== undefined) writeValue(w, nft.NFTA_SET_ELEM_KEY, key);
          else w.be32Attribute(nft.NFTA_SET_ELEM_FLAGS, nft.NFT_SET_ELEM_CATCHALL);
        }),
      );
    });
  }
}

function getSetMessage(table: Table, name: string): Message {
  return requestMessage(table, `ask for the set ${name}`, nft.NFT_MSG_GETSET, 0, (w) =>
    w.string(nft.NFTA_SET_TABLE, table.name).string(nft.NFTA_SET_NAME, name),
  );
}

/** False for an element that a packet with this key has not for certain. */
function mayBe({ first, last }: SetElement, key: KeyParts): boolean {
  if (first === undefined) return true;
  let at = 0;
  return key.every((part) => {
    const own = first.subarray(at, at + part.length);
    const fits =
      last === undefined ? beginsWith(part, own) : isBetween(part, own, last.subarray(at, at + part.length));
    at += part.length;
    return fits !== false;
  });
}

/** An element as the kernel lists it. */
interface Listed {
  element: SetElement;
  /** The key is the first behind an interval. */
  isEnd: boolean;
}

function readList(payload: Uint8Array): Listed[] {
  const list = readAttributes(payload, GENERIC_HEADER).bytes(nft.NFTA_SET_ELEM_LIST_ELEMENTS);
  return listAttributes(list ?? new Uint8Array()).map(([, bytes]) => readListed(readAttributes(bytes)));
}

/** Expressions of an element that let every packet pass. */
const COUNTING = new Set(["counter", "last"]);

function readListed(attributes: Attributes): Listed {
  const flags = attributes.be32(nft.NFTA_SET_ELEM_FLAGS) ?? 0;
  const verdict = attributes.nest(nft.NFTA_SET_ELEM_DATA)?.nest(nft.NFTA_DATA_VERDICT);
  const one = attributes.bytes(nft.NFTA_SET_ELEM_EXPR);
  const several = listAttributes(attributes.bytes(nft.NFTA_SET_ELEM_EXPRESSIONS) ?? new Uint8Array());
  const expressions = [...(one === undefined ? [] : [one]), ...several.map(([, bytes]) => bytes)];
  return {
    element: {
      first: attributes.nest(nft.NFTA_SET_ELEM_KEY)?.bytes(nft.NFTA_DATA_VALUE),
      last: attributes.nest(nft.NFTA_SET_ELEM_KEY_END)?.bytes(nft.NFTA_DATA_VALUE),
      code: (verdict?.be32(nft.NFTA_VERDICT_CODE) ?? 0) | 0,
      chain: verdict?.string(nft.NFTA_VERDICT_CHAIN) ?? "",
      isConditional: expressions.some(
        (bytes) => !COUNTING.has(readAttributes(bytes).string(nft.NFTA_EXPR_NAME) ?? ""),
      ),
    },
    isEnd: (flags & nft.NFT_SET_ELEM_INTERVAL_END) !== 0,
  };
}

/**
 * Gives each element of a tree of intervals its last key. There an interval is two elements, of which the
 * second has the key behind its last; one that ends with the last key of all has no second.
 */
function joinIntervals(listed: readonly Listed[]): SetElement[] {
  if (!listed.some(({ isEnd }) => isEnd)) return listed.map(({ element }) => element);
  const keyed = listed.filter(({ element }) => element.first !== undefined);
  // An end comes before the beginning of the next interval at the same key.
  keyed.sort((a, b) => compare(a.element.first!, b.element.first!) || Number(b.isEnd) - Number(a.isEnd));
  const others = listed.filter(({ element }) => element.first === undefined);
  const intervals = keyed.flatMap(({ element, isEnd }, at): SetElement[] => {
    if (isEnd) return [];
    const next = keyed[at + 1]?.element.first;
    return [{ ...element, last: next === undefined ? element.first!.map(() => 0xff) : before(next) }];
  });
  return [...intervals, ...others.map(({ element }) => element)];
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, place) => byte !== b[place]);
  return at < 0 ? 0 : a[at]! - (b[at] ?? 0);
}

/** The key before this one. */
function before(key: Uint8Array): Uint8Array {
  const result = key.slice();
  for (let at = result.length - 1; at >= 0; at--) {
    result[at] = (result[at]! - 1) & 0xff;
    if (result[at] !== 0xff) break;
  }
  return result;
}
