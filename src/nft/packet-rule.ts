// Rules of nftables, those of iptables in its nftables variant among them, as tests of a packet. What cannot
// be told of an expression is "not known", never a guess.
import { addressBytes, addressFromBytes, formatAddress } from "../ip/address.ts";
import { type Attributes, type Reply, readAttributes } from "../netlink/reader.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import { u32Bytes } from "../sys/bytes.ts";
import { listExpressions } from "./answer.ts";
import { listElements } from "./element.ts";
import { HEADER } from "./expression.ts";
import { GENERIC_HEADER, listRulesMessage, type Table } from "./message.ts";
import type { Packet, PacketLink, PacketRule, PacketTest, RuleVerdict } from "./packet.ts";
import { isContinuing, matchTest } from "./xtables.ts";

/** The rules of a chain. Throws SystemError. */
export function readPacketRules(socket: NetlinkSocket, table: Table, chain: string): PacketRule[] {
  return socket
    .dump(listRulesMessage(table, chain))
    .map((reply) => new RuleReader(socket, table).read(reply));
}

/** A property of a packet in a register. */
interface Loaded {
  /** As people write it: `iifname`, `ip saddr`. */
  name: string;
  /** The bytes, as the kernel loads them; undefined where they are not known. */
  bytesOf(packet: Packet): Uint8Array | undefined;
  /** A value as people write it. */
  textOf?(value: Uint8Array): string;
  /** It is an address, which sets may hold as a part of an interval. */
  isAddress?: true;
}

/** Numbers of ip_conntrack_info as bits, in an expression `ct state` (NF_CT_STATE_BIT). */
const STATES = { invalid: 1, established: 2, related: 4, new: 8, untracked: 64 } as const;

/** Length of an interface name there. */
const NAME_BYTES = 16;

/** Expressions that change nothing about the packet's way. */
const HARMLESS = new Set(["counter", "log", "objref", "last", "notrack", "dup", "flow_offload"]);

class RuleReader {
  private readonly socket: NetlinkSocket;
  private readonly table: Table;
  private readonly registers = new Map<number, Loaded>();
  private readonly tests: PacketTest[] = [];
  private readonly words: string[] = [];
  private verdict: RuleVerdict = { kind: "continue" };

  constructor(socket: NetlinkSocket, table: Table) {
    this.socket = socket;
    this.table = table;
  }

  read({ payload }: Reply): PacketRule {
    const rule = readAttributes(payload, GENERIC_HEADER);
    for (const { name = "", data } of listExpressions(rule)) this.add(name, data);
    const { kind } = this.verdict;
    const isSilent = kind === "continue" || kind === "unknown";
    const end = "chain" in this.verdict ? `${kind} ${this.verdict.chain}` : isSilent ? "" : kind;
    const text = [...this.words, end].filter((word) => word !== "").join(" ");
    const handle = (rule.bytes(nft.NFTA_RULE_HANDLE) ?? new Uint8Array()).join();
    return { tests: this.tests, verdict: this.verdict, text, handle };
  }

  private add(name: string, data: Attributes | undefined): void {
    if (HARMLESS.has(name)) return;
    if (name === "reject") this.verdict = { kind: "reject" };
    else if (data === undefined) this.unknown(name);
    else if (name === "meta" || name === "ct") this.load(name, data);
    else if (name === "payload") this.loadPayload(data);
    else if (name === "bitwise") this.mask(data);
    else if (name === "cmp") this.compare(data);
    else if (name === "lookup") this.lookUp(data);
    else if (name === "immediate") this.immediate(data);
    else if (name === "match") this.match(data);
    else if (name === "target") this.target(data);
    else this.unknown(name);
  }

  /** An expression that may end the rule, in a way that nobody can tell. */
  private unknown(name: string): void {
    this.tests.push(() => undefined);
    if (name !== "") this.words.push(`(${name})`);
    // It may have loaded a register.
    this.registers.clear();
  }

  private load(name: string, data: Attributes): void {
    const isCt = name === "ct";
    const register = data.be32(isCt ? nft.NFTA_CT_DREG : nft.NFTA_META_DREG);
    const key = data.be32(isCt ? nft.NFTA_CT_KEY : nft.NFTA_META_KEY) ?? -1;
    // Without a register to load into, a property of the packet is set.
    if (register === undefined) return;
    const known = isCt ? CONNECTION[key] : META[key];
    this.registers.set(register, known ?? nothingKnown(`${name} ${key}`));
  }

