// Matches and targets of xtables (iptables), as far as they can be told of a packet. (linux/netfilter:
// xt_conntrack.h, xt_devgroup.h, xt_comment.h)
import { readText } from "../netlink/reader.ts";
import { u16At, u32At } from "../sys/bytes.ts";
import type { PacketTest } from "./packet.ts";
import { multiportTest, portsTest } from "./xtables-port.ts";

/** A match as a test, with its words; without a test every packet fits. */
export interface XtablesMatch {
  test: PacketTest | undefined;
  text: string;
}

/** Targets behind which a packet goes on with the next rule. */
const CONTINUING = new Set([
  "LOG",
  "NFLOG",
  "MARK",
  "CONNMARK",
  "TCPMSS",
  "CT",
  "NOTRACK",
  "CLASSIFY",
  "TTL",
  "HL",
  "SET",
  "TRACE",
  "DSCP",
  "TOS",
  "AUDIT",
]);

/** True for a target behind which a packet goes on. */
export function isContinuing(target: string): boolean {
  return CONTINUING.has(target);
}

/** True for a target that hands packets to another program. */
export function isQueue(target: string): boolean {
  return target === "NFQUEUE" || target === "QUEUE";
}

/** True for a target that gives a connection another destination or source. */
export function isTranslating(target: string): boolean {
  return ["DNAT", "REDIRECT", "SNAT", "MASQUERADE", "NETMAP"].includes(target);
}

/** The test of a match by its name and data. */
export function matchTest(name: string, info: Uint8Array): XtablesMatch {
  if (name === "comment") return { test: undefined, text: `/* ${readText(info)} */` };
  if (name === "conntrack") return connectionTest(info);
  if (name === "devgroup") return groupTest(info);
  if (name === "addrtype") return addressTypeTest(info);
  if (name === "tcp" || name === "udp") return portsTest(name, info);
  if (name === "multiport") return multiportTest(info);
  return { test: () => undefined, text: `-m ${name}` };
}

/**
 * The places in struct xt_conntrack_mtinfo3, and XT_CONNTRACK_STATE. The states are the bits that
 * XT_CONNTRACK_STATE_BIT gives, XT_CONNTRACK_STATE_INVALID and XT_CONNTRACK_STATE_DNAT.
 */
const CONNTRACK = { matchFlags: 146, invertFlags: 148, stateMask: 150, bytes: 154, state: 1 };
const STATES = { INVALID: 1, ESTABLISHED: 2, RELATED: 4, NEW: 8, SNAT: 64, DNAT: 128 } as const;

function connectionTest(info: Uint8Array): XtablesMatch {
  const isOfState = info.length >= CONNTRACK.bytes && u16At(info, CONNTRACK.matchFlags) === CONNTRACK.state;
  if (!isOfState) return { test: () => undefined, text: "-m conntrack" };
  const mask = u16At(info, CONNTRACK.stateMask);
  const isNot = (u16At(info, CONNTRACK.invertFlags) & CONNTRACK.state) !== 0;
  const names = Object.entries(STATES).filter(([, bit]) => (mask & bit) !== 0);
  const test: PacketTest = ({ state, isTranslated }) => {
    if (state === undefined) return undefined;
    const bits = (state === "new" ? STATES.NEW : STATES.ESTABLISHED) | (isTranslated ? STATES.DNAT : 0);
    const isIn = (bits & mask) !== 0;
    // Whether the source of the connection was translated is not known.
    if (!isIn && (mask & STATES.SNAT) !== 0) return undefined;
    return isIn !== isNot;
  };
  return { test, text: `${isNot ? "! " : ""}--ctstate ${names.map(([name]) => name).join(",")}` };
}

/** Struct xt_addrtype_info_v1: bits of types of source and destination, flags; XT_ADDRTYPE_LOCAL. */
const ADDRTYPE = { bytes: 8, source: 0, destination: 2, flags: 4, local: 4 };

/** `--dst-type LOCAL` alone: how programs tell connections to ports of the node. */
function addressTypeTest(info: Uint8Array): XtablesMatch {
  const isPlain =
    info.length >= ADDRTYPE.bytes &&
    u16At(info, ADDRTYPE.source) === 0 &&
    u16At(info, ADDRTYPE.destination) === ADDRTYPE.local &&
    u32At(info, ADDRTYPE.flags) === 0;
  if (!isPlain) return { test: () => undefined, text: "-m addrtype" };
  return { test: ({ isForNode }) => isForNode, text: "-m addrtype --dst-type LOCAL" };
}

/** Struct xt_devgroup_info: flags, then for each side its group and a mask; the flag behind says "not". */
const DEVGROUP = { bytes: 20, source: { flag: 1, not: 2, at: 4 }, destination: { flag: 4, not: 8, at: 12 } };

function groupTest(info: Uint8Array): XtablesMatch {
  if (info.length < DEVGROUP.bytes) return { test: () => undefined, text: "-m devgroup" };
  const flags = u32At(info, 0);
  const test: PacketTest = ({ input, output }) => {
    let all: boolean | undefined = true;
    for (const [link, { flag, not, at }] of [
      [input, DEVGROUP.source],
      [output, DEVGROUP.destination],
    ] as const) {
      if ((flags & flag) === 0) continue;
      if (link === undefined) all = undefined;
      else if ((((link.group ^ u32At(info, at)) & u32At(info, at + 4)) === 0) === ((flags & not) !== 0))
        return false;
    }
    return all;
  };
  const words = [
    (flags & DEVGROUP.source.flag) === 0 ? "" : `--src-group ${u32At(info, DEVGROUP.source.at)}`,
    (flags & DEVGROUP.destination.flag) === 0 ? "" : `--dst-group ${u32At(info, DEVGROUP.destination.at)}`,
  ];
  return { test, text: words.filter((word) => word !== "").join(" ") };
}
