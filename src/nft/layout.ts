// The ruleset that masquerades, as data: one table for the node, one chain per network, map elements per
// attachment.
//
//   table inet pontoon {
//     map net4 { type ipv4_addr : verdict }                   pod address : goto the network's chain
//     map net6 { type ipv6_addr : verdict }
//     map on4 { type ifname . ipv4_addr : verdict }           interface . pod address, where a pod of another
//     map on6 { type ifname . ipv6_addr : verdict }           network has that address too; asked first
//     chain postrouting { … }
//     chain net-<network>-<hash of its subnets> { … }
//   }
import { type Address, addressBytes } from "../ip/address.ts";
import { formatPrefix, type Prefix } from "../ip/prefix.ts";
import * as nft from "../netlink/uapi/nf_tables.ts";
import { sha256 } from "../sys/hash.ts";
import type { ElementPlace } from "./element.ts";
import type { Rule } from "./expression.ts";
import { INTERFACE_NAME_BYTES, interfaceKey, joined, TYPE_IFNAME, TYPE_IP6ADDR, TYPE_IPADDR } from "./key.ts";
import type { Hook, Table } from "./message.ts";
import { destinationReturn, interfaceSourceVerdict, masquerade, sourceVerdict } from "./statement.ts";
import { type SharedChain, sharedChain, type TableLayout, tableLayout } from "./table-layout.ts";

/** The table that masquerades. */
export const TABLE: Table = { family: nft.NFPROTO_INET, name: "pontoon", title: "inet pontoon" };

const POSTROUTING = "postrouting";

export const MAPS = [
  { name: "net4", key: { type: TYPE_IPADDR, length: 4 } },
  { name: "net6", key: { type: TYPE_IP6ADDR, length: 16 } },
  { name: "on4", key: { type: joined(TYPE_IFNAME, TYPE_IPADDR), length: INTERFACE_NAME_BYTES + 4 } },
  { name: "on6", key: { type: joined(TYPE_IFNAME, TYPE_IP6ADDR), length: INTERFACE_NAME_BYTES + 16 } },
];

function postroutingRules(): Rule[] {
  return [
    [interfaceSourceVerdict(4, "on4")],
    [interfaceSourceVerdict(6, "on6")],
    [sourceVerdict(4, "net4")],
    [sourceVerdict(6, "net6")],
  ];
}

const POSTROUTING_HOOK: Hook = {
  type: "nat",
  number: nft.NF_INET_POST_ROUTING,
  priority: 100,
  text: "postrouting priority srcnat",
};

export const MASQUERADE_LAYOUT: TableLayout = tableLayout({
  table: TABLE,
  rules: [[POSTROUTING, 4]],
  maps: () => MAPS,
  chains: () => [{ name: POSTROUTING, hook: POSTROUTING_HOOK, rules: postroutingRules() }],
});

/** A network's chain. Its name tells its network and subnets, so it never needs to change. */
export interface NetworkChain {
  name: string;
  subnets: Prefix[];
}

/** The chain of a network that masquerades all packets but those to `subnets` and to multicast. */
export function networkChain(network: string, subnets: Prefix[]): NetworkChain {
  const sorted = subnets.map((subnet) => ({ text: formatPrefix(subnet), subnet }));
  if (sorted.length > 1) sorted.sort((a, b) => (a.text < b.text ? -1 : 1));
  const texts = sorted.map(({ text }) => text).join("\0");
  const hash = sha256(`${network}\0${texts}`);
  return {
    name: `${chainPrefix(network)}${hash.slice(0, HASH_DIGITS)}`,
    subnets: sorted.map(({ subnet }) => subnet),
  };
}

/** True when a chain of this name belongs to the network. */
export function isChainOf(network: string, chain: string): boolean {
  const prefix = chainPrefix(network);
  return chain.startsWith(prefix) && chain.length === prefix.length + HASH_DIGITS;
}

const HASH_DIGITS = 8;

/** A chain's name has at most 255 bytes (NFT_NAME_MAXLEN). */
function chainPrefix(network: string): string {
  return `net-${network.slice(0, 200)}-`;
}

const MULTICAST: Prefix[] = [
  { address: { family: 4, value: 0xe0000000n }, length: 4 },
  { address: { family: 6, value: 0xffn << 120n }, length: 8 },
];

/** The rules of a network's chain. */
function networkRules({ subnets }: NetworkChain): Rule[] {
  return [...[...subnets, ...MULTICAST].map((prefix) => [destinationReturn(prefix)]), [masquerade()]];
}

/** The chain of a network, as its attachments share it. */
export function sharedNetworkChain(chain: NetworkChain): SharedChain {
  const { name, subnets } = chain;
  const count = subnets.length + MULTICAST.length + 1;
  return sharedChain(TABLE, { name, count, rules: () => networkRules(chain) });
}

/**
 * The two places for an address: in the common map, and in the map that is keyed by the interface where the
 * pod's packets come in, too.
 */
export function elementPlaces(
  address: Address,
  gatewayInterface: string,
): { common: ElementPlace; byInterface: ElementPlace } {
  const bytes = addressBytes(address);
  const named = interfaceKey(gatewayInterface, bytes);
  return {
    common: { table: TABLE, set: `net${address.family}`, key: bytes },
    byInterface: { table: TABLE, set: `on${address.family}`, key: named },
  };
}
