// What is computed: each subject makes its input from a random source and gives all it got, as text.

import { aliasOf } from "../../../src/attachment/name.ts";
import { formatRecord, parseRecord } from "../../../src/attachment/text.ts";
import { parseNetconf } from "../../../src/cni/config.ts";
import { parseEnvironment } from "../../../src/cni/environment.ts";
import { parseJson } from "../../../src/cni/json.ts";
import { macProblem } from "../../../src/cni/mac.ts";
import { byteLength, hasUnprintable, hasWhiteSpace, isPlainName } from "../../../src/cni/name.ts";
import { NETCONF } from "../../../src/cni/netconf-keys.ts";
import { explainShape } from "../../../src/cni/netconf-schema.ts";
import { Problems } from "../../../src/cni/problems.ts";
import { parseResolvConf } from "../../../src/cni/resolv-conf.ts";
import { formatResult } from "../../../src/cni/result-format.ts";
import { readResult } from "../../../src/cni/result-parse.ts";
import { parseTeardownConfig } from "../../../src/cni/teardown.ts";
import { answerVersion, SUPPORTED_VERSIONS } from "../../../src/cni/version.ts";
import { migrate } from "../../../src/command/migrate/list.ts";
import {
  type Address,
  addressBytes,
  addressFromBytes,
  type Family,
  familyBits,
  formatAddress,
  parseAddress,
} from "../../../src/ip/address.ts";
import { macBytes } from "../../../src/ip/mac.ts";
import {
  formatPrefix,
  hasHostBits,
  networkOf,
  type Prefix,
  parsePrefix,
  prefixContains,
} from "../../../src/ip/prefix.ts";
import {
  type AddressRange,
  addressAt,
  indexOf,
  prefixRange,
  rangeContains,
  rangeSize,
  rangesOverlap,
} from "../../../src/ip/range.ts";
import { chooseAddress, chooseByNames } from "../../../src/ipam/choice.ts";
import { readReservation } from "../../../src/ipam/foreign-result.ts";
import { addressInSet, formatRangeSet, indexInSet, rangeSetOf } from "../../../src/ipam/range-set.ts";
import { formatMac, Link } from "../../../src/net/link.ts";
import { listAttributes, readAttributes, readMessages } from "../../../src/netlink/reader.ts";
import { Writer } from "../../../src/netlink/writer.ts";
import { placeOf, textBytes, textOf, u16At, u32At } from "../../../src/sys/bytes.ts";
import { sha256, sha512 } from "../../../src/sys/hash.ts";
import { attachmentWithEverything } from "../../support/everything.ts";
import { randomBytes, randomTrees, type Tree } from "../../unit/netlink/random.ts";
import { CONFIGS, NUMBER_TEXTS, RECORD, RESULTS, WORDS } from "./differential-input.ts";
import { language } from "./differential-language.ts";
import { outcome, show } from "./differential-text.ts";

export type Random = (limit: number) => number;

const pick = <T>(random: Random, list: readonly T[]): T => list[random(list.length)]!;

const EDGES = [
  0n,
  1n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n,
  2n ** 96n,
  2n ** 127n,
  2n ** 128n - 1n,
  0xffff00000000n,
  0xfd000000000000000000000000000000n,
];

function randomBig(random: Random, bits: number): bigint {
  let value = 0n;
  for (let at = 0; at < bits; at += 16) value = (value << 16n) | BigInt(random(65536));
  // Not BigInt.asUintN: quickjs-ng 0.15.1 gives numbers below zero for a multiple of 64 bits.
  const mask = (1n << BigInt(bits)) - 1n;
  return (random(2) === 0 ? value & mask : pick(random, EDGES) + BigInt(random(7) - 3)) & mask;
}

function randomAddress(random: Random, family = (random(2) === 0 ? 4 : 6) as Family): Address {
  return { family, value: randomBig(random, familyBits(family)) };
}

function randomPrefix(random: Random): Prefix {
  const address = randomAddress(random);
  return { address, length: random(familyBits(address.family) + 1) };
}

const CHARACTERS = [
  "0",
  "1",
  "9",
  "a",
  "f",
  "F",
  "g",
  ":",
  "::",
  ".",
  "/",
  " ",
  "-",
  "%",
  "\0",
  "é",
  "\ud800",
  "\u{1f600}",
  "\u2028",
  "\ufeff",
  "\u0085",
  '"',
  "\\",
  "\n",
  "{",
  "}",
  "[",
  "]",
  ",",
  "null",
  "true",
  "1e5",
  "\\u",
  "\\ud83d",
  "\u007f",
  "ſ",
  "K",
  "ß",
  "İ",
];

export function randomText(random: Random, most = 12): string {
  let text = "";
  for (let left = random(most); left > 0; left--)
    text += random(4) === 0 ? String.fromCharCode(random(65536)) : pick(random, CHARACTERS);
  return text;
}

