// The text of our tables, which people read: loaded by `nft` it makes what our messages make.
import { expect, test } from "vitest";
import { parseAddress } from "../../src/ip/address.ts";
import { executeBatch } from "../../src/nft/batch.ts";
import { addElementMessage, type Element } from "../../src/nft/element.ts";
import { hairpinChain, sharedHairpinChain } from "../../src/nft/hairpin-chain.ts";
import { portLayout } from "../../src/nft/host-port-layout.ts";
import { INGRESS_LAYOUT, ingressPlace } from "../../src/nft/ingress-layout.ts";
import { elementPlaces, MASQUERADE_LAYOUT, networkChain, sharedNetworkChain } from "../../src/nft/layout.ts";
import { nodeLayout } from "../../src/nft/node-layout.ts";
import { elementsOf } from "../../src/nft/port-attachment.ts";
import { conditionChain, sharedConditionChain } from "../../src/nft/port-condition.ts";
import { PROTOCOLS } from "../../src/nft/port-mapping.ts";
import { missingOrAltered } from "../../src/nft/read-back.ts";
import { spoofPlaces } from "../../src/nft/spoof-check.ts";
import { ARP_CHECK, BRIDGE_CHECK, NODE_CHECK, type SpoofTable } from "../../src/nft/spoof-layout.ts";
import type { SharedChain, TableLayout } from "../../src/nft/table-layout.ts";
import { elementText, sharedChainText, tableText } from "../../src/nft/text.ts";
import { address, prefix } from "../support/ip.ts";
import { Netns } from "../support/netns.ts";

interface Case {
  layout: TableLayout;
  chains: SharedChain[];
  elements: Element[];
}

const SUBNETS = ["10.1.0.0/24", "10.0.0.0/13", "fd01::/64", "fd01:2::/47", "10.9.9.9/32"].map(prefix);
const CONDITIONS = [
  conditionChain(4, [
    { field: "saddr", value: "10.0.0.0/13", not: false },
    { field: "daddr", value: "192.0.2.7/32", not: true },
    { field: "iifname", value: "eth*", not: false },
    { field: "iifname", value: "eth0", not: true },
  ]),
  conditionChain(6, [{ field: "saddr", value: "fc00::/7", not: true }]),
];
const NETWORK = networkChain("net.a-b_c", SUBNETS);
const HAIRPIN = hairpinChain("net.a-b_c", SUBNETS);

const mapping = (first: number, last: number, containerPort: number, to: string, hostAddress?: string) => {
  const target = address(to);
  const host = hostAddress === undefined ? undefined : parseAddress(hostAddress);
  return {
    family: target.family,
    protocol: PROTOCOLS.udp,
    hostAddress: host,
    first,
    last,
    containerPort,
    target,
  };
};

const PORTS = {
  owner: "1",
  label: "net c1 eth0",
  mappings: [
    mapping(8080, 8080, 80, "10.1.0.2"),
    mapping(8080, 8080, 80, "fd01::2"),
    mapping(9090, 9090, 90, "10.1.0.2", "192.168.50.1"),
    mapping(5000, 5100, 5000, "10.1.0.2"),
    mapping(5000, 5100, 5000, "fd01::2"),
    mapping(6000, 6010, 6000, "fd01::2", "fd50::1"),
  ],
  kept: [
    { family: 4, protocol: PROTOCOLS.tcp, hostAddress: address("127.0.0.1"), first: 25, last: 25 } as const,
  ],
  chain: HAIRPIN,
  conditions: CONDITIONS,
  markBit: 13,
};

const checkIn = (table: SpoofTable): Element[] =>
  spoofPlaces({
    table,
    network: "net",
    owner: "1",
    label: "net c1 eth0",
    hostInterface: "veth11111111111",
    mac: Uint8Array.of(0x0a, 0, 0, 0, 0, 1),
    addresses: { own: [address("10.1.0.2"), address("fd01::2")], asksDhcp: true },
  }).map((place) => ({ ...place, chain: "", comment: "" }));

const CASES: Case[] = [
  {
    layout: MASQUERADE_LAYOUT,
    chains: [sharedNetworkChain(NETWORK)],
    elements: ["10.1.0.2", "fd01::2"].flatMap((text) => {
      const { common, byInterface } = elementPlaces(address(text), "br1");
      return [common, byInterface].map((place) => ({ ...place, chain: NETWORK.name, comment: "" }));
    }),
  },
  {
    layout: portLayout(13),
    chains: [sharedHairpinChain(HAIRPIN), ...CONDITIONS.map(sharedConditionChain)],
    elements: elementsOf(PORTS),
  },
  {
    layout: portLayout(31),
    chains: [sharedHairpinChain(hairpinChain("all", undefined))],
    elements: [],
  },
  {
    layout: INGRESS_LAYOUT,
    chains: [],
    elements: (["networks", "together", "apart", "groups", "together-groups"] as const).map((set) => ({
      ...ingressPlace(set, set.includes("groups") ? 1084954317 : "cni0.100"),
      chain: "",
      comment: "",
    })),
  },
  { layout: nodeLayout(SUBNETS), chains: [], elements: [] },
  ...[BRIDGE_CHECK, NODE_CHECK, ARP_CHECK].map((table) => ({
    layout: table.layout,
    chains: [],
    elements: checkIn(table),
  })),
];
const named = CASES.map((each) => [each.layout.table.title, each] as const);

/** The table with its chains and elements, made by our messages. */
function madeByMessages({ layout, chains, elements }: Case): Netns {
  const host = Netns.open();
  executeBatch(host.rules, layout.tableMessages());
  for (const chain of chains) executeBatch(host.rules, chain.messages());
  executeBatch(host.rules, [...layout.ruleMessages(), ...elements.map(addElementMessage)]);
  return host;
}

/** The same, made by `nft` of the text. */
function madeByText({ layout, chains, elements }: Case): Netns {
  const host = Netns.open();
  host.run("nft -f -", `${[...tableText(layout), ...chains.flatMap(sharedChainText)].join("\n")}\n`);
  for (const element of elements)
    host.run(`nft add element ${element.table.title} ${element.set} ${elementText(layout, element)}`);
  return host;
}

/** The ruleset as `nft` lists it, without comments of elements. The text has none. */
const listed = (host: Netns): string => host.run("nft list ruleset").replaceAll(/ comment "[^"]*"/g, "");

test.each(named)("table %s: nft makes of the text what the messages make", (_, each) => {
  using ours = madeByMessages(each);
  using theirs = madeByText(each);
  expect(listed(theirs)).toBe(listed(ours));
});

test.each(named)(
  "table %s: CHECK takes what nft makes of the text for the table as it was made",
  (_, each) => {
    using theirs = madeByText(each);
    expect(missingOrAltered(theirs.rules, each)).toEqual([]);
  },
);

test.each(named)("table %s: an element goes by the words that name its key", (_, each) => {
  using theirs = madeByText(each);
  using empty = madeByText({ ...each, elements: [] });
  for (const element of each.elements)
    theirs.run(
      `nft delete element ${element.table.title} ${element.set} ${elementText(each.layout, element, true)}`,
    );
  expect(listed(theirs)).toBe(listed(empty));
});