  private loadPayload(data: Attributes): void {
    const register = data.be32(nft.NFTA_PAYLOAD_DREG);
    if (register === undefined) return;
    const [base, offset = 0, length = 0] = [
      data.be32(nft.NFTA_PAYLOAD_BASE),
      data.be32(nft.NFTA_PAYLOAD_OFFSET),
      data.be32(nft.NFTA_PAYLOAD_LEN),
    ];
    if (base === nft.NFT_PAYLOAD_NETWORK_HEADER)
      this.registers.set(register, networkField(offset, length, this.table));
    else if (base === nft.NFT_PAYLOAD_TRANSPORT_HEADER && offset === 2 && length === 2)
      this.registers.set(register, DESTINATION_PORT);
    else this.registers.set(register, nothingKnown(`@${base},${offset},${length}`));
  }

  private mask(data: Attributes): void {
    const [from, to] = [data.be32(nft.NFTA_BITWISE_SREG) ?? 0, data.be32(nft.NFTA_BITWISE_DREG) ?? 0];
    const bits = valueOf(data, nft.NFTA_BITWISE_MASK);
    const turned = valueOf(data, nft.NFTA_BITWISE_XOR);
    const loaded = this.registers.get(from);
    if (loaded === undefined || bits === undefined) return void this.registers.set(to, nothingKnown("bits"));
    const isStateMask = loaded === CONNECTION[nft.NFT_CT_STATE];
    this.registers.set(to, {
      name: isStateMask
        ? `${loaded.name} ${statesText(bits)}`
        : loaded.isAddress === true
          ? loaded.name
          : `${loaded.name} & 0x${hex(bits)}`,
      bytesOf: (packet) =>
        loaded.bytesOf(packet)?.map((byte, at) => (byte & (bits[at] ?? 0)) ^ (turned?.[at] ?? 0)),
      ...textOfMasked(loaded, { bits, isStateMask }),
    });
  }

  private compare(data: Attributes): void {
    const loaded = this.registers.get(data.be32(nft.NFTA_CMP_SREG) ?? 0);
    const value = valueOf(data, nft.NFTA_CMP_DATA);
    const operator = data.be32(nft.NFTA_CMP_OP);
    const isPlain = operator === nft.NFT_CMP_EQ || operator === nft.NFT_CMP_NEQ;
    if (loaded === undefined || value === undefined || !isPlain) return this.unknown(loaded?.name ?? "");
    const isWanted = operator === nft.NFT_CMP_EQ;
    this.tests.push((packet) => {
      const bytes = loaded.bytesOf(packet);
      return bytes && beginsWith(bytes, value) === isWanted;
    });
    const text = loaded.textOf?.(value) ?? `0x${hex(value)}`;
    // A test of state bits says that one of them is set: not equal to nothing.
    const not = isWanted || text === "" ? "" : "!= ";
    if (loaded !== META[nft.NFT_META_NFPROTO]) this.words.push(`${loaded.name} ${not}${text}`.trim());
  }

  /** A look-up in a set. What a map of verdicts gives is not known. */
  private lookUp(data: Attributes): void {
    const set = data.string(nft.NFTA_LOOKUP_SET) ?? "";
    const loaded = this.registers.get(data.be32(nft.NFTA_LOOKUP_SREG) ?? 0);
    const isNot = ((data.be32(nft.NFTA_LOOKUP_FLAGS) ?? 0) & nft.NFT_LOOKUP_F_INV) !== 0;
    const isMap = data.be32(nft.NFTA_LOOKUP_DREG) === nft.NFT_REG_VERDICT;
    this.words.push(`${loaded?.name ?? "?"} ${isNot ? "!= " : ""}${isMap ? "vmap " : ""}@${set}`);
    if (isMap) {
      this.verdict = { kind: "unknown" };
      this.tests.push(() => undefined);
      return;
    }
    // A map that gives no verdict puts its value into a register.
    if (loaded === undefined || data.be32(nft.NFTA_LOOKUP_DREG) !== undefined) return this.unknown("");
    let keys: Uint8Array[] | undefined;
    this.tests.push((packet) => {
      const bytes = loaded.bytesOf(packet);
      if (bytes === undefined) return undefined;
      keys ??= listElements(this.socket, this.table, set).map(({ key }) => key);
      // Keys of intervals are their two ends, and those of several fields are longer.
      if (loaded.isAddress === true || keys.some((key) => key.length > bytes.length)) return undefined;
      return keys.some((key) => beginsWith(bytes, key)) !== isNot;
    });
  }

