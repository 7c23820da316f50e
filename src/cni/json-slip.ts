// The slips that people make in JSON: what to do about each, and the text as it was meant.
import { type Broken, closerOf, findBroken, readString } from "./json-token.ts";
import { placeIn } from "./text-place.ts";

/** A slip at the place where a text stops being JSON. */
export interface Slip {
  /** A sentence that starts with a verb. */
  advice: string;
  /** The text without the slip, in which all else keeps its place; undefined where that cannot be. */
  repaired?: () => string;
}

/** The text around a broken place. */
interface Around extends Broken {
  text: string;
  /** The text from the broken place on, and its first character. */
  rest: string;
  character: string;
  /** The place of the last character before it that is no white space; -1: none. */
  before: number;
}

/** A look for one slip. */
type Look = (around: Around) => Slip | undefined;

/** In this order: the first that finds something counts. */
const LOOKS: readonly Look[] = [
  byteOrderMark,
  encoding,
  comment,
  oddQuotes,
  oddBlank,
  endOfText,
  brokenString,
  wrongComma,
  wrongCloser,
  missingComma,
  signs,
  words,
];

/** The slip at a broken place; undefined when it looks like none that is known. */
export function slipAt(text: string, broken: Broken): Slip | undefined {
  const { offset } = broken;
  const before = text.slice(0, offset).trimEnd().length - 1;
  const around = {
    ...broken,
    text,
    before,
    rest: text.slice(offset, offset + 200),
    character: text.charAt(offset),
  };
  for (const look of LOOKS) {
    const slip = look(around);
    if (slip !== undefined) return slip;
  }
  return undefined;
}

/**
 * A text that is no JSON without its first slip, in which all else keeps its place; undefined where that
 * cannot be.
 */
export function repaired(text: string): string | undefined {
  return slipAt(text, findBroken(text))?.repaired?.();
}

function byteOrderMark({ text, offset }: Around): Slip | undefined {
  if (offset !== 0 || !text.startsWith("\ufeff")) return undefined;
  return {
    advice: "Save the file as UTF-8 without a byte order mark (BOM), which stands before its first character",
    repaired: () => replace(text, { from: 0, to: 1 }, " "),
  };
}

function encoding({ rest }: Around): Slip | undefined {
  return /^[\0\ufffd]/.test(rest) ? { advice: "Save the file as UTF-8" } : undefined;
}

