// The signs of a picture in text, and plain ones for terminals without Unicode.

/** Each sign is one column wide, and so is the ASCII character in its place. */
const PLAIN_SIGNS: { readonly [sign: string]: string } = {
  "─": "-",
  "│": "|",
  "┆": ":",
  "┌": "+",
  "┐": "+",
  "└": "+",
  "┘": "+",
  "├": "+",
  "┤": "+",
  "┬": "+",
  "┴": "+",
  "▼": "v",
  "▲": "^",
  "◀": "<",
  "✗": "x",
  "·": ",",
  "…": "~",
};

/** The text with an ASCII character in the place of each sign. */
export function inAscii(text: string): string {
  return text.replace(/[^ -~\n\u001b]/g, (sign) => PLAIN_SIGNS[sign] ?? "?");
}

/**
 * True where the locale's characters are UTF-8: the first of LC_ALL, LC_CTYPE and LANG that is not empty
 * decides (POSIX.1-2017, Base Definitions, 8.2).
 */
export function isUnicode({
  LC_ALL,
  LC_CTYPE,
  LANG,
}: {
  readonly [name: string]: string | undefined;
}): boolean {
  return /utf-?8/i.test([LC_ALL, LC_CTYPE, LANG].find((each) => each !== undefined && each !== "") ?? "");
}
