// Rules of nftables, those of iptables in its nftables variant among them, as tests of a packet. What cannot
// be told of an expression is "not known", never a guess.
import { type Attributes, type Reply, readAttributes } from "../netlink/reader.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import { listExpressions } from "./answer.ts";
import { GENERIC_HEADER, listRulesMessage, type Table } from "./message.ts";
import type { PacketRule, PacketTest, RuleVerdict } from "./packet.ts";
import {
  connectionField,
  DESTINATION_TYPE,
  headerField,
  maskedField,
  metaField,
  unknownField,
} from "./packet-field.ts";
import { elementsText, keyIn, type LookUp, mapText, namesText } from "./packet-look-up.ts";
import { Registers } from "./packet-register.ts";
import { PacketSet, type SetElement, verdictId } from "./packet-set.ts";
import { COMPARISONS, inverted, isBetween } from "./packet-value.ts";
import { isContinuing, isQueue, isTranslating, matchTest } from "./xtables.ts";

/** The rules of a chain; one with a map of verdicts is a rule for each of these. Throws SystemError. */
export function readPacketRules(socket: NetlinkSocket, table: Table, chain: string): PacketRule[] {
  const sets = new Map<string, PacketSet>();
  return socket
    .dump(listRulesMessage(table, chain))
    .flatMap((reply) => new RuleReader(socket, table, sets).read(reply));
}

/** The texts of a chain's rules, by the number that nftables has for each, as text. Throws SystemError. */
export function readRuleTexts(socket: NetlinkSocket, table: Table, chain: string): Map<string, string> {
  const sets = new Map<string, PacketSet>();
  return new Map(
    socket.dump(listRulesMessage(table, chain)).map((reply) => {
      const handle = readAttributes(reply.payload, GENERIC_HEADER).bytes(nft.NFTA_RULE_HANDLE);
      return [handle?.join() ?? "", new RuleReader(socket, table, sets).readText(reply)];
    }),
  );
}

/** Expressions that change nothing about the packet's way. */
const HARMLESS = new Set(["counter", "log", "objref", "last", "notrack", "dup", "flow_offload"]);

/** Expressions that translate a packet, and let it go on behind the chain. */
const TRANSLATING = new Set(["masq", "nat", "redir"]);

/** A word of a rule; one that takes a look into a set is made when it is needed. */
type Word = string | (() => string);

class RuleReader {
  private readonly socket: NetlinkSocket;
  private readonly table: Table;
  private readonly sets: Map<string, PacketSet>;
  private readonly registers = new Registers();
  private readonly tests: PacketTest[] = [];
  private readonly words: Word[] = [];
  private verdict: RuleVerdict = { kind: "continue" };
  private map: LookUp | undefined;

  constructor(socket: NetlinkSocket, table: Table, sets: Map<string, PacketSet>) {
    this.socket = socket;
    this.table = table;
    this.sets = sets;
  }

  read({ payload }: Reply): PacketRule[] {
    this.addAll(payload);
    const { tests, words, verdict, map } = this;
    return map === undefined ? [ruleOf(tests, verdict, words)] : rulesOfMap(map, tests, words);
  }

  readText({ payload }: Reply): string {
    this.addAll(payload);
    const { words, map, verdict } = this;
    return textOf(map === undefined ? words : [...words, () => mapText(map)], verdict);
  }

  private addAll(payload: Uint8Array): void {
    const rule = readAttributes(payload, GENERIC_HEADER);
    for (const { name = "", data } of listExpressions(rule)) this.add(name, data);
  }

