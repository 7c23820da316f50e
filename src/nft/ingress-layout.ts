// The ruleset that keeps networks of pods apart, as data: a table of its own, which is there for as long as a
// network wants it. Elements stand for whole networks: the interface that the pods of a bridge share, or the
// link group of the interfaces of pods without one. So a packet on its way through the node meets seven
// look-ups at most, and two when it comes from no pod, however many pods and networks there are.
//
//   table inet pontoon-ingress {
//     set networks { type ifname }                 where pods of networks with a policy of their own come in
//     set together { type ifname . ifname }        twice the same interface: its pods reach each other
//     set apart { type ifname }                    interfaces whose pods do not reach each other
//     set trusted { type ifname }                  interfaces that Pontoon put into zone "trusted"
//     set groups { type devgroup }                 as networks, for pods without a bridge
//     set together-groups { type devgroup . devgroup }
//     chain forward { … }
//     chain leaving { … }
//     chain between { … }
//   }
//
// A group needs no set "apart": pods without a bridge have it of network and policy.
import * as nft from "../netlink/uapi/nf_tables.ts";
import { u32Bytes } from "../sys/bytes.ts";
import type { ElementPlace } from "./element.ts";
import type { Rule } from "./expression.ts";
import { INTERFACE_NAME_BYTES, interfaceKey, joined, TYPE_DEVGROUP, TYPE_IFNAME } from "./key.ts";
import type { Hook, Table } from "./message.ts";
import type { SetKey } from "./set-message.ts";
import {
  drop,
  goTo,
  groupIn,
  groupPairIn,
  interfaceIn,
  interfacePairIn,
  outputGroupIn,
  outputIn,
  returned,
} from "./statement.ts";
import { type TableLayout, tableLayout } from "./table-layout.ts";

/** Where pods come in: the interface that they share by its name, or the link group of their interfaces. */
export type Entry = string | number;

export const INGRESS_TABLE: Table = {
  family: nft.NFPROTO_INET,
  name: "pontoon-ingress",
  title: "inet pontoon-ingress",
};

const FORWARD = "forward";
const LEAVING = "leaving";
const BETWEEN = "between";

/** The rules for all packets that the node forwards. */
function forwardRules(): Rule[] {
  return [
    [interfaceIn("networks"), goTo(LEAVING)],
    [groupIn("groups"), goTo(LEAVING)],
  ];
}

/** The rules for what comes from a pod of a network with a policy. */
function leavingRules(): Rule[] {
  return [
    [outputIn("networks"), goTo(BETWEEN)],
    [outputGroupIn("groups"), goTo(BETWEEN)],
  ];
}

/**
 * The rules for what goes from one such pod to another. A packet that is dropped here is lost, whatever the
 * rules of other tables.
 */
function betweenRules(): Rule[] {
  return [
    [interfaceIn("apart"), outputIn("apart"), drop()],
    [interfacePairIn("together"), returned()],
    [groupPairIn("together-groups"), returned()],
    [drop()],
  ];
}

/** The keys of the sets: an interface or a group, or two of them. */
const ONE: SetKey = { type: TYPE_IFNAME, length: INTERFACE_NAME_BYTES, inHostOrder: true };
const PAIR: SetKey = {
  type: joined(TYPE_IFNAME, TYPE_IFNAME),
  length: 2 * INTERFACE_NAME_BYTES,
  inHostOrder: false,
};
const GROUP: SetKey = { type: TYPE_DEVGROUP, length: 4, inHostOrder: true };
const GROUP_PAIR: SetKey = { type: joined(TYPE_DEVGROUP, TYPE_DEVGROUP), length: 8, inHostOrder: false };

const KEYS = {
  networks: ONE,
  together: PAIR,
  apart: ONE,
  trusted: ONE,
  groups: GROUP,
  "together-groups": GROUP_PAIR,
} as const;

export type IngressSet = keyof typeof KEYS;

export const INGRESS_SETS = Object.keys(KEYS) as IngressSet[];

const FORWARD_HOOK: Hook = {
  type: "filter",
  number: nft.NF_INET_FORWARD,
  priority: 0,
  text: "forward priority filter",
};

export const INGRESS_LAYOUT: TableLayout = tableLayout({
  table: INGRESS_TABLE,
  rules: [
    [FORWARD, 2],
    [LEAVING, 2],
    [BETWEEN, 4],
  ],
  // Before there were pods without a bridge, three rules without jumps did for interfaces.
  earlier: [[[FORWARD, 3]]],
  sets: () => INGRESS_SETS.map((name) => ({ name, key: KEYS[name] })),
  chains: () => [
    { name: FORWARD, hook: FORWARD_HOOK, rules: forwardRules() },
    { name: LEAVING, rules: leavingRules() },
    { name: BETWEEN, rules: betweenRules() },
  ],
});

/** True for a set of groups; the others are of interfaces. */
export function isOfGroups(set: IngressSet): boolean {
  return set === "groups" || set === "together-groups";
}

/** The place of an entry in a set. An entry of the other sort is in no set of this sort. */
export function ingressPlace(set: IngressSet, entry: Entry): ElementPlace {
  const one = typeof entry === "number" ? u32Bytes(entry) : interfaceKey(entry, new Uint8Array());
  const isPair = set === "together" || set === "together-groups";
  return { table: INGRESS_TABLE, set, key: isPair ? Uint8Array.of(...one, ...one) : one };
}