  private immediate(data: Attributes): void {
    if (data.be32(nft.NFTA_IMMEDIATE_DREG) !== nft.NFT_REG_VERDICT) return;
    const verdict = data.nest(nft.NFTA_IMMEDIATE_DATA)?.nest(nft.NFTA_DATA_VERDICT);
    const code = (verdict?.be32(nft.NFTA_VERDICT_CODE) ?? 0) | 0;
    const chain = verdict?.string(nft.NFTA_VERDICT_CHAIN) ?? "";
    this.verdict = verdictOf(code, chain);
  }

  private match(data: Attributes): void {
    const name = data.string(nft.NFTA_MATCH_NAME) ?? "";
    const { test, text } = matchTest(name, data.bytes(nft.NFTA_MATCH_INFO) ?? new Uint8Array());
    if (test !== undefined) this.tests.push(test);
    if (text !== "") this.words.push(text);
  }

  private target(data: Attributes): void {
    const name = data.string(nft.NFTA_TARGET_NAME) ?? "";
    if (name === "REJECT") this.verdict = { kind: "reject" };
    else if (!isContinuing(name)) this.verdict = { kind: "unknown" };
  }
}

function verdictOf(code: number, chain: string): RuleVerdict {
  if (code === nft.NFT_JUMP) return { kind: "jump", chain };
  if (code === nft.NFT_GOTO) return { kind: "goto", chain };
  if (code === nft.NFT_RETURN) return { kind: "return" };
  if (code < 0) return { kind: "continue" };
  const NF_VERDICT_MASK = 0xff;
  if ((code & NF_VERDICT_MASK) === nft.NF_DROP) return { kind: "drop" };
  return { kind: (code & NF_VERDICT_MASK) === nft.NF_ACCEPT ? "accept" : "unknown" };
}

function nothingKnown(name: string): Loaded {
  return { name, bytesOf: () => undefined };
}

function nameField(name: string, linkOf: (packet: Packet) => PacketLink | undefined): Loaded {
  return {
    name,
    bytesOf(packet) {
      const link = linkOf(packet);
      const bytes = new Uint8Array(NAME_BYTES);
      if (link !== undefined)
        for (let at = 0; at < link.name.length; at++) bytes[at] = link.name.charCodeAt(at);
      return link && bytes;
    },
    textOf: (value) =>
      `"${String.fromCharCode(...value.filter((byte) => byte !== 0))}${value.at(-1) === 0 ? "" : "*"}"`,
  };
}

function numberField(name: string, numberOf: (packet: Packet) => number | undefined): Loaded {
  return {
    name,
    bytesOf(packet) {
      const value = numberOf(packet);
      return value === undefined ? undefined : u32Bytes(value);
    },
  };
}

function byteField(
  name: string,
  byteOf: (packet: Packet) => number | undefined,
  names: Record<number, string> = {},
): Loaded {
  return {
    name,
    bytesOf(packet) {
      const byte = byteOf(packet);
      return byte === undefined ? undefined : Uint8Array.of(byte);
    },
    textOf: ([byte = 0]) => names[byte] ?? String(byte),
  };
}

const PROTOCOL_NAMES: Record<number, string> = {
  1: "icmp",
  6: "tcp",
  17: "udp",
  58: "ipv6-icmp",
  132: "sctp",
};

const META: Record<number, Loaded> = {
  [nft.NFT_META_IIFNAME]: nameField("iifname", ({ input }) => input),
  [nft.NFT_META_OIFNAME]: nameField("oifname", ({ output }) => output),
  [nft.NFT_META_IIF]: numberField("iif", ({ input }) => input?.index),
  [nft.NFT_META_OIF]: numberField("oif", ({ output }) => output?.index),
  [nft.NFT_META_IIFGROUP]: numberField("iifgroup", ({ input }) => input?.group),
  [nft.NFT_META_OIFGROUP]: numberField("oifgroup", ({ output }) => output?.group),
  [nft.NFT_META_NFPROTO]: byteField("meta nfproto", ({ family }) =>
    family === 4 ? nft.NFPROTO_IPV4 : nft.NFPROTO_IPV6,
  ),
  [nft.NFT_META_L4PROTO]: byteField("meta l4proto", ({ protocol }) => protocol, PROTOCOL_NAMES),
};

