// What the reference plugins can do and Pontoon cannot. Asking for it is refused with code 2, because a network that
// silently lacks what somebody switched on is worse than none.
import { CniError } from "./error.ts";
import { type Fields, isFields } from "./keys.ts";
import { quote } from "./problems.ts";

interface Unsupported {
  /** Path of the key. */
  key: string;
  hint: string;
}

const IN_CONFIG: Unsupported[] = [
  { key: "externalSetMarkChain", hint: "Take the key out: Pontoon marks packets in a chain of its own, with the bit of markMasqBit" },
];

/** Throws code 2 when something unsupported is switched on: the first in the message, all of them in the details. */
export function refuseUnsupported(fields: Fields): void {
  const texts: string[] = [];
  const hints: string[] = [];
  for (const { key, hint } of IN_CONFIG) {
    const value = valueAt(fields, key);
    if (!isSwitchedOn(value)) continue;
    texts.push(`${key} = ${shown(value)}`);
    hints.push(hint);
  }
  if (texts.length === 0) return;
  throw new CniError("unsupportedField", {
    about: texts[0],
    cause: texts.length === 1 ? undefined : `${texts.length} fields are not supported: ${texts.join(", ")}`,
    hint: hints[0],
  });
}

/** False for every way to say no. */
function isSwitchedOn(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isFields(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}

function valueAt(fields: Fields, path: string): unknown {
  let value: unknown = fields;
  for (const key of path.split(".")) value = isFields(value) ? value[key] : undefined;
  return value;
}

/** A short list of plain values is shown as it is. */
function shown(value: unknown): string {
  return Array.isArray(value) && value.length <= 4 ? `[${value.map(quote).join(", ")}]` : quote(value);
}