/** A text with a few characters taken out, doubled or put in. */
function mutated(random: Random, text: string): string {
  let result = text;
  for (let left = random(4); left >= 0; left--) {
    const at = random(result.length + 1);
    const drop = random(3) === 0 ? random(10) : random(2);
    result =
      result.slice(0, at) +
      (random(3) > 0
        ? pick(random, CHARACTERS)
        : random(2) === 0
          ? pick(random, NUMBER_TEXTS)
          : pick(random, WORDS)) +
      result.slice(at + drop);
  }
  return result;
}

function randomValue(random: Random, depth = 2): unknown {
  switch (random(depth > 0 ? 12 : 9)) {
    case 0:
      return null;
    case 1:
      return random(2) === 0;
    case 2:
      return random(5000) - 10;
    case 3:
      return pick(random, [
        1.5,
        -0,
        1e21,
        1e-7,
        4294967295,
        4294967296,
        2 ** 53,
        -1,
        65535,
        65536,
        1500,
        1e300,
        0.1 + 0.2,
      ]);
    case 4:
    case 5:
      return pick(random, WORDS);
    case 6:
      return randomText(random);
    case 7:
      return outcome(() => formatPrefix(randomPrefix(random))).slice(1, -1);
    case 8:
      return formatAddress(randomAddress(random));
    case 9:
      return Array.from({ length: random(4) }, () => randomValue(random, depth - 1));
    default:
      return Object.fromEntries(
        Array.from({ length: random(4) }, () => [
          random(3) === 0 ? randomText(random, 4) : pick(random, WORDS),
          randomValue(random, depth - 1),
        ]),
      );
  }
}

/** A value with some of its members replaced, taken out, renamed, repeated in another case. */
function mutatedValue(random: Random, value: unknown, chance = 12): unknown {
  if (random(chance) === 0) return randomValue(random);
  if (Array.isArray(value)) {
    const list = value.map((each: unknown) => mutatedValue(random, each, chance));
    if (random(chance) === 0) list.push(randomValue(random));
    if (random(chance) === 0 && list.length > 0) list.push(list[0]);
    return list;
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).flatMap(([key, each]): [string, unknown][] => {
    if (random(chance) === 0) return [];
    const name =
      random(chance) === 0 ? key.toUpperCase() : random(4 * chance) === 0 ? randomText(random, 4) : key;
    return [[name, mutatedValue(random, each, chance)]];
  });
  if (random(chance) === 0) entries.push([pick(random, WORDS), randomValue(random)]);
  return Object.fromEntries(entries);
}

function configText(random: Random): string {
  const value = {
    cniVersion: pick(random, SUPPORTED_VERSIONS),
    name: "pods",
    type: "pontoon",
    ...pick(random, CONFIGS),
  };
  const chance = pick(random, [8, 20, 60]);
  const text = JSON.stringify(mutatedValue(random, value, chance));
  return random(10) === 0 ? mutated(random, text) : text;
}

function args(random: Random): Map<string, string> {
  const text =
    random(3) > 0
      ? ""
      : pick(random, [
          "IP=10.1.0.5",
          "IP=10.1.0.5/16,fd00::5;MAC=02:58:0a:01:00:05",
          "MAC=x;IgnoreUnknown=1",
          "K8S_POD_NAME=web;K8S_POD_NAMESPACE=a",
          "GATEWAY=10.1.0.1",
        ]);
  return new Map(text.split(";").map((pair) => pair.split("=") as [string, string]));
}

function writeTrees(w: Writer, trees: Tree[]): void {
  for (const { type, value } of trees) {
    if (value instanceof Uint8Array) w.attribute(type, value);
    else w.nest(type, (inner) => writeTrees(inner, value));
  }
}

/** A record of version 1 or of the newest, mostly a little wrong. */
function recordText(random: Random): string {
  const newest: unknown = JSON.parse(formatRecord(attachmentWithEverything()));
  const record = mutatedValue(random, pick(random, [RECORD, newest]), pick(random, [20, 80]));
  return JSON.stringify(record, undefined, 1);
}

function rangesOf(random: Random): { subnet: Prefix; first: Address; last: Address; gateway: Address }[] {
  const family = (random(2) === 0 ? 4 : 6) as Family;
  return Array.from({ length: 1 + random(3) }, () => {
    const address = randomAddress(random, family);
    const subnet = networkOf({
      address,
      length: pick(
        random,
        family === 4 ? [8, 16, 24, 28, 30, 31, 32] : [1, 16, 64, 65, 96, 112, 120, 127, 128],
      ),
    });
    const { first, last } = prefixRange(subnet);
    return { subnet, first, last, gateway: { family, value: first.value + BigInt(random(3)) } };
  });
}