const CONNECTION: Record<number, Loaded> = {
  [nft.NFT_CT_STATE]: numberField("ct state", ({ state }) => STATES[state]),
  [nft.NFT_CT_STATUS]: numberField("ct status", ({ isTranslated }) => (isTranslated ? nft.IPS_DST_NAT : 0)),
};

const DESTINATION_PORT: Loaded = {
  name: "th dport",
  bytesOf: ({ destinationPort: port }) =>
    port === undefined ? undefined : Uint8Array.of(port >>> 8, port & 0xff),
  textOf: ([high = 0, low = 0]) => String(high * 256 + low),
};

/** A field of the header of IP, by its place. The family of the packet's table tells which header that is. */
function networkField(offset: number, length: number, { family }: Table): Loaded {
  const isOf = (kind: 4 | 6): boolean =>
    family === (kind === 4 ? nft.NFPROTO_IPV4 : nft.NFPROTO_IPV6) || family === nft.NFPROTO_INET;
  const sideAt = (kind: 4 | 6): "source" | "destination" | undefined => {
    const { saddr, daddr, length: whole } = HEADER[kind];
    if (length > whole || !isOf(kind)) return undefined;
    if (offset === saddr) return "source";
    return offset === daddr ? "destination" : undefined;
  };
  const side = sideAt(4) ?? sideAt(6);
  if (side !== undefined)
    return {
      name: `${sideAt(4) === undefined ? "ip6" : "ip"} ${side === "source" ? "saddr" : "daddr"}`,
      isAddress: true,
      bytesOf(packet) {
        const address = sideAt(packet.family) === side ? packet[side] : undefined;
        return address && addressBytes(address).subarray(0, length);
      },
      textOf: (value) => prefixText(value, HEADER[sideAt(4) === undefined ? 6 : 4].length),
    };
  const PROTOCOL = { 4: 9, 6: 6 } as const;
  return {
    name: "ip protocol",
    bytesOf({ family: kind, protocol }) {
      const isProtocol = length === 1 && offset === PROTOCOL[kind] && isOf(kind);
      return isProtocol && protocol !== undefined ? Uint8Array.of(protocol) : undefined;
    },
    textOf: ([byte = 0]) => PROTOCOL_NAMES[byte] ?? String(byte),
  };
}

/** An address, or the beginning of one as a prefix. */
function prefixText(value: Uint8Array, bytes: number): string {
  const whole = new Uint8Array(bytes);
  whole.set(value);
  const address = formatAddress(addressFromBytes(whole));
  return value.length === bytes ? address : `${address}/${8 * value.length}`;
}

/** The text of a value behind a mask: an address as a prefix, states by the mask alone. */
function textOfMasked(
  { textOf, isAddress }: Loaded,
  { bits, isStateMask }: { bits: Uint8Array; isStateMask: boolean },
): Pick<Loaded, "textOf"> {
  if (isStateMask) return { textOf: () => "" };
  if (textOf === undefined) return {};
  if (isAddress !== true) return { textOf };
  const ones = bits.reduce((sum, byte) => sum + (byte.toString(2).match(/1/g)?.length ?? 0), 0);
  return { textOf: (value) => `${textOf(value).replace(/\/\d+$/, "")}/${ones}` };
}

/** The plain bytes of a data attribute. */
function valueOf(data: Attributes, type: number): Uint8Array | undefined {
  return data.nest(type)?.bytes(nft.NFTA_DATA_VALUE);
}

/** True for bytes that begin with the value: names of interfaces are compared up to a star. */
function beginsWith(bytes: Uint8Array, value: Uint8Array): boolean {
  return value.every((byte, at) => bytes[at] === byte);
}

function statesText(bits: Uint8Array): string {
  const names = Object.entries(STATES).filter(([, bit]) => ((bits[0] ?? 0) & bit) !== 0);
  return names.map(([name]) => name).join(",");
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
