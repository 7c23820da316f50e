// Rules of routing, above all those that choose a table by the source address. (linux/fib_rules.h,
// net/core/fib_rules.c)
import { type Address, addressBytes, addressFromBytes, type Family, formatAddress } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";
import { type Reply, readAttributes } from "../netlink/reader.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { NLM_F_CREATE, NLM_F_EXCL } from "../netlink/uapi/netlink.ts";
import * as rt from "../netlink/uapi/rtnetlink.ts";
import type { Writer } from "../netlink/writer.ts";
import { u32At } from "../sys/bytes.ts";
import { familyNumber } from "./address.ts";

/**
 * A rule that routes packets from one address by a table. `protocol` tells the rule's maker, as with routes.
 */
export interface SourceRule {
  source: Address;
  table: number;
  protocol: number;
}

/** Adds a rule in front of those for the main table. Refused with EEXIST when it is there. */
export function addRuleMessage(rule: SourceRule): Message {
  return {
    what: `add ${ruleText(rule)}`,
    type: rt.RTM_NEWRULE,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    body: (w) => writeRule(w, rule),
  };
}

/** Removes a rule. Refused with ENOENT when it is absent. */
export function deleteRuleMessage(rule: SourceRule): Message {
  return {
    what: `remove ${ruleText(rule)}`,
    type: rt.RTM_DELRULE,
    flags: 0,
    body: (w) => writeRule(w, rule),
  };
}

/** The rules of a family that look at a single source address and lead to a table. Throws SystemError. */
export function listSourceRules(socket: NetlinkSocket, family: Family): SourceRule[] {
  return listRuleReplies(socket, family).flatMap((reply) => readRule(reply, family) ?? []);
}

function listRuleReplies(socket: NetlinkSocket, family: Family): Reply[] {
  return socket.dump({
    what: `list the rules of IPv${family}`,
    type: rt.RTM_GETRULE,
    flags: 0,
    body: (w) => w.u8(familyNumber(family)).bytes(new Uint8Array(11)),
  });
}

/** A rule of routing, as the kernel lists it. */
export interface RoutingRule {
  family: Family;
  /** The lowest is asked first. */
  priority: number;
  source: Prefix | undefined;
  destination: Prefix | undefined;
  /** The links by which a packet comes in and leaves. */
  input: string | undefined;
  output: string | undefined;
  mark: { value: number; mask: number } | undefined;
  isInverted: boolean;
  /** It asks for ports, a protocol or a type of service, too. */
  asksForMore: boolean;
  /** What a packet meets: a table (FR_ACT_TO_TBL), or its end (FR_ACT_BLACKHOLE and others). */
  action: number;
  table: number;
}

/** All rules of a family, in their order. Throws SystemError. */
export function listRules(socket: NetlinkSocket, family: Family): RoutingRule[] {
  return listRuleReplies(socket, family).map(({ payload }) => {
    const attributes = readAttributes(payload, 12);
    const prefix = (type: number, length: number): Prefix | undefined => {
      const bytes = attributes.addressBytes(type);
      return bytes && { address: addressFromBytes(bytes), length };
    };
    const value = attributes.u32(rt.FRA_FWMARK);
    const mask = attributes.u32(rt.FRA_FWMASK) ?? 0;
    return {
      family,
      priority: attributes.u32(rt.FRA_PRIORITY) ?? 0,
      source: prefix(rt.FRA_SRC, payload[2] ?? 0),
      destination: prefix(rt.FRA_DST, payload[1] ?? 0),
      input: attributes.string(rt.FRA_IIFNAME),
      output: attributes.string(rt.FRA_OIFNAME),
      mark: value === undefined ? undefined : { value, mask },
      isInverted: (u32At(payload, 8) & rt.FIB_RULE_INVERT) !== 0,
      asksForMore:
        payload[3] !== 0 ||
        [rt.FRA_IP_PROTO, rt.FRA_SPORT_RANGE, rt.FRA_DPORT_RANGE].some(
          (type) => attributes.bytes(type) !== undefined,
        ),
      action: payload[7] ?? 0,
      table: attributes.u32(rt.FRA_TABLE) ?? payload[4] ?? 0,
    };
  });
}

function ruleText({ source, table }: SourceRule): string {
  return `rule from ${formatAddress(source)} lookup ${table}`;
}

function writeRule(w: Writer, { source, table, protocol }: SourceRule): void {
  // struct fib_rule_hdr; a table number above 255 only fits into the attribute.
  w.u8(familyNumber(source.family))
    .u8(0)
    .u8(source.family === 4 ? 32 : 128)
    .u8(0)
    .u8(rt.RT_TABLE_UNSPEC)
    .u8(0)
    .u8(0)
    .u8(rt.FR_ACT_TO_TBL)
    .u32(0);
  w.attribute(rt.FRA_SRC, addressBytes(source))
    .u32Attribute(rt.FRA_TABLE, table)
    .u8Attribute(rt.FRA_PROTOCOL, protocol);
}

function readRule({ payload }: Reply, family: Family): SourceRule | undefined {
  const attributes = readAttributes(payload, 12);
  const [bytes, table] = [attributes.addressBytes(rt.FRA_SRC), attributes.u32(rt.FRA_TABLE)];
  const source = bytes && addressFromBytes(bytes);
  if (
    source === undefined ||
    table === undefined ||
    payload[2] !== (family === 4 ? 32 : 128) ||
    payload[7] !== rt.FR_ACT_TO_TBL
  )
    return undefined;
  return { source, table, protocol: attributes.u8(rt.FRA_PROTOCOL) ?? 0 };
}