export const subjects: Record<string, (random: Random) => string> = {
  address: (random) => {
    const text =
      random(3) === 0
        ? mutated(random, formatAddress(randomAddress(random)))
        : random(3) === 0
          ? randomText(random, 20)
          : formatAddress(randomAddress(random));
    const address = parseAddress(text);
    return show([
      text,
      address,
      address === undefined ? 0 : [formatAddress(address), addressBytes(address)],
      outcome(() => addressFromBytes(randomBytes(random, pick(random, [4, 16, 5])))),
    ]);
  },
  prefix: (random) => {
    const prefix = randomPrefix(random);
    const text = random(2) === 0 ? formatPrefix(prefix) : mutated(random, formatPrefix(prefix));
    return show([
      text,
      parsePrefix(text),
      networkOf(prefix),
      hasHostBits(prefix),
      prefixRange(prefix),
      prefixContains(prefix, randomAddress(random)),
      prefixContains(prefix, prefix.address),
    ]);
  },
  range: (random) => {
    const ends = [randomAddress(random, 6), randomAddress(random, 6)].sort((a, b) =>
      a.value < b.value ? -1 : 1,
    ) as [Address, Address];
    const range: AddressRange = { first: ends[0], last: ends[1] };
    const other = prefixRange(randomPrefix(random));
    const index = randomBig(random, 128);
    return show([
      range,
      rangeSize(range),
      rangeContains(range, other.first),
      rangesOverlap(range, other),
      outcome(() => addressAt(range, index)),
      indexOf(range, other.last),
      outcome(() => rangesOverlap({ first: ends[1], last: ends[0] }, other)),
    ]);
  },
  choice: (random) => {
    const ranges = rangesOf(random);
    const set = rangeSetOf(ranges);
    const start = randomBig(random, 128) % set.size;
    const taken = BigInt(random(200));
    const from = randomBig(random, 128) % set.size;
    const isFree = (address: Address): boolean => {
      const at = indexInSet(set, address)!;
      return at < from || at > from + taken;
    };
    const names = new Set(
      Array.from({ length: random(30) }, (_, at) =>
        formatAddress(addressInSet(set, (start + BigInt(at)) % set.size)),
      ),
    );
    return show([
      formatRangeSet(ranges),
      set.size,
      start,
      chooseAddress(set, start, isFree),
      chooseAddress(set, from, isFree),
      set.size < 2n ** 12n || random(2) === 0 ? chooseByNames(set, start, names) : 0,
      outcome(() => addressInSet(set, set.size + 1n)),
    ]);
  },
  netconf: (random) => {
    const text = configText(random);
    return `${outcome(() => parseNetconf(text, pick(random, ["ADD", "CHECK", "STATUS"] as const), args(random)))} of ${text}`;
  },
  shape: (random) => {
    const text = configText(random);
    const problems = new Problems();
    const fields = JSON.parse(text) as { [key: string]: unknown };
    const made = outcome(() => explainShape(fields, NETCONF, problems));
    return `${made} ${show(problems.texts)}`;
  },
  teardown: (random) => {
    const text = configText(random);
    return `${outcome(() => parseTeardownConfig(text, pick(random, ["DEL", "GC"] as const)))} ${answerVersion(text)}`;
  },
  migrate: (random) => {
    const chain = {
      cniVersion: "1.0.0",
      name: "pods",
      plugins: [
        { type: pick(random, ["bridge", "pontoon"]), ...pick(random, CONFIGS) },
        { type: "portmap", capabilities: { portMappings: true }, snat: true },
        { type: "bandwidth", ingressRate: 1e6, ingressBurst: 2e6 },
        { type: "tuning", sysctl: { "net.core.somaxconn": "500" } },
        { type: "firewall" },
        { type: "sbr" },
      ].slice(0, 1 + random(6)),
    };
    let text = JSON.stringify(mutatedValue(random, chain, pick(random, [15, 60])));
    if (random(2) === 0) text = text.replace(/\d+/, pick(random, NUMBER_TEXTS));
    if (random(6) === 0) text = mutated(random, text);
    return outcome(() => migrate(text));
  },
  json: (random) => {
    const text =
      random(3) === 0
        ? randomText(random, 12)
        : mutated(random, JSON.stringify(randomValue(random, 4), undefined, random(3)));
    const parsed = outcome(() => parseJson(text));
    return `${parsed} ${outcome(() => JSON.stringify(JSON.parse(text), undefined, random(4)))} ${outcome(() => JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => (context?.source === undefined ? value : [value, context.source])))}`;
  },
  result: (random) => {
    const value = mutatedValue(random, pick(random, RESULTS), pick(random, [10, 40]));
    const problems = new Problems();
    const text = JSON.stringify(value);
    return outcome(() => {
      const result = readResult(JSON.parse(text ?? "null"), "result", problems);
      return [
        problems.texts,
        SUPPORTED_VERSIONS.map((version) => outcome(() => formatResult(result, version))),
      ];
    });
  },
  foreign: (random) => {
    const text = JSON.stringify(mutatedValue(random, pick(random, RESULTS), 25)) ?? "";
    return outcome(() => readReservation("static", random(8) === 0 ? mutated(random, text) : text));
  },
  netlink: (random) => {
    const w = new Writer();
    for (let left = 1 + random(3); left > 0; left--)
      w.message(random(65536), random(65536), randomNumber32(random), (body) => {
        body.u8(random(256)).u8(random(300)).u16(random(70000)).u32(randomNumber32(random));
        writeTrees(body, randomTrees(random, 3));
        body.string(random(99), randomText(random)).be32Attribute(random(99), randomNumber32(random));
      });
    const bytes = w.written.slice();
    for (let left = random(4); left > 0; left--) bytes[random(bytes.length)] = random(256);
    const messages = readMessages(random(4) === 0 ? randomBytes(random, random(90)) : bytes);
    return show([
      bytes,
      messages.map(({ type, flags, sequence, payload }) => [
        type,
        flags,
        sequence,
        listAttributes(payload, 8),
        [1, 2, 3, 18, 4].map((each) => {
          const all = readAttributes(payload, 8);
          return [
            all.u8(each),
            all.u16(each),
            all.u32(each),
            all.be32(each),
            all.string(each),
            all.nest(each)?.u32(1),
          ];
        }),
        outcome(() => linkText(new Link({ type, flags, sequence, port: 0, payload }))),
      ]),
    ]);
  },
  record: (random) => {
    const text = recordText(random);
    const parsed = parseRecord(text);
    const again = parsed.state === "record" ? formatRecord(parsed.attachment) : "";
    return `${show(parsed)} ${show(parseRecord(mutated(random, text)))} ${again} of ${text}`;
  },
  bytes: (random) => {
    const bytes = random(2) === 0 ? randomBytes(random, random(24)) : textBytes(randomText(random, 20));
    for (let left = random(3); left > 0 && bytes.length > 0; left--)
      bytes[random(bytes.length)] = random(256);
    const text = textOf(bytes);
    const other = randomText(random, 200);
    return show([
      text,
      textBytes(text),
      sha256(other),
      sha512(other),
      textBytes(other),
      placeOf(randomBytes(random, 1 + random(2)), bytes, random(4)),
      u16At(bytes, random(30)),
      u32At(bytes, random(30)),
      formatMac(bytes),
      outcome(() => macBytes(randomText(random, 30))),
    ]);
  },
  environment: (random) => {
    const value = (...words: string[]): string =>
      random(4) === 0 ? randomText(random) : pick(random, words);
    const env = {
      CNI_COMMAND: value("ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"),
      CNI_CONTAINERID: value("c1", ""),
      CNI_NETNS: value("/run/netns/a"),
      CNI_IFNAME: value("eth0", "eth0123456789012", "é".repeat(8)),
      CNI_ARGS: value("a=b;c=d=e;;=;f"),
      CNI_PATH: value("/opt/cni/bin", "a:b::c"),
      CNI_NETNS_OVERRIDE: value("1", "TRUE", "tRuE", "0"),
    };
    return outcome(() => parseEnvironment(env));
  },
  names: (random) => {
    const text = randomText(random, 20);
    return show([
      isPlainName(text),
      hasWhiteSpace(text),
      hasUnprintable(text),
      byteLength(text),
      macProblem(
        random(2) === 0
          ? text
          : mutated(random, pick(random, ["02:58:0a:01:00:05", "02-58-0A-01-00-05", "0258.0a01.0005"])),
      ),
      parseResolvConf(
        Array.from(
          { length: random(5) },
          () =>
            `${pick(random, ["nameserver", " search", "options", "domain", "#", ";"])}${pick(random, [" ", "\t", "\u00a0", "\u0085", "\ufeff", "\u180e", "\u3000"])}${randomText(random)}`,
        ).join("\n"),
      ),
      outcome(() =>
        aliasOf(
          { network: text, containerId: randomText(random), interfaceName: "eth0" },
          randomText(random),
        ),
      ),
    ]);
  },
  ...language,
};

/** All that a link tells. */
function linkText(link: Link): string {
  const { index, name, kind, up, promiscuous, mtu, mac, master, peerIndex, operState, alias, port } = link;
  const { routeLocalnet, ignoresLinkLocal } = link;
  const settings = port && [port.state, port.number, port.hairpin, port.isolated, port.learning, port.floods];
  return show([
    [index, name, kind, up, promiscuous, mtu, mac, master, peerIndex, operState, alias],
    [routeLocalnet, ignoresLinkLocal, settings],
  ]);
}

export function randomNumber32(random: Random): number {
  return random(65536) * 65536 + random(65536);
}
