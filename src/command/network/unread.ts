// Keys of a network configuration that nobody reads.

import type { Placed } from "../../cni/chain.ts";
import { foreignIpamOf } from "../../cni/ipam-config.ts";
import { type Fields, type KeyTree, normaliseKeys, placeBelow } from "../../cni/keys.ts";
import {
  isPlainKey,
  type MisspeltKey,
  misspeltKeys,
  notRead,
  ownUnread,
  placesIn,
  type UnreadKey,
  UnreadKeys,
} from "../../cni/misspelt.ts";
import { NETCONF_KEYS } from "../../cni/netconf-keys.ts";
import { LIST_KEYS, type Network, ourEntries } from "./network.ts";

/** A key that looks like one that is read, or that looks like none. */
export interface UnreadIn {
  /** The place of the entry; empty for the whole. */
  entry: string;
  key: UnreadKey;
  /** The key path, below the entry, that was meant; undefined where the key looks like none. */
  meant: string | undefined;
  text: string;
}

/** The keys that look like others, in the list itself and in the entries of Pontoon. */
export function misspeltIn(network: Network): UnreadIn[] {
  return unreadIn(network).filter(({ meant }) => meant !== undefined);
}

/** The keys that nobody reads, in the list itself and in the entries of Pontoon. */
export function unreadIn(network: Network): UnreadIn[] {
  return [...(isWholeList(network) ? ofList(network.config) : []), ...ourEntries(network).flatMap(ofEntry)];
}

/** True for a network list, and for what was to be one. */
function isWholeList({ config, isList }: Network): boolean {
  return isList || (normaliseKeys(config, { type: true }) as Fields)["type"] === undefined;
}

/** Keys of the list itself. libcni knows them in one spelling alone. */
function ofList(config: Fields): UnreadIn[] {
  const unread = new UnreadKeys();
  for (const key of Object.keys(config)) if (!Object.hasOwn(LIST_KEYS, key)) unread.note(key, "");
  const places = placesIn({ ...LIST_KEYS, plugins: [NETCONF_KEYS] });
  const own = { path: "", keys: Object.keys(LIST_KEYS) };
  const misspelt = misspeltKeys(unread, false, [own, ...places.filter(({ path }) => path !== "")]);
  return all("", unread.keys, { misspelt, tree: LIST_KEYS });
}

function ofEntry({ entry, path }: Placed): UnreadIn[] {
  const unread = new UnreadKeys();
  const fields = normaliseKeys(entry, NETCONF_KEYS, unread.note) as Fields;
  const isForeign = foreignIpamOf(fields) !== undefined;
  const misspelt = misspeltKeys(unread, isForeign);
  return all(path, ownUnread(unread, isForeign), { misspelt, tree: NETCONF_KEYS });
}

/** The keys in their order: those that look like others, and the plain ones among the rest. */
function all(
  entry: string,
  keys: readonly UnreadKey[],
  { misspelt, tree }: { misspelt: readonly MisspeltKey[]; tree: KeyTree },
): UnreadIn[] {
  const places = placesIn(tree);
  return keys.flatMap((key): UnreadIn[] => {
    const like = misspelt.find((each) => each.key === key.key && each.path === key.path);
    if (like !== undefined)
      return [{ entry, key, meant: placeBelow(like.meant.path, like.meant.key), text: like.text }];
    // A key with a dot is an annotation of somebody's, as in io.kubernetes.cri.
    if (!isPlainKey(key.key) || key.key.includes(".")) return [];
    const near = nearKeys(key, places.find(({ path }) => path === key.path)?.keys ?? []);
    const more = near.length === 0 ? "" : `; there is ${near.map((each) => `"${each}"`).join(", ")}`;
    return [{ entry, key, meant: undefined, text: `${notRead(key)}${more}` }];
  });
}

/** The most keys of an object that are named beside one that is unknown. */
const MOST_NEAR = 12;

/** All keys of a small object; of a large one those that have a word in common with the key. */
function nearKeys({ key }: UnreadKey, keys: readonly string[]): readonly string[] {
  if (keys.length <= MOST_NEAR) return keys;
  const own = wordsOf(key);
  return keys
    .filter((each) => wordsOf(each).some((word) => own.some((mine) => haveOneStem(word, mine))))
    .slice(0, MOST_NEAR);
}

/** The words of a key in small letters, as in `is`, `default`, `gateway`. */
function wordsOf(key: string): string[] {
  return (key.match(/[A-Z]?[a-z]+|[A-Z]+/g) ?? []).map((word) => word.toLowerCase());
}

/** True when both begin with the same four letters, or a shorter one is equal. */
function haveOneStem(one: string, other: string): boolean {
  const length = Math.min(4, Math.max(one.length, other.length));
  return length >= 3 && one.slice(0, length) === other.slice(0, length);
}
