// IPv4 addresses as text: four decimal numbers with dots.

/** Four decimal numbers without leading zeros: some programs would read numbers with them as octal. */
const FIELDS = /^(0|[1-9]\d?\d?)\.(0|[1-9]\d?\d?)\.(0|[1-9]\d?\d?)\.(0|[1-9]\d?\d?)$/;

/** The 32 bits that `text` names, or undefined. */
export function parseIPv4(text: string): number | undefined {
  const fields = FIELDS.exec(text);
  if (fields === null) return undefined;
  let value = 0;
  for (let at = 1; at <= 4; at++) {
    const octet = Number(fields[at]);
    if (octet > 255) return undefined;
    value = value * 256 + octet;
  }
  return value;
}

/** The dotted text of 32 bits. */
export function formatIPv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}
