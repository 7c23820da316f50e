// JSON text to a value, with errors that say where the text is broken and how to mend it. JSON.parse of this
// runtime does not.
import { CniError, type ErrorParts } from "./error.ts";
import { slipAt } from "./json-slip.ts";
import { findBroken } from "./json-token.ts";
import { placeIn } from "./text-place.ts";

/**
 * The one JSON value in `text`. Throws code 6 with the Go skeleton's message and the place of the first wrong
 * character.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw error instanceof SyntaxError ? brokenText(text) : undecodable(limitOf(error));
  }
}

/** The one JSON value in the text of another program; undefined where it is no JSON. */
export function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function brokenText(text: string): CniError {
  const broken = findBroken(text);
  const { offset } = broken;
  const hint = text.trim() === "" ? "Send the network configuration on stdin" : slipAt(text, broken)?.advice;
  const reason = describe(text, offset);
  const isEnd = offset >= text.length;
  const { line, column } = placeIn(text, offset);
  return undecodable(isEnd ? reason : `${reason} in line ${line}, column ${column}`, {
    hint,
    problems: [{ path: "", text: reason, offset, hint }],
  });
}

function undecodable(reason: string, more: Pick<ErrorParts, "hint" | "problems"> = {}): CniError {
  return new CniError("undecodable", {
    message: `error unmarshall network config: ${reason}`,
    ...more,
    hint: more.hint ?? "Correct the JSON text of the network configuration",
  });
}

/** The reason of an error of JSON.parse: the first wrong character and its place, or a limit. */
export function jsonProblem(text: string, error: unknown): string {
  if (!(error instanceof SyntaxError)) return limitOf(error);
  const { offset } = findBroken(text);
  const { line, column } = placeIn(text, offset);
  const reason = describe(text, offset);
  return offset >= text.length ? reason : `${reason} in line ${line}, column ${column}`;
}

/** The limit that a text exceeds, whatever else is wrong with it: the stack, or the memory. */
function limitOf(error: unknown): string {
  return error instanceof RangeError
    ? "nested too deeply"
    : "too large for the memory that the plugin may use";
}

function describe(text: string, offset: number): string {
  if (offset >= text.length) return "unexpected end of JSON input";
  const character = String.fromCodePoint(text.codePointAt(offset) ?? 0);
  const shown = /[\p{C}\u2028\u2029]/u.test(character)
    ? `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`
    : `'${character}'`;
  return `invalid character ${shown}`;
}

/**
 * The JSON of a value, which a terminal takes for nothing but text: what is not plain ASCII is escaped (RFC
 * 8259, 7). With `indent` it has lines that are indented so.
 */
export function asciiJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(
    /[^ -~\n]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
