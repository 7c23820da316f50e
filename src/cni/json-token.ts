// The tokens of JSON (RFC 8259), and the place where a text stops being JSON. JSON.parse of this runtime does
// not tell it.

/** A token behind white space; of a string its quote alone. */
export const TOKEN = /[ \t\n\r]*("|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[[\]{},:])/y;

/** The token that may stand somewhere, in words. */
type Expected = "value" | "first value" | "key" | "first key" | "colon" | "more" | "end";

/** The place where a text stops being JSON. */
export interface Broken {
  /** The place of the first token that JSON does not allow; the length of the text when it ends too early. */
  offset: number;
  expected: Expected;
  /** The places of the brackets that are not closed yet, the outermost first. */
  open: readonly number[];
  /** True when the text ends inside of a string. */
  isInString: boolean;
}

/** The place where `text` stops being JSON; its end when nothing is wrong. */
export function findBroken(text: string): Broken {
  const open: number[] = [];
  let expected: Expected = "value";
  let offset = 0;
  const at = (place: number, isInString = false): Broken => ({ offset: place, expected, open, isInString });
  for (;;) {
    TOKEN.lastIndex = offset;
    const token = TOKEN.exec(text)?.[1];
    if (token === undefined) break;
    const start = TOKEN.lastIndex - token.length;
    const { end, wrong } = token === '"' ? readString(text, start) : { end: TOKEN.lastIndex };
    if (wrong === text.length) return at(wrong, true);
    // A broken string is reported at its start, whether or not a string may stand there.
    if (end === undefined) return at(start);
    const next = follow({ token, start, text }, expected, open);
    if (next === undefined) return at(start);
    offset = end;
    expected = next;
  }
  while (offset < text.length && " \t\n\r".includes(text.charAt(offset))) offset++;
  return at(isCutShort(text.slice(offset)) ? text.length : offset);
}

const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPES = /(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})){1,1000}/y;
const PART_OF_ESCAPE = /\\(?:u[0-9a-fA-F]{0,3})?$/y;

/**
 * The string that starts with a quote at `start`: the place behind it, or the place of its first wrong
 * character, which is the text's end where that comes first. It is read piece by piece: one pattern for the
 * whole would keep a way back for each character.
 */
export function readString(text: string, start: number): { end?: number; wrong?: number } {
  for (let at = start + 1; ; ) {
    PLAIN.lastIndex = at;
    PLAIN.test(text);
    at = PLAIN.lastIndex;
    if (at === text.length) return { wrong: at };
    if (text.charAt(at) === '"') return { end: at + 1 };
    ESCAPES.lastIndex = PART_OF_ESCAPE.lastIndex = at;
    if (!ESCAPES.test(text)) return { wrong: PART_OF_ESCAPE.test(text) ? text.length : at };
    at = ESCAPES.lastIndex;
  }
}

/**
 * The tokens that may follow `token` where `expected` was allowed; undefined when the token itself is not
 * allowed. Keeps `open` up to date.
 */
function follow(
  { token, start, text }: { token: string; start: number; text: string },
  expected: Expected,
  open: number[],
): Expected | undefined {
  const after = (): Expected => (open.length === 0 ? "end" : "more");
  const last = open.at(-1);
  const top = last === undefined ? undefined : closerOf(text, last);
  if (token === "}" || token === "]") {
    const allowed = expected === "more" || expected === (token === "}" ? "first key" : "first value");
    if (!allowed || top !== token) return undefined;
    open.pop();
    return after();
  }
  if (token === ":") return expected === "colon" ? "value" : undefined;
  if (token === ",") return expected === "more" ? (top === "}" ? "key" : "value") : undefined;
  if (expected === "key" || expected === "first key") return token.startsWith('"') ? "colon" : undefined;
  if (expected !== "value" && expected !== "first value") return undefined;
  if (token !== "{" && token !== "[") return after();
  open.push(start);
  return token === "{" ? "first key" : "first value";
}

/** The bracket that closes the one at `open`. */
export function closerOf(text: string, open: number): "}" | "]" {
  return text.charAt(open) === "{" ? "}" : "]";
}

/** True for a correct beginning of a number or word that the end of the text cuts. */
function isCutShort(rest: string): boolean {
  return rest === "-" || ["true", "false", "null"].some((word) => word.startsWith(rest));
}
