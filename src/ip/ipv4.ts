// IPv4 addresses as text: four decimal numbers with dots.
import { parseDigits } from "./digits.ts";

/** The 32 bits that `text` names, or undefined. No leading zeros: some programs would read them as octal. */
export function parseIPv4(text: string): number | undefined {
  const fields = text.split(".");
  if (fields.length !== 4) return undefined;
  let value = 0;
  for (const field of fields) {
    const octet = parseDigits(field, 10, 3);
    if (octet === undefined || octet > 255 || (field.length > 1 && field.startsWith("0"))) return undefined;
    value = value * 256 + octet;
  }
  return value;
}

/** The dotted text of 32 bits. */
export function formatIPv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}