function comment({ text, offset, rest }: Around): Slip | undefined {
  const start = /^(\/\/|\/\*|#)/.exec(rest)?.[1];
  if (start === undefined) return undefined;
  const [closer, more] = start === "/*" ? ["*/", 2] : ["\n", 0];
  const close = text.indexOf(closer, offset + start.length);
  const to = close === -1 ? text.length : close + more;
  return {
    advice: 'Take the comment out, JSON has none; a key such as "_comment" may hold its words',
    repaired: () => replace(text, { from: offset, to }, text.slice(offset, to).replaceAll(/[^\n]/g, " ")),
  };
}

const ODD_QUOTES =
  /^(['\u2018\u2019\u201c\u201d\u201e\u00ab`])([^"'\n\u2018\u2019\u201c\u201d\u00bb`]*)(['\u2018\u2019\u201c\u201d\u00bb`])/;

function oddQuotes({ text, offset, rest, character }: Around): Slip | undefined {
  if (!/^['\u2018\u2019\u201c\u201d\u201e\u00ab`]/.test(rest)) return undefined;
  const advice =
    character === "'"
      ? "Write keys and texts in double quotes, not in single ones"
      : 'Write keys and texts in plain double quotes (")';
  const found = ODD_QUOTES.exec(rest);
  if (found === null) return { advice };
  const [whole, , inner] = found;
  return { advice, repaired: () => replace(text, { from: offset, to: offset + whole.length }, `"${inner}"`) };
}

function oddBlank({ text, offset, rest }: Around): Slip | undefined {
  if (!/^[\s\u200b-\u200d\u2060\ufeff]/.test(rest)) return undefined;
  return {
    advice: "Put a plain blank in place of this one, which JSON does not know",
    repaired: () => replace(text, { from: offset, to: offset + 1 }, " "),
  };
}

function endOfText({ text, offset, open, isInString }: Around): Slip | undefined {
  if (isInString) return { advice: 'Close the last text with a double quote (")' };
  const last = open.at(-1);
  if (offset < text.length || last === undefined) return undefined;
  const { line, column } = placeIn(text, last);
  return {
    advice: `Write the missing "${closerOf(text, last)}": the "${text.charAt(last)}" in line ${line}, column ${column} is not closed`,
    repaired: () =>
      text +
      open
        .map((at) => closerOf(text, at))
        .reverse()
        .join(""),
  };
}

function brokenString({ text, offset, character }: Around): Slip | undefined {
  const { wrong } = character === '"' ? readString(text, offset) : {};
  if (wrong === undefined) return undefined;
  const odd = text.charAt(wrong);
  if (odd === "\\") return { advice: "Write a backslash in a text as two (\\\\)" };
  if (odd === "\n" || odd === "\r") return { advice: 'Close the text with a double quote (") in its line' };
  const code = odd.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
  return {
    advice:
      odd === "\t"
        ? "Put a blank in place of the tab in the text, or write it as \\t"
        : `Take U+${code} out of the text`,
    repaired: () => replace(text, { from: wrong, to: wrong + 1 }, " "),
  };
}

function wrongComma({ text, offset, character, before, expected }: Around): Slip | undefined {
  if (character === "," && expected !== "more" && expected !== "colon" && expected !== "end") {
    if (text.charAt(before) === ":") return { advice: "Give the key in front of the comma a value" };
    return {
      advice: "Take this comma out: nothing stands in front of it",
      repaired: () => replace(text, { from: offset, to: offset + 1 }, " "),
    };
  }
  if ((character !== "}" && character !== "]") || text.charAt(before) !== ",") return undefined;
  const { line, column } = placeIn(text, before);
  return {
    advice: `Take out the comma in line ${line}, column ${column}: nothing follows it`,
    repaired: () => replace(text, { from: before, to: before + 1 }, " "),
  };
}

function wrongCloser({ text, offset, character, expected, open, before }: Around): Slip | undefined {
  if (character !== "}" && character !== "]") return undefined;
  if (expected === "end")
    return {
      advice: `Take this "${character}" out: nothing is open any more`,
      repaired: () => replace(text, { from: offset, to: offset + 1 }, " "),
    };
  if (text.charAt(before) === ":") return { advice: "Give the key in front of it a value" };
  const last = open.at(-1);
  if (last === undefined || closerOf(text, last) === character) return undefined;
  const { line, column } = placeIn(text, last);
  return {
    advice: `Write a "${closerOf(text, last)}" before it, which closes the "${text.charAt(last)}" in line ${line}, column ${column}`,
  };
}

function missingComma({ text, offset, expected, before, rest }: Around): Slip | undefined {
  if (expected !== "more" || !/^["{[\w-]/.test(rest)) return undefined;
  const isBehindBlank = before + 1 < offset;
  if (!isBehindBlank && /\w/.test(rest.charAt(0)) && /\d/.test(text.charAt(before))) return NUMBER;
  const { line, column } = placeIn(text, before + 1);
  const advice = `Write a comma in line ${line}, column ${column}, behind what stands there`;
  if (!isBehindBlank) return { advice };
  return { advice, repaired: () => replace(text, { from: before + 1, to: before + 2 }, ",") };
}

const NUMBER: Slip = {
  advice:
    "Write the number as JSON does, in plain digits without a zero or a plus sign in front, or put it in double quotes",
};

function signs({ text, offset, character, expected, open, before }: Around): Slip | undefined {
  const instead = (sign: string): string => replace(text, { from: offset, to: offset + 1 }, sign);
  if (expected === "colon") {
    if (character === "=") return { advice: 'Write ":" in place of "="', repaired: () => instead(":") };
    if (/:\s*"$/.test(text.slice(Math.max(0, before - 80), before + 1)))
      return { advice: 'Close the key in front of the colon with a double quote (")' };
    return { advice: 'Write a ":" between the key and its value' };
  }
  if (expected === "more" && character === ";")
    return { advice: 'Write "," in place of ";"', repaired: () => instead(",") };
  if (expected === "more" && character === ":" && text.charAt(open.at(-1) ?? 0) === "[")
    return { advice: 'Write keys in an object ("{", "}"): a list ("[", "]") has none' };
  if (expected === "end") return { advice: "Take out what stands behind the end of the configuration" };
  return undefined;
}

/** Words that other languages have for the values of JSON. */
const OTHER_WORDS: { readonly [word: string]: string } = {
  True: "true",
  TRUE: "true",
  False: "false",
  FALSE: "false",
  None: "null",
  NULL: "null",
  Null: "null",
};

function words({ text, offset, rest, expected }: Around): Slip | undefined {
  const word = /^[^\s,:{}[\]"]+/.exec(rest)?.[0];
  if (word === undefined) return undefined;
  if (expected === "key" || expected === "first key") return { advice: "Write the key in double quotes" };
  const known = Object.hasOwn(OTHER_WORDS, word) ? OTHER_WORDS[word] : undefined;
  if (known === undefined)
    return /^[-+.\d]/.test(word)
      ? NUMBER
      : { advice: "Write the text in double quotes; without them there are true, false, null and numbers" };
  return {
    advice: `Write ${known}, in small letters`,
    repaired: () => replace(text, { from: offset, to: offset + word.length }, known),
  };
}

function replace(text: string, { from, to }: { from: number; to: number }, by: string): string {
  return text.slice(0, from) + by + text.slice(to);
}
