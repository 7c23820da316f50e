// Keys of a configuration that nobody reads and that look like keys which are read: most likely a spelling
// mistake, or the right key in a wrong place. Keys that look like none belong to other programs.
import { isList, type Kind, placeBelow } from "./keys.ts";
import { NETCONF_KEYS, PROTOCOL } from "./netconf-keys.ts";
import { quote } from "./problems.ts";
import { distance } from "./similar.ts";

/** Keys below which no person writes. */
const NOT_BY_HAND = new Set(["runtimeConfig", "args", "prevResult"]);

/** An object in which a person writes keys. */
export interface Place {
  path: string;
  keys: readonly string[];
}

const PLACES = placesIn(NETCONF_KEYS);

/** The keys that are meant in their own place alone: other objects may well have a name and a type. */
const OWN_PLACE = new Set<string>(Object.keys(PROTOCOL).filter((key) => key !== "capabilities"));

/** The most keys that are looked at, and the most letters of one: a configuration may be hostile. */
const MOST_KEYS = 50;
const LONGEST_KEY = 40;
/** Shorter keys look like each other, so only an equal key in another place is meant by them. */
const SHORTEST_KEY = 4;

/** A key that nobody reads. */
export interface UnreadKey {
  key: string;
  /** The place of the object that has the key; lists are no part of it, as in `ipam.ranges`. */
  path: string;
}

/** A key that nobody reads and that looks like one that is read. */
export interface MisspeltKey extends UnreadKey {
  /** The key that was meant, and its object. */
  meant: UnreadKey;
  /** A sentence for people. */
  text: string;
}

/** The keys of a configuration that nobody reads, where a person writes, in its order; 50 at most. */
export class UnreadKeys {
  readonly keys: UnreadKey[] = [];

  readonly note = (key: string, path: string): void => {
    if (this.keys.length < MOST_KEYS && !NOT_BY_HAND.has(path.split(".", 1)[0] ?? ""))
      this.keys.push({ key, path });
  };
}

/**
 * The keys that look like one that is read, in the order of the configuration. Keys of `ipam` are the foreign
 * IPAM plugin's where there is one. `places`: the objects whose keys are meant.
 */
export function misspeltKeys(
  unread: UnreadKeys,
  hasForeignIpam: boolean,
  places: readonly Place[] = PLACES,
): MisspeltKey[] {
  return ownUnread(unread, hasForeignIpam).flatMap((each) => misspelt(each, places) ?? []);
}

/** The keys but for those of a foreign IPAM plugin. */
export function ownUnread({ keys }: UnreadKeys, hasForeignIpam: boolean): UnreadKey[] {
  return keys.filter(({ path }) => !hasForeignIpam || !path.startsWith("ipam"));
}

/** False for a key that begins with a mark, such as _ipMasq: it was put out of use on purpose. */
export function isPlainKey(key: string): boolean {
  return key.length <= LONGEST_KEY && /^[a-z]/i.test(key);
}

/** The places of keys in a tree, each object before the objects in it. */
export function placesIn(kind: Kind, path = ""): Place[] {
  if (typeof kind !== "object") return [];
  if (isList(kind)) return placesIn(kind[0], path);
  const below = Object.entries(kind).filter(([key]) => !NOT_BY_HAND.has(key));
  return [
    // The key `plugins` is read to be refused.
    { path, keys: Object.keys(kind).filter((key) => key !== "plugins") },
    ...below.flatMap(([key, each]) => placesIn(each, placeBelow(path, key))),
  ];
}

function misspelt({ key, path }: UnreadKey, places: readonly Place[]): MisspeltKey | undefined {
  const meant = isPlainKey(key) ? meantBy(key.toLowerCase(), path, places) : undefined;
  if (meant === undefined) return undefined;
  const there = meant.path === path || meant.path === "" ? "" : ` in "${meant.path}"`;
  const outside = meant.path === "" && path !== "" ? ` outside of "${path}"` : "";
  const text = `${notRead({ key, path })}; did you mean "${meant.key}"${there}${outside}?`;
  return { key, path, meant, text };
}

/** The beginning of a sentence about a key that nobody reads. */
export function notRead({ key, path }: UnreadKey): string {
  return `key ${quote(key)}${path === "" ? "" : ` in "${path}"`} is not read`;
}

/** The nearest key of the same object; else the nearest one elsewhere, at best an equal one. */
function meantBy(word: string, path: string, places: readonly Place[]): UnreadKey | undefined {
  const limit = mistakesIn(word);
  const own = places.filter((place) => place.path === path);
  const others = places.filter((place) => place.path !== path);
  const near = nearest(word, candidates(own, true), limit);
  return near ?? nearest(word, candidates(others, false), limit);
}

/** The keys of the objects; with `isOwn` also those that nobody means in another object. */
function candidates(places: readonly Place[], isOwn: boolean): UnreadKey[] {
  return places.flatMap((place) =>
    place.keys
      // A short key such as `id` is too common to be meant by one elsewhere.
      .filter((key) => place.path === "" || key.length >= SHORTEST_KEY)
      .filter((key) => isOwn || place.path !== "" || !OWN_PLACE.has(key))
      .map((key) => ({ key, path: place.path })),
  );
}

/** The number of wrong letters that a spelling mistake may have. */
function mistakesIn(word: string): number {
  if (word.length < SHORTEST_KEY) return 0;
  return word.length < 6 ? 1 : 2;
}

/** The first of the most similar keys, with at most `limit` mistakes. */
function nearest(word: string, keys: readonly UnreadKey[], limit: number): UnreadKey | undefined {
  let best: UnreadKey | undefined;
  let most = limit;
  for (const each of keys) {
    const steps = distance(word, each.key.toLowerCase(), most);
    if (steps > most) continue;
    best = each;
    most = steps - 1;
  }
  return best;
}
