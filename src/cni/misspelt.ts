// Keys of a configuration that nobody reads and that look like keys which are read: most likely a spelling
// mistake, or the right key in a wrong place. Keys that look like none belong to other programs.
import { type Fields, isFields, isList, type KeyTree, type Kind } from "./keys.ts";
import { NETCONF, NETCONF_KEYS } from "./netconf-keys.ts";
import { quote } from "./problems.ts";
import { distance } from "./similar.ts";

/**
 * The objects in which a person writes keys, with their places. The runtime writes runtimeConfig and args.
 */
const PLACES: readonly { path: string; tree: KeyTree }[] = [
  { path: "", tree: { ...NETCONF, capabilities: true } },
  { path: "capabilities", tree: NETCONF_KEYS.capabilities },
  { path: "compat", tree: NETCONF.compat },
  { path: "ipam", tree: NETCONF.ipam },
  { path: "ipam.ranges", tree: NETCONF.ipam.ranges[0][0] },
  { path: "ipam.routes", tree: NETCONF.ipam.routes[0] },
  { path: "dns", tree: NETCONF.dns },
  { path: "vlanTrunk", tree: NETCONF.vlanTrunk[0] },
];

/** The most keys that are looked at, and the most letters of one: a configuration may be hostile. */
const MOST_KEYS = 50;
const LONGEST_KEY = 40;
/** Shorter keys look like each other, so only an equal key in another place is meant by them. */
const SHORTEST_KEY = 4;

/**
 * A sentence for each such key, in the order of the configuration. Keys of `ipam` are the foreign IPAM
 * plugin's where there is one. A configuration without unknown keys costs one look at each key.
 */
export function misspeltKeys(configuration: unknown, hasForeignIpam: boolean): string[] {
  if (!isFields(configuration)) return [];
  const unread: Unread[] = [];
  collect(configuration, NETCONF_KEYS, { path: "", unread });
  return unread
    .filter(({ path }) => !hasForeignIpam || !path.startsWith("ipam"))
    .flatMap((each) => sentenceAbout(each) ?? []);
}

interface Unread {
  key: string;
  /** The place of the object that has the key. */
  path: string;
}

/** Keys below which no person writes. */
const NOT_BY_HAND = new Set(["runtimeConfig", "args", "prevResult"]);

/** The keys found so far, and the place of the object that is looked at. */
interface Collected {
  path: string;
  unread: Unread[];
}

function collect(fields: Fields, known: KeyTree, into: Collected): void {
  const { path, unread } = into;
  for (const key of Object.keys(fields)) {
    if (unread.length === MOST_KEYS) return;
    const name = Object.hasOwn(known, key) ? key : otherCase(key, known);
    const kind = name === undefined ? undefined : known[name];
    if (name === undefined) unread.push({ key, path });
    else if (typeof kind === "object" && !NOT_BY_HAND.has(name))
      descend(fields[key], kind, { path: path === "" ? name : `${path}.${name}`, unread });
  }
}

/** Goes on below a key, as deep as its kind. */
function descend(value: unknown, kind: Kind, into: Collected): void {
  if (typeof kind !== "object") return;
  if (!isList(kind)) {
    if (isFields(value)) collect(value, kind, into);
  } else if (Array.isArray(value)) for (const item of value) descend(item, kind[0], into);
  else descend(value, kind[0], into);
}

function otherCase(key: string, known: KeyTree): string | undefined {
  const lower = key.toLowerCase();
  return Object.keys(known).find((name) => name.length === key.length && name.toLowerCase() === lower);
}

function sentenceAbout({ key, path }: Unread): string | undefined {
  // A key that begins with a mark, such as _ipMasq, was put out of use on purpose.
  const isPlain = key.length <= LONGEST_KEY && /^[a-z]/i.test(key);
  const meant = isPlain ? meantBy(key.toLowerCase(), path) : undefined;
  if (meant === undefined) return undefined;
  const there = meant.path === path || meant.path === "" ? "" : ` in "${meant.path}"`;
  const outside = meant.path === "" && path !== "" ? ` outside of "${path}"` : "";
  return `key ${quote(key)}${path === "" ? "" : ` in "${path}"`} is not read; did you mean "${meant.key}"${there}${outside}?`;
}

/** The nearest key of the same object; else an equal key elsewhere; else the nearest one elsewhere. */
function meantBy(word: string, path: string): Unread | undefined {
  const [own, others] = [
    PLACES.filter((each) => each.path === path),
    PLACES.filter((each) => each.path !== path),
  ];
  return (
    nearest(word, own, mistakesIn(word)) ??
    nearest(word, others, 0) ??
    nearest(word, others, mistakesIn(word))
  );
}

/** The number of wrong letters that a spelling mistake may have. */
function mistakesIn(word: string): number {
  if (word.length < SHORTEST_KEY) return 0;
  return word.length < 6 ? 1 : 2;
}

function nearest(word: string, places: typeof PLACES, limit: number): Unread | undefined {
  let best: (Unread & { steps: number }) | undefined;
  for (const { path, tree } of places) {
    for (const key of Object.keys(tree)) {
      // A short key such as `id` is too common to be meant by one elsewhere.
      if (key.length < SHORTEST_KEY && path !== "") continue;
      const steps = Math.abs(key.length - word.length) > limit ? Infinity : distance(word, key.toLowerCase());
      if (steps <= limit && (best === undefined || steps < best.steps)) best = { key, path, steps };
    }
  }
  return best;
}
