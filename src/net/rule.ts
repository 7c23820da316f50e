// Rules that choose a routing table by the source address. (linux/fib_rules.h, net/core/fib_rules.c)
import { type Address, addressBytes, addressFromBytes, type Family, formatAddress } from "../ip/address.ts";
import { type Reply, readAttributes } from "../netlink/reader.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { NLM_F_CREATE, NLM_F_EXCL } from "../netlink/uapi/netlink.ts";
import * as rt from "../netlink/uapi/rtnetlink.ts";
import type { Writer } from "../netlink/writer.ts";
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
  const message: Message = {
    what: `list the rules of IPv${family}`,
    type: rt.RTM_GETRULE,
    flags: 0,
    body: (w) => w.u8(familyNumber(family)).bytes(new Uint8Array(11)),
  };
  return socket.dump(message).flatMap((reply) => readRule(reply, family) ?? []);
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
