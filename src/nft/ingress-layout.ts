// The ruleset that keeps networks of pods apart, as data: a table of its own, which is there for as long as a
// network wants it. Elements are interfaces of networks, so a packet on its way through the node meets five
// look-ups at most, however many pods and networks there are.
//
//   table inet pontoon-ingress {
//     set networks { type ifname }                 where pods of networks with a policy of their own come in
//     set together { type ifname . ifname }        twice the same interface: its pods reach each other
//     set apart { type ifname }                    interfaces whose pods do not reach each other
//     set trusted { type ifname }                  interfaces that Pontoon put into zone "trusted"
//     chain forward { … }
//   }
import * as nft from "../netlink/uapi/nf_tables.ts";
import type { ElementPlace } from "./element.ts";
import type { Expression } from "./expression.ts";
import { INTERFACE_NAME_BYTES, interfaceKey, joined, TYPE_IFNAME } from "./key.ts";
import { chainMessage, rulesMessages, type Table, tableMessage } from "./message.ts";
import { setMessage } from "./set-message.ts";
import { drop, interfacePairIn, interfacesIn, returned } from "./statement.ts";
import type { TableLayout } from "./table-layout.ts";

export const INGRESS_TABLE: Table = {
  family: nft.NFPROTO_INET,
  name: "pontoon-ingress",
  title: "inet pontoon-ingress",
};

export const INGRESS_SETS = ["networks", "together", "apart", "trusted"] as const;

export type IngressSet = (typeof INGRESS_SETS)[number];

const FORWARD = "forward";

/**
 * The rules of chain forward (type filter hook forward priority filter; policy accept). A packet that this
 * chain drops is lost, whatever the rules of other tables.
 */
function forwardRules(): Expression[][] {
  return [
    // iifname @apart oifname @apart drop
    [...interfacesIn("apart", "apart"), ...drop()],
    // iifname . oifname @together return
    [...interfacePairIn("together"), ...returned()],
    // iifname @networks oifname @networks drop
    [...interfacesIn("networks", "networks"), ...drop()],
  ];
}

/** The number of rules in a whole chain forward. */
export const FORWARD_RULES = 3;

/** The keys of the sets: an interface, or two of them. */
const ONE = { type: TYPE_IFNAME, length: INTERFACE_NAME_BYTES, inHostOrder: true };
const PAIR = {
  type: joined(TYPE_IFNAME, TYPE_IFNAME),
  length: 2 * INTERFACE_NAME_BYTES,
  inHostOrder: false,
};

export const INGRESS_LAYOUT: TableLayout = {
  table: INGRESS_TABLE,
  rules: [[FORWARD, FORWARD_RULES]],
  tableMessages: () => [
    tableMessage(INGRESS_TABLE),
    ...INGRESS_SETS.map((set, index) =>
      setMessage(INGRESS_TABLE, { name: set, key: set === "together" ? PAIR : ONE }, index + 1),
    ),
    chainMessage(INGRESS_TABLE, FORWARD, { type: "filter", number: nft.NF_INET_FORWARD, priority: 0 }),
  ],
  ruleMessages: () => rulesMessages(INGRESS_TABLE, FORWARD, forwardRules()),
};

/** The place of an interface in a set. */
export function ingressPlace(set: IngressSet, interfaceName: string): ElementPlace {
  const name = interfaceKey(interfaceName, new Uint8Array());
  return { table: INGRESS_TABLE, set, key: set === "together" ? interfaceKey(interfaceName, name) : name };
}
