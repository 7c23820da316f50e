// The place of each key and value in a JSON text. Only people's commands need it: a call of a runtime has no
// file.

import { readString, TOKEN } from "./json-token.ts";
import { placeBelow } from "./keys.ts";
import { quote } from "./problems.ts";

/** A value in the text, with the values in it. */
export interface Spot {
  /** The place of the value. */
  at: number;
  /** The place of its key; undefined in a list, and for the whole. */
  keyAt: number | undefined;
  /** The members of an object; of a key that stands twice the last. */
  fields: Map<string, Spot>;
  /** The members of a list. */
  items: Spot[];
}

/** A key that stands twice in an object. */
export interface TwiceKey {
  path: string;
  /** The place of the later one, which counts. */
  at: number;
}

/** Values further inside have no place of their own. No key of a configuration is as deep. */
const DEEPEST = 12;

/** The places of all keys and values in `text`, which JSON.parse has read. */
export function placesOf(text: string): { root: Spot; twice: TwiceKey[] } {
  const scanner = new Scanner(text);
  return { root: scanner.readValue("", undefined, 0), twice: scanner.twice };
}

class Scanner {
  readonly twice: TwiceKey[] = [];
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  readValue(path: string, keyAt: number | undefined, depth: number): Spot {
    const { token, start } = this.next();
    const spot: Spot = { at: start, keyAt, fields: new Map(), items: [] };
    if (token !== "{" && token !== "[") return spot;
    if (depth === DEEPEST) this.skip();
    else if (token === "{") this.readFields(spot, path, depth);
    else this.readItems(spot, path, depth);
    return spot;
  }

  private readFields({ fields }: Spot, path: string, depth: number): void {
    for (let { token, start } = this.next(); token !== "}"; { token, start } = this.next()) {
      if (token === ",") continue;
      const key = JSON.parse(this.text.slice(start, this.at)) as string;
      const below = pathBelow(path, key);
      if (fields.has(key)) this.twice.push({ path: below, at: start });
      this.next();
      fields.set(key, this.readValue(below, start, depth + 1));
    }
  }

  private readItems({ items }: Spot, path: string, depth: number): void {
    while (!this.endsHere()) items.push(this.readValue(`${path}[${items.length}]`, undefined, depth + 1));
  }

  /** True behind the bracket that ends a list; goes over that or the comma before the next member. */
  private endsHere(): boolean {
    const before = this.at;
    const { token } = this.next();
    if (token === "]") return true;
    if (token !== ",") this.at = before;
    return false;
  }

  /** Goes behind the end of the object or list whose opening bracket was read. */
  private skip(): void {
    for (let open = 1; open > 0; ) {
      const { token } = this.next();
      if (token === "{" || token === "[") open++;
      if (token === "}" || token === "]") open--;
    }
  }

  /** The next token and its place; a string is a quote. */
  private next(): { token: string; start: number } {
    TOKEN.lastIndex = this.at;
    const token = TOKEN.exec(this.text)?.[1];
    if (token === undefined) throw new TypeError(`no JSON at ${this.at}`);
    const start = TOKEN.lastIndex - token.length;
    this.at = token === '"' ? (readString(this.text, start).end ?? this.text.length) : TOKEN.lastIndex;
    return { token, start };
  }
}

/** The path of a key, as messages about values have it: a key with odd characters is in quotes. */
export function pathBelow(path: string, key: string): string {
  return /^[\w$-]+$/.test(key) ? placeBelow(path, key) : `${path}[${quote(key)}]`;
}

/** A part of a key path: a name, an index, or a name in quotes. */
const PART = /\.?(?:([^.[]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\])/y;

/**
 * The value at a key path below `root`, keys in any case, or else the innermost one around it that is there.
 */
export function findSpot(root: Spot, path: string): { spot: Spot; isThere: boolean } {
  let spot = root;
  for (PART.lastIndex = 0; PART.lastIndex < path.length; ) {
    const found = PART.exec(path);
    const [, name, index, quoted] = found ?? [];
    const next =
      index !== undefined
        ? spot.items[Number(index)]
        : fieldOf(spot, quoted === undefined ? (name ?? "") : (JSON.parse(quoted) as string));
    if (found === null || next === undefined) return { spot, isThere: false };
    spot = next;
  }
  return { spot, isThere: true };
}

/** The member of an object: a key in its right spelling beats others, of which the last counts. */
function fieldOf({ fields }: Spot, name: string): Spot | undefined {
  const exact = fields.get(name);
  if (exact !== undefined) return exact;
  const lower = name.toLowerCase();
  return [...fields].findLast(([key]) => key.toLowerCase() === lower)?.[1];
}

/**
 * The places of a key in all objects at a path without lists, as in `ipam.ranges`, in the order of the text.
 */
export function findKey(root: Spot, path: string, key: string): number[] {
  const names = path === "" ? [] : path.split(".");
  const objects = names.reduce(
    (spots, name) => spots.flatMap((spot) => flat(fieldOf(spot, name))),
    flat(root),
  );
  return objects.flatMap(({ fields }) => fields.get(key)?.keyAt ?? []);
}

/** The objects that a value is or holds, lists in lists too. */
function flat(spot: Spot | undefined): Spot[] {
  if (spot === undefined) return [];
  return spot.items.length === 0 ? [spot] : spot.items.flatMap(flat);
}
