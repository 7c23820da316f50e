// The matches of xtables for ports: tcp, udp and multiport.
// (linux/netfilter: xt_tcpudp.h, xt_multiport.h)
import { u16At } from "../sys/bytes.ts";
import type { PacketTest } from "./packet.ts";
import { inverted } from "./packet-value.ts";

/** A range of ports, both ends included. */
type Range = readonly [first: number, last: number];

const ALL: Range = [0, 0xffff];

/** A match as a test, with its words; without a test every packet fits. */
interface PortMatch {
  test: PacketTest | undefined;
  text: string;
}

/** Struct xt_tcp and xt_udp: the flags that say "not", and what of TCP is asked for beside ports. */
const TCP = { bytes: 12, inverted: 11, option: 8, flagMask: 9 };
const UDP = { bytes: 9, inverted: 8 };
const NOT_SOURCE = 1;
const NOT_DESTINATION = 2;

/** The test of a match "tcp" or "udp". Options and flags of TCP are not known of a packet. */
export function portsTest(name: "tcp" | "udp", info: Uint8Array): PortMatch {
  const place = name === "tcp" ? TCP : UDP;
  if (info.length < place.bytes) return { test: () => undefined, text: `-m ${name}` };
  const flags = info[place.inverted] ?? 0;
  const sides = [
    sideTest("--sport", [rangeAt(info, 0)], (flags & NOT_SOURCE) !== 0),
    sideTest("--dport", [rangeAt(info, 4)], (flags & NOT_DESTINATION) !== 0),
  ].filter(({ test }) => test !== undefined);
  const asksMore = name === "tcp" && ((info[TCP.option] ?? 0) !== 0 || (info[TCP.flagMask] ?? 0) !== 0);
  const tests = [...sides.map(({ test }) => test!), ...(asksMore ? [() => undefined] : [])];
  const words = [...sides.map(({ text }) => text), ...(asksMore ? [`-m ${name}`] : [])];
  return { test: tests.length === 0 ? undefined : all(tests), text: words.join(" ") };
}

/** Struct xt_multiport_v1: which ports, how many numbers, the numbers, which begin a range, and "not". */
const MULTIPORT = { bytes: 48, flags: 0, count: 1, ports: 2, isFirst: 32, inverted: 47, most: 15 };
/** XT_MULTIPORT_SOURCE, XT_MULTIPORT_DESTINATION; either of them is not known. */
const SIDES: Record<number, "--sports" | "--dports"> = { 0: "--sports", 1: "--dports" };

/** The test of a match "multiport". */
export function multiportTest(info: Uint8Array): PortMatch {
  const side = SIDES[info[MULTIPORT.flags] ?? -1];
  if (info.length < MULTIPORT.bytes || side === undefined)
    return { test: () => undefined, text: "-m multiport" };
  const ranges: Range[] = [];
  const count = Math.min(info[MULTIPORT.count] ?? 0, MULTIPORT.most);
  for (let at = 0; at < count; at++) {
    const first = u16At(info, MULTIPORT.ports + 2 * at);
    const isRange = info[MULTIPORT.isFirst + at] !== 0;
    ranges.push([first, isRange ? u16At(info, MULTIPORT.ports + 2 * ++at) : first]);
  }
  return sideTest(side, ranges, info[MULTIPORT.inverted] !== 0);
}

function rangeAt(info: Uint8Array, at: number): Range {
  return [u16At(info, at), u16At(info, at + 2)];
}

function sideTest(word: string, ranges: readonly Range[], isNot: boolean): PortMatch {
  if (!isNot && ranges.some(([first, last]) => first === ALL[0] && last === ALL[1]))
    return { test: undefined, text: "" };
  const isSource = word.startsWith("--s");
  const test: PacketTest = ({ sourcePort, destinationPort }) => {
    const port = isSource ? sourcePort : destinationPort;
    if (port === undefined) return undefined;
    return inverted(
      ranges.some(([first, last]) => first <= port && port <= last),
      isNot,
    );
  };
  const texts = ranges.map(([first, last]) => (first === last ? `${first}` : `${first}:${last}`));
  return { test, text: `${isNot ? "! " : ""}${word} ${texts.join(",")}` };
}

function all(tests: readonly PacketTest[]): PacketTest {
  return (packet) => {
    const answers = tests.map((test) => test(packet));
    if (answers.includes(false)) return false;
    return answers.includes(undefined) ? undefined : true;
  };
}
