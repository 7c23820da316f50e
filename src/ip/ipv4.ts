// IPv4 addresses as text: four decimal numbers with dots.

/** Three decimal numbers without leading zeros: some programs would read numbers with them as octal. */
const HEAD = /^(0|[1-9]\d?\d?)\.(0|[1-9]\d?\d?)\.(0|[1-9]\d?\d?)$/;

/** The 24 bits of three numbers that were read, by their text: the addresses of a node share them. */
const heads = new Map<string, number>();

/** The 32 bits that `text` names, or undefined. */
export function parseIPv4(text: string): number | undefined {
  const dot = text.lastIndexOf(".");
  const last = parseOctet(text.slice(dot + 1));
  const head = last === undefined || dot < 0 ? undefined : readHead(text.slice(0, dot));
  return head === undefined || last === undefined ? undefined : head * 256 + last;
}

function readHead(text: string): number | undefined {
  const known = heads.get(text);
  if (known !== undefined) return known;
  const fields = HEAD.exec(text);
  if (fields === null) return undefined;
  let value = 0;
  for (let at = 1; at <= 3; at++) {
    const octet = Number(fields[at]);
    if (octet > 255) return undefined;
    value = value * 256 + octet;
  }
  heads.set(text, value);
  return value;
}

/** The number from 0 to 255 whose only decimal text this is. It has no dot in it. */
function parseOctet(text: string): number | undefined {
  const value = Number(text);
  return value >= 0 && value <= 255 && String(value) === text ? value : undefined;
}

/** The dotted text of 32 bits. */
export function formatIPv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}
