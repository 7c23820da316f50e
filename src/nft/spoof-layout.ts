// The ruleset that checks the pods' source MAC addresses, as data: one table for the node, set elements per
// attachment. A frame costs one look-up, and two when it comes from a pod that is checked, however many pods
// there are.
//
//   table bridge pontoon {
//     set guarded { type ifname }                  the host's ends of pods with macspoofchk
//     set source { type ifname . ether_addr }      the MAC address that each of them may send with
//     chain prerouting { … }
//   }
import type { Message } from "../netlink/socket.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import { drop, type Expression, interfaceEtherSourceNotIn, interfaceIn } from "./expression.ts";
import { INTERFACE_NAME_BYTES, joined, MAC_BYTES_JOINED, TYPE_ETHERADDR, TYPE_IFNAME } from "./key.ts";
import { chainMessage, rulesMessages, setMessage, type Table, tableMessage } from "./message.ts";

export const SPOOF_TABLE: Table = { family: nft.NFPROTO_BRIDGE, name: "pontoon", title: "bridge pontoon" };

export const GUARDED = "guarded";
export const SOURCE = "source";
export const PREROUTING = "prerouting";

/**
 * The rules of chain prerouting (type filter hook prerouting priority dstnat; policy accept), before the
 * bridge learns or forwards anything.
 */
function preroutingRules(): Expression[][] {
  return [
    // iifname @guarded iifname . ether saddr != @source drop
    [...interfaceIn(GUARDED), ...interfaceEtherSourceNotIn(SOURCE), ...drop()],
  ];
}

/** How many rules chain prerouting has when it is whole. */
export const PREROUTING_RULES = 1;

/**
 * What makes the table with its sets and chain prerouting, still without rules, whatever of it is there. Only
 * under the node's lock.
 */
export function spoofTableMessages(): Message[] {
  return [
    tableMessage(SPOOF_TABLE),
    setMessage(
      SPOOF_TABLE,
      GUARDED,
      { type: TYPE_IFNAME, length: INTERFACE_NAME_BYTES, inHostOrder: true },
      1,
    ),
    setMessage(
      SPOOF_TABLE,
      SOURCE,
      {
        type: joined(TYPE_IFNAME, TYPE_ETHERADDR),
        length: INTERFACE_NAME_BYTES + MAC_BYTES_JOINED,
        inHostOrder: false,
      },
      2,
    ),
    chainMessage(SPOOF_TABLE, PREROUTING, {
      type: "filter",
      number: nft.NF_BR_PRE_ROUTING,
      priority: nft.NF_BR_PRI_NAT_DST_BRIDGED,
    }),
  ];
}

/** What gives chain prerouting its rules, whatever it has now. Only under the node's lock. */
export function preroutingMessages(): Message[] {
  return rulesMessages(SPOOF_TABLE, PREROUTING, preroutingRules());
}
