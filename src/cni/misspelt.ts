// Keys of a configuration that nobody reads and that look like keys which are read: most likely a spelling
// mistake, or the right key in a wrong place. Keys that look like none belong to other programs.
import { isList, type Kind, placeBelow } from "./keys.ts";
import { NETCONF_KEYS, PROTOCOL } from "./netconf-keys.ts";
import { quote } from "./problems.ts";
import { distance } from "./similar.ts";

/** Keys below which no person writes. */
const NOT_BY_HAND = new Set(["runtimeConfig", "args", "prevResult"]);

/** An object in which a person writes keys. */
interface Place {
  path: string;
  keys: readonly string[];
}

const PLACES = placesIn(NETCONF_KEYS, "");

/** The keys that are meant in their own place alone: other objects may well have a name and a type. */
const OWN_PLACE = new Set<string>(Object.keys(PROTOCOL).filter((key) => key !== "capabilities"));

/** The most keys that are looked at, and the most letters of one: a configuration may be hostile. */
const MOST_KEYS = 50;
const LONGEST_KEY = 40;
/** Shorter keys look like each other, so only an equal key in another place is meant by them. */
const SHORTEST_KEY = 4;

interface UnreadKey {
  key: string;
  /** The place of the object that has the key. */
  path: string;
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
 * A sentence for each key that looks like one that is read, in the order of the configuration. Keys of `ipam`
 * are the foreign IPAM plugin's where there is one.
 */
export function misspeltKeys({ keys }: UnreadKeys, hasForeignIpam: boolean): string[] {
  return keys
    .filter(({ path }) => !hasForeignIpam || !path.startsWith("ipam"))
    .flatMap((each) => sentenceAbout(each) ?? []);
}

/** The places of keys in a tree, each object before the objects in it. */
function placesIn(kind: Kind, path: string): Place[] {
  if (typeof kind !== "object") return [];
  if (isList(kind)) return placesIn(kind[0], path);
  const below = Object.entries(kind).filter(([key]) => !NOT_BY_HAND.has(key));
  return [
    // The key `plugins` is read to be refused.
    { path, keys: Object.keys(kind).filter((key) => key !== "plugins") },
    ...below.flatMap(([key, each]) => placesIn(each, placeBelow(path, key))),
  ];
}

function sentenceAbout({ key, path }: UnreadKey): string | undefined {
  // A key that begins with a mark, such as _ipMasq, was put out of use on purpose.
  const isPlain = key.length <= LONGEST_KEY && /^[a-z]/i.test(key);
  const meant = isPlain ? meantBy(key.toLowerCase(), path) : undefined;
  if (meant === undefined) return undefined;
  const there = meant.path === path || meant.path === "" ? "" : ` in "${meant.path}"`;
  const outside = meant.path === "" && path !== "" ? ` outside of "${path}"` : "";
  return `key ${quote(key)}${path === "" ? "" : ` in "${path}"`} is not read; did you mean "${meant.key}"${there}${outside}?`;
}

/** The nearest key of the same object; else the nearest one elsewhere, at best an equal one. */
function meantBy(word: string, path: string): UnreadKey | undefined {
  const limit = mistakesIn(word);
  const own = nearest(word, candidates(path, true), limit);
  return own ?? nearest(word, candidates(path, false), limit);
}

/** The keys of the object at `path`, or those of all others. */
function candidates(path: string, isOwn: boolean): UnreadKey[] {
  return PLACES.filter((place) => (place.path === path) === isOwn).flatMap((place) =>
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
