// The ruleset that checks the pods' source MAC addresses, as data: one table for the node, set elements per
// attachment. A frame costs one look-up, and two when it comes from a pod that is checked, however many pods
// there are.
//
//   table bridge pontoon {
//     set guarded { type ifname }                  the host's ends of pods with macspoofchk
//     set source { type ifname . ether_addr }      the MAC address that each of them may send with
//     chain prerouting { … }
//   }
import * as nft from "../netlink/uapi/nf_tables.ts";
import type { Expression } from "./expression.ts";
import { INTERFACE_NAME_BYTES, joined, MAC_BYTES_JOINED, TYPE_ETHERADDR, TYPE_IFNAME } from "./key.ts";
import { chainMessage, rulesMessages, type Table, tableMessage } from "./message.ts";
import { setMessage } from "./set-message.ts";
import { drop, interfaceEtherSourceNotIn, interfaceIn } from "./statement.ts";
import type { TableLayout } from "./table-layout.ts";

export const SPOOF_TABLE: Table = { family: nft.NFPROTO_BRIDGE, name: "pontoon", title: "bridge pontoon" };

export const GUARDED = "guarded";
export const SOURCE = "source";
const PREROUTING = "prerouting";

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

export const SPOOF_LAYOUT: TableLayout = {
  table: SPOOF_TABLE,
  rules: [[PREROUTING, 1]],
  tableMessages: () => [
    tableMessage(SPOOF_TABLE),
    setMessage(
      SPOOF_TABLE,
      { name: GUARDED, key: { type: TYPE_IFNAME, length: INTERFACE_NAME_BYTES, inHostOrder: true } },
      1,
    ),
    setMessage(
      SPOOF_TABLE,
      {
        name: SOURCE,
        key: {
          type: joined(TYPE_IFNAME, TYPE_ETHERADDR),
          length: INTERFACE_NAME_BYTES + MAC_BYTES_JOINED,
          inHostOrder: false,
        },
      },
      2,
    ),
    chainMessage(SPOOF_TABLE, PREROUTING, {
      type: "filter",
      number: nft.NF_BR_PRE_ROUTING,
      priority: nft.NF_BR_PRI_NAT_DST_BRIDGED,
    }),
  ],
  ruleMessages: () => rulesMessages(SPOOF_TABLE, PREROUTING, preroutingRules()),
};
