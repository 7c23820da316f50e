// A look-up of a packet in a set or map: its key, and the words of its elements.

import type { Packet } from "./packet.ts";
import { type Field, hexText } from "./packet-field.ts";
import { fieldsOfKey, keyOf } from "./packet-register.ts";
import type { KeyParts, PacketSet, SetElement } from "./packet-set.ts";

/** A look-up: the set, and the properties in the registers from that of the key on. */
export interface LookUp {
  set: PacketSet;
  name: string;
  fields: readonly (Field | undefined)[];
}

/** The most elements of an anonymous set that a text shows. */
const MOST_SHOWN = 8;

/** The key of a packet. Throws SystemError. */
export function keyIn({ set, fields }: LookUp, packet: Packet): KeyParts {
  return keyOf(fieldsOfKey(fields, set.keyLength), set.keyLength, packet);
}

/** `ip saddr vmap @NAME`, of a map without a name with these of its elements, or with all. */
export function mapText(map: LookUp, elements?: readonly SetElement[]): string {
  return `${namesText(map)} vmap ${elementsText(map, elements)}`;
}

/** The names of what a key is made of: `ip saddr . th dport`. */
export function namesText({ set, fields }: LookUp): string {
  return fieldsOfKey(fields, set.keyLength)
    .map((field) => field?.name ?? "?")
    .join(" . ");
}

/** The name of a set; of one without a name these of its elements, or all, a few of them. */
export function elementsText({ name, set, fields }: LookUp, part?: readonly SetElement[]): string {
  if (!/^__(set|map)\d+$/.test(name)) return `@${name}`;
  const elements = part ?? set.elements;
  const parts = fieldsOfKey(fields, set.keyLength);
  const shown = elements.slice(0, MOST_SHOWN).map((element) => keyText(parts, element));
  return `{ ${[...shown, ...(elements.length > MOST_SHOWN ? ["…"] : [])].join(", ")} }`;
}

function keyText(fields: readonly (Field | undefined)[], { first, last }: SetElement): string {
  if (first === undefined) return "*";
  let at = 0;
  const texts = fields.map((field) => {
    const length = field?.length ?? 4;
    const [begin, end] = [first, last].map((key) => key?.subarray(at, at + length));
    at += (length + 3) & ~3;
    if (begin === undefined) return "?";
    return rangeText(field, begin, end ?? begin);
  });
  return texts.join(" . ");
}

/** `10.1.0.0/24` for a range of addresses that is a prefix, `20-25`, or one value. */
function rangeText(field: Field | undefined, first: Uint8Array, last: Uint8Array): string {
  const text = field?.textOf ?? hexText;
  if (first.join() === last.join()) return text(first);
  const [low, high] = [bitsOf(first), bitsOf(last)];
  const ones = [...low].findIndex((bit, at) => bit !== high[at]);
  const isPrefix = !low.slice(ones).includes("1") && !high.slice(ones).includes("0");
  return isPrefix && field?.whole === first.length
    ? `${text(first)}/${ones}`
    : `${text(first)}-${text(last)}`;
}

function bitsOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
}