  private add(name: string, data: Attributes | undefined): void {
    if (HARMLESS.has(name)) return;
    if (name === "reject") this.verdict = { kind: "reject" };
    else if (TRANSLATING.has(name)) this.translate(name);
    else if (name === "queue") this.queue(data);
    else if (data === undefined) this.unknown(name);
    else if (name === "meta" || name === "ct") this.load(name, data);
    else if (name === "payload") this.loadPayload(data);
    else if (name === "fib") this.loadType(data);
    else if (name === "bitwise") this.mask(data);
    else if (name === "byteorder") this.turn(data);
    else if (name === "cmp") this.compare(data);
    else if (name === "range") this.compareRange(data);
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

  private translate(name: string): void {
    this.verdict = { kind: "translate" };
    this.words.push(`(${name})`);
  }

  private queue(data: Attributes | undefined): void {
    const [high, low] = data?.bytes(nft.NFTA_QUEUE_NUM) ?? [];
    const isKnown = high !== undefined && low !== undefined;
    this.verdict = { kind: "queue" };
    this.words.push(isKnown ? `queue to ${high * 256 + low}` : "queue");
  }

  private load(name: string, data: Attributes): void {
    const isCt = name === "ct";
    const register = data.be32(isCt ? nft.NFTA_CT_DREG : nft.NFTA_META_DREG);
    const key = data.be32(isCt ? nft.NFTA_CT_KEY : nft.NFTA_META_KEY) ?? -1;
    // Without a register to load into, a property of the packet is set.
    if (register === undefined) return;
    const known = isCt ? connectionField(key) : metaField(key, this.table.family);
    this.registers.put(register, known ?? unknownField(`${name} ${key}`));
  }

  private loadPayload(data: Attributes): void {
    const register = data.be32(nft.NFTA_PAYLOAD_DREG);
    if (register === undefined) return;
    const [base = 0, offset = 0, length = 0] = [
      data.be32(nft.NFTA_PAYLOAD_BASE),
      data.be32(nft.NFTA_PAYLOAD_OFFSET),
      data.be32(nft.NFTA_PAYLOAD_LEN),
    ];
    this.registers.put(register, headerField(base, { offset, length }));
  }

  private loadType(data: Attributes): void {
    const isDestinationType =
      data.be32(nft.NFTA_FIB_RESULT) === nft.NFT_FIB_RESULT_ADDRTYPE &&
      data.be32(nft.NFTA_FIB_FLAGS) === nft.NFTA_FIB_F_DADDR;
    if (!isDestinationType) return this.unknown("fib");
    this.registers.put(data.be32(nft.NFTA_FIB_DREG) ?? 0, DESTINATION_TYPE);
  }

  private mask(data: Attributes): void {
    const [from, to = 0] = [data.be32(nft.NFTA_BITWISE_SREG), data.be32(nft.NFTA_BITWISE_DREG)];
    const bits = valueOf(data, nft.NFTA_BITWISE_MASK);
    const turned = valueOf(data, nft.NFTA_BITWISE_XOR);
    const loaded = this.registers.at(from);
    const isKnown = loaded !== undefined && bits !== undefined;
    this.registers.put(to, isKnown ? maskedField(loaded, bits, turned) : unknownField("bits"));
  }

  /** The other order of bytes: numbers of this machine are turned before they are compared with intervals. */
  private turn(data: Attributes): void {
    const [from, to = 0] = [data.be32(nft.NFTA_BYTEORDER_SREG), data.be32(nft.NFTA_BYTEORDER_DREG)];
    const loaded = this.registers.at(from);
    const isPlain = loaded !== undefined && data.be32(nft.NFTA_BYTEORDER_SIZE) === loaded.length;
    this.registers.put(
      to,
      isPlain
        ? { ...loaded, bytesOf: (packet) => loaded.bytesOf(packet).toReversed() }
        : unknownField("bytes"),
    );
  }

  private compare(data: Attributes): void {
    const loaded = this.registers.at(data.be32(nft.NFTA_CMP_SREG));
    const value = valueOf(data, nft.NFTA_CMP_DATA);
    const operator = COMPARISONS[data.be32(nft.NFTA_CMP_OP) ?? -1];
    if (loaded === undefined || value === undefined || operator === undefined)
      return this.unknown(loaded?.name ?? "");
    const { fits } = operator;
    this.tests.push((packet) => fits(loaded.bytesOf(packet), value));
    const text = loaded.textOf(value);
    // A test of state bits says that one of them is set: not equal to nothing.
    const sign = operator.sign === "" || text === "" ? "" : `${operator.sign} `;
    if (loaded.name !== "meta nfproto") this.words.push(`${loaded.name} ${sign}${text}`.trim());
  }

  private compareRange(data: Attributes): void {
    const loaded = this.registers.at(data.be32(nft.NFTA_RANGE_SREG));
    const [first, last] = [nft.NFTA_RANGE_FROM_DATA, nft.NFTA_RANGE_TO_DATA].map((type) =>
      valueOf(data, type),
    );
    if (loaded === undefined || first === undefined || last === undefined)
      return this.unknown(loaded?.name ?? "");
    const isNot = data.be32(nft.NFTA_RANGE_OP) === nft.NFT_RANGE_NEQ;
    this.tests.push((packet) => inverted(isBetween(loaded.bytesOf(packet), first, last), isNot));
    this.words.push(`${loaded.name} ${isNot ? "!= " : ""}${loaded.textOf(first)}-${loaded.textOf(last)}`);
  }

  private lookUp(data: Attributes): void {
    const name = data.string(nft.NFTA_LOOKUP_SET) ?? "";
    const fields = this.registers.from(data.be32(nft.NFTA_LOOKUP_SREG) ?? 0);
    const isNot = ((data.be32(nft.NFTA_LOOKUP_FLAGS) ?? 0) & nft.NFT_LOOKUP_F_INV) !== 0;
    const target = data.be32(nft.NFTA_LOOKUP_DREG);
    const set = this.sets.get(name) ?? new PacketSet(this.socket, this.table, name);
    this.sets.set(name, set);
    const map = { set, name, fields };
    if (target === nft.NFT_REG_VERDICT) {
      this.map = map;
      return;
    }
    this.tests.push((packet) => inverted(set.has(keyIn(map, packet)), isNot));
    this.words.push(() => `${namesText(map)} ${isNot ? "!= " : ""}${elementsText(map)}`);
    // A map of values puts the one that it finds into a register.
    if (target !== undefined) this.registers.put(target, unknownField(`map @${name}`));
  }

  private immediate(data: Attributes): void {
    if (data.be32(nft.NFTA_IMMEDIATE_DREG) !== nft.NFT_REG_VERDICT) return;
    const verdict = data.nest(nft.NFTA_IMMEDIATE_DATA)?.nest(nft.NFTA_DATA_VERDICT);
    const code = (verdict?.be32(nft.NFTA_VERDICT_CODE) ?? 0) | 0;
    this.verdict = verdictOf(code, verdict?.string(nft.NFTA_VERDICT_CHAIN) ?? "");
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
    else if (isQueue(name)) {
      this.verdict = { kind: "queue" };
      this.words.push(`-j ${name}`);
    } else if (isTranslating(name)) {
      this.verdict = { kind: "translate" };
      this.words.push(`-j ${name}`);
    } else if (!isContinuing(name)) this.verdict = { kind: "unknown" };
  }
}

function verdictOf(code: number, chain: string): RuleVerdict {
  if (code === nft.NFT_JUMP) return { kind: "jump", chain };
  if (code === nft.NFT_GOTO) return { kind: "goto", chain };
  if (code === nft.NFT_RETURN) return { kind: "return" };
  if (code < 0) return { kind: "continue" };
  const NF_VERDICT_MASK = 0xff;
  if ((code & NF_VERDICT_MASK) === nft.NF_DROP) return { kind: "drop" };
  if ((code & NF_VERDICT_MASK) === nft.NF_QUEUE) return { kind: "queue" };
  return { kind: (code & NF_VERDICT_MASK) === nft.NF_ACCEPT ? "accept" : "unknown" };
}

/** A rule whose text is made when it is asked for: most are never shown. */
function ruleOf(tests: PacketTest[], verdict: RuleVerdict, words: readonly Word[]): PacketRule {
  return {
    tests,
    verdict,
    get text() {
      return textOf(words, verdict);
    },
  };
}

/** The rules that a map of verdicts stands for: one for each verdict, for the elements that have it. */
function rulesOfMap(map: LookUp, tests: readonly PacketTest[], words: readonly Word[]): PacketRule[] {
  const groups = new Map<string, SetElement[]>();
  for (const element of map.set.elements) {
    const group = groups.get(verdictId(element));
    if (group === undefined) groups.set(verdictId(element), [element]);
    else group.push(element);
  }
  return [...groups].map(([id, group]) => {
    const { code, chain } = group[0]!;
    const test: PacketTest = (packet) => {
      const { verdicts, isCertain } = map.set.find(keyIn(map, packet));
      if (!verdicts.has(id)) return false;
      return isCertain ? true : undefined;
    };
    return ruleOf([...tests, test], verdictOf(code, chain), [...words, () => mapText(map, group)]);
  });
}

function textOf(words: readonly Word[], verdict: RuleVerdict): string {
  const { kind } = verdict;
  // A queue is among the words.
  const isSilent = ["continue", "queue", "translate", "unknown"].includes(kind);
  const end = "chain" in verdict ? `${kind} ${verdict.chain}` : isSilent ? "" : kind;
  const texts = words.map((word) => (typeof word === "string" ? word : word()));
  return [...texts, end].filter((word) => word !== "").join(" ");
}

/** The plain bytes of a data attribute. */
function valueOf(data: Attributes, type: number): Uint8Array | undefined {
  return data.nest(type)?.bytes(nft.NFTA_DATA_VALUE);
}
