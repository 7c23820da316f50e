// JSON text to a value, with errors that say where the text is broken. JSON.parse of this runtime does not.
import { CniError } from "./error.ts";

/**
 * The one JSON value in `text`. Throws code 6 with the Go skeleton's message and the place of the first wrong
 * character.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new CniError("undecodable", {
      message: `error unmarshall network config: ${error instanceof SyntaxError ? describe(text, findBrokenOffset(text)) : limitOf(error)}`,
      hint:
        text.trim() === ""
          ? "Send the network configuration on stdin"
          : "Correct the JSON text of the network configuration",
    });
  }
}

/** The limit that a text exceeds, whatever else is wrong with it: the stack, or the memory. */
function limitOf(error: unknown): string {
  return error instanceof RangeError
    ? "nested too deeply"
    : "too large for the memory that the plugin may use";
}

function describe(text: string, offset: number): string {
  if (offset >= text.length) return "unexpected end of JSON input";
  const before = text.slice(0, offset).split("\n");
  const character = String.fromCodePoint(text.codePointAt(offset) ?? 0);
  const shown = /[\p{C}\u2028\u2029]/u.test(character)
    ? `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`
    : `'${character}'`;
  return `invalid character ${shown} in line ${before.length}, column ${(before.at(-1) ?? "").length + 1}`;
}

const TOKEN = /[ \t\n\r]*("|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[[\]{},:])/y;

/**
 * The place of the first token that JSON does not allow (RFC 8259); the length of the text when it ends too
 * early, or when nothing is wrong.
 */
function findBrokenOffset(text: string): number {
  const open: string[] = [];
  let expected = "value";
  let offset = 0;
  for (;;) {
    TOKEN.lastIndex = offset;
    const token = TOKEN.exec(text)?.[1];
    if (token === undefined) break;
    const start = TOKEN.lastIndex - token.length;
    const end = token === '"' ? endOfString(text, start) : TOKEN.lastIndex;
    // A broken string is reported at its start, whether or not a string may stand there.
    if (end === undefined) return start;
    if (end > text.length) return text.length;
    const next = follow(token, expected, open);
    if (next === undefined) return start;
    offset = end;
    expected = next;
  }
  while (offset < text.length && " \t\n\r".includes(text.charAt(offset))) offset++;
  if (offset === text.length) return offset;
  return isCutShort(text.slice(offset)) ? text.length : offset;
}

const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPES = /(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})){1,1000}/y;
const PART_OF_ESCAPE = /\\(?:u[0-9a-fA-F]{0,3})?$/y;

/**
 * The place behind the string that starts with a quote at `start`; beyond the text's end when the text ends
 * inside of it; undefined when no string starts there. It is read piece by piece: one pattern for the whole
 * would keep a way back for each character.
 */
function endOfString(text: string, start: number): number | undefined {
  const beyond = text.length + 1;
  for (let at = start + 1; ; ) {
    PLAIN.lastIndex = at;
    PLAIN.test(text);
    at = PLAIN.lastIndex;
    if (at === text.length) return beyond;
    if (text.charAt(at) === '"') return at + 1;
    ESCAPES.lastIndex = PART_OF_ESCAPE.lastIndex = at;
    if (!ESCAPES.test(text)) return PART_OF_ESCAPE.test(text) ? beyond : undefined;
    at = ESCAPES.lastIndex;
  }
}

/**
 * The tokens that may follow `token` where `expected` was allowed; undefined when the token itself is not
 * allowed. Keeps `open` up to date.
 */
function follow(token: string, expected: string, open: string[]): string | undefined {
  const after = (): string => (open.length === 0 ? "end" : "more");
  const top = open.at(-1);
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
  open.push(token === "{" ? "}" : "]");
  return token === "{" ? "first key" : "first value";
}

/** True for a correct beginning of a number or word that the end of the text cuts. */
function isCutShort(rest: string): boolean {
  return rest === "-" || ["true", "false", "null"].some((word) => word.startsWith(rest));
}
