// Tables, chains and elements in the words of nft, for people: from the same description as the messages to
// the kernel.
import { addressFromBytes, formatAddress } from "../ip/address.ts";
import { readText } from "../netlink/reader.ts";
import { be16At, u32At } from "../sys/bytes.ts";
import type { Element } from "./element.ts";
import { ruleText } from "./expression.ts";
import {
  INTERFACE_NAME_BYTES,
  TYPE_DEVGROUP,
  TYPE_ETHERADDR,
  TYPE_IFNAME,
  TYPE_INET_PROTOCOL,
  TYPE_INET_SERVICE,
  TYPE_INTEGER,
  TYPE_IP6ADDR,
  TYPE_IPADDR,
} from "./key.ts";
import { PROTOCOL_NAMES } from "./port-mapping.ts";
import type { DataType, MapLayout, SetKey, SetLayout } from "./set-message.ts";
import type { ChainLayout, SharedChain, TableThings } from "./table-layout.ts";

/** The text that makes the table with its own sets, maps, chains and rules: lines for `nft -f`. */
export function tableText({ table, sets, maps, chains }: TableThings): string[] {
  const blocks = [
    ...(sets?.() ?? []).map(setText),
    ...(maps?.() ?? []).map(mapText),
    ...chains().map(chainText),
  ];
  return [`table ${table.title} {`, ...blocks.flat().map((line) => `\t${line}`), "}"];
}

/** The text that makes a chain that attachments share, in its table. */
export function sharedChainText({ table, layout }: SharedChain): string[] {
  return [`table ${table.title} {`, ...chainText(layout()).map((line) => `\t${line}`), "}"];
}

/**
 * The element as `nft add element TABLE SET` wants it, in braces and without its comment. With `isKeyAlone`
 * it is as `nft delete element` wants it, which names no value. Throws RangeError for a set that the table
 * does not have.
 */
export function elementText(things: TableThings, element: Element, isKeyAlone = false): string {
  const { table, set: name, key, lastKey, chain, value } = element;
  const set = things.sets?.().find((each) => each.name === name);
  const map = things.maps?.().find((each) => each.name === name);
  const type = (set ?? map)?.key.type;
  if (type === undefined) throw new RangeError(`table ${table.title} has no set ${name}`);
  const target = chain === "" ? map?.value && value && dataText(map.value.type, value) : `goto ${chain}`;
  const text = rangeText(type, key, lastKey);
  const whole = isKeyAlone || target === undefined ? text : `${text} : ${target}`;
  return `{ ${whole} }`;
}

function setText({ name, key, isOfIntervals = false }: SetLayout): string[] {
  const flags = isOfIntervals ? ["\tflags interval"] : [];
  return [`set ${name} {`, `\t${keyText(key)}`, ...flags, "}"];
}

function keyText({ type, expression }: SetKey): string {
  return expression === undefined ? `type ${typeText(type)}` : `typeof ${expression.text}`;
}

function mapText({ name, key, value, intervalFields }: MapLayout): string[] {
  const flags = intervalFields === undefined ? [] : ["\tflags interval"];
  return [`map ${name} {`, `\ttype ${typeText(key.type)} : ${valueText(value)}`, ...flags, "}"];
}

function valueText(value: DataType | undefined): string {
  return value === undefined ? "verdict" : typeText(value.type);
}

function chainText({ name, hook, rules }: ChainLayout): string[] {
  const base = hook === undefined ? [] : [`\ttype ${hook.type} hook ${hook.text}; policy accept;`];
  return [`chain ${name} {`, ...base, ...rules.map((rule) => `\t${ruleText(rule)}`), "}"];
}

/** A part of a key: nft's word for its type, its bytes without padding, and the text of a value. */
interface Part {
  word: string;
  bytes: number;
  text(bytes: Uint8Array): string;
}

const addressText = (bytes: Uint8Array): string => formatAddress(addressFromBytes(bytes));
const hexDigits = (bytes: Uint8Array): string[] =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, "0"));

const PARTS: { readonly [type: number]: Part } = {
  [TYPE_IPADDR]: { word: "ipv4_addr", bytes: 4, text: addressText },
  [TYPE_IP6ADDR]: { word: "ipv6_addr", bytes: 16, text: addressText },
  [TYPE_ETHERADDR]: { word: "ether_addr", bytes: 6, text: (bytes) => hexDigits(bytes).join(":") },
  [TYPE_INET_PROTOCOL]: {
    word: "inet_proto",
    bytes: 1,
    text: ([number = 0]) => PROTOCOL_NAMES[number] ?? String(number),
  },
  [TYPE_INET_SERVICE]: { word: "inet_service", bytes: 2, text: (bytes) => String(be16At(bytes, 0)) },
  [TYPE_DEVGROUP]: { word: "devgroup", bytes: 4, text: (bytes) => String(u32At(bytes, 0)) },
  [TYPE_IFNAME]: { word: "ifname", bytes: INTERFACE_NAME_BYTES, text: (bytes) => `"${readText(bytes)}"` },
  [TYPE_INTEGER]: { word: "integer", bytes: 16, text: (bytes) => `0x${hexDigits(bytes).join("")}` },
};

/** The parts of a type, which holds six bits for each of them. */
function partsOf(type: number): Part[] {
  const parts: Part[] = [];
  for (let rest = type; rest > 0; rest >>>= 6) {
    const part = PARTS[rest & 0x3f];
    if (part === undefined) throw new RangeError(`type ${rest & 0x3f} has no name`);
    parts.unshift(part);
  }
  return parts;
}

function typeText(type: number): string {
  return partsOf(type)
    .map(({ word }) => word)
    .join(" . ");
}

function dataText(type: number, bytes: Uint8Array): string {
  return textsOf(type, bytes).join(" . ");
}

/** The texts of the parts. Each part begins with a register of four bytes. */
function textsOf(type: number, bytes: Uint8Array): string[] {
  let at = 0;
  return partsOf(type).map((part) => {
    const text = part.text(bytes.subarray(at, at + part.bytes));
    at += (part.bytes + 3) & ~3;
    return text;
  });
}

/** A key, or an interval of keys: each part that differs is a range, as in `tcp . 8080-8090`. */
function rangeText(type: number, key: Uint8Array, lastKey: Uint8Array | undefined): string {
  if (lastKey === undefined) return dataText(type, key);
  const last = textsOf(type, lastKey);
  return textsOf(type, key)
    .map((first, at) => (first === last[at] ? first : `${first}-${last[at]}`))
    .join(" . ");
}
