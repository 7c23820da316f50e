// Packet rules: tables of nftables, in nft's own words, and chains of iptables where a network asks for them.

import { formatPrefix } from "../../ip/prefix.ts";
import { networkChains, restoreLines } from "../../iptables/network-chain.ts";
import { iptablesOf } from "../../iptables/table.ts";
import type { Element } from "../../nft/element.ts";
import { elementPlaces, MASQUERADE_LAYOUT, sharedNetworkChain } from "../../nft/layout.ts";
import { spoofPlaces } from "../../nft/spoof-check.ts";
import { ARP_CHECK, BRIDGE_CHECK, NODE_CHECK, type SpoofTable } from "../../nft/spoof-layout.ts";
import type { SharedChain, TableLayout } from "../../nft/table-layout.ts";
import { elementText, sharedChainText, tableText } from "../../nft/text.ts";
import type {
  ArpCheckStep,
  IptablesMasqueradeStep,
  MasqueradeStep,
  NodeSpoofCheckStep,
  SpoofCheckStep,
} from "../../plan/step.ts";
import { masqueradeOf } from "../../ruleset/masquerade.ts";
import { checkIn } from "../../ruleset/source-check.ts";
import { fed, quoted, sh, when } from "../shell.ts";
import { type Part, part, type Writer } from "../writer.ts";

/** The commands that make a table of all networks, where it is not there. */
export function tablePart(why: string, layout: TableLayout): Part {
  return part(why, ...unlessListed(`table ${layout.table.title}`, tableText(layout)));
}

/** The commands that make a chain in a table, where it is not there. */
export function chainPart(why: string, chain: SharedChain): Part {
  return part(why, ...unlessListed(`chain ${chain.table.title} ${chain.name}`, sharedChainText(chain)));
}

function unlessListed(what: string, lines: readonly string[]): string[] {
  return fed(`nft list ${what} > /dev/null 2>&1 || nft -f -`, lines);
}

/** The commands that put elements into sets and maps. */
export function elementLines(layout: TableLayout, elements: readonly Element[]): string[] {
  return elements.map(
    (element) =>
      `nft add element ${layout.table.title} ${element.set} ${quoted(elementText(layout, element))}`,
  );
}

/** The commands that take the elements out again. */
export function withoutLines(layout: TableLayout, elements: readonly Element[]): string[] {
  return elements.map(
    (element) =>
      `nft delete element ${layout.table.title} ${element.set} ${quoted(elementText(layout, element, true))}`,
  );
}

/** The command that removes a chain which others may still need: nft refuses then. */
export function chainGoesPart({ table, name }: SharedChain): Part {
  return part(
    `Chain ${name} goes with the last pod that needs it: nft refuses before that.`,
    `nft delete chain ${table.title} ${name} 2> /dev/null`,
  );
}

export const masquerade: Writer<MasqueradeStep> = {
  add(step) {
    const { chain } = masqueradeOf(step);
    return [
      tablePart(
        "The table that masquerades, for all networks: a map leads from a pod to its network.",
        MASQUERADE_LAYOUT,
      ),
      chainPart(
        "The network's chain: what goes to other places than the network gets the node's address.",
        sharedNetworkChain(chain),
      ),
      part("The pod's addresses are led there.", ...elementLines(MASQUERADE_LAYOUT, elementsOf(step))),
    ];
  },
  del: (step) => ({
    rules: [
      part("The pod is no longer masqueraded.", ...withoutLines(MASQUERADE_LAYOUT, elementsOf(step))),
      chainGoesPart(sharedNetworkChain(masqueradeOf(step).chain)),
    ],
  }),
};

function elementsOf(step: MasqueradeStep): Element[] {
  const { chain, gatewayInterface, addresses } = masqueradeOf(step);
  return addresses.map((address) => ({
    ...elementPlaces(address, gatewayInterface).common,
    chain: chain.name,
    comment: "",
  }));
}

type CheckStep = SpoofCheckStep | NodeSpoofCheckStep | ArpCheckStep;

export const spoofCheck: Writer<SpoofCheckStep> = checkWriter(BRIDGE_CHECK, "frames that a pod sends");
export const nodeSpoofCheck: Writer<NodeSpoofCheckStep> = checkWriter(NODE_CHECK, "packets that a pod sends");
export const arpCheck: Writer<ArpCheckStep> = checkWriter(ARP_CHECK, "ARP that a pod sends");

function checkWriter<S extends CheckStep>(table: SpoofTable, what: string): Writer<S> {
  const { layout } = table;
  const elements = (step: S): Element[] =>
    spoofPlaces(checkIn(table, step)).map((place) => ({ ...place, chain: "", comment: "" }));
  return {
    add: (step) => [
      tablePart(`The table that checks ${what}, for all networks.`, layout),
      part("What this pod may send, before it can send.", ...elementLines(layout, elements(step))),
    ],
    del: (step) => ({
      shut: part("Nothing passes while the check goes.", sh`ip link set dev ${step.hostInterface} down`),
      rules: [part("The pod is no longer checked.", ...withoutLines(layout, elements(step)))],
    }),
  };
}

/** The commands of iptables for these lines of iptables-restore. */
export function iptablesLines(program: string, lines: readonly string[]): string[] {
  return lines.map((line) => {
    const [, chain] = /^:(\S+) /.exec(line) ?? [];
    return `${program} ${chain === undefined ? sh`${wordsOf(line)}` : sh`-N ${chain}`}`;
  });
}

/** The words of a line of iptables-restore, where a text in double quotes is one word. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"((?:\\.|[^"\\])*)"|\S+/g)].map(
    ([word, inside]) => inside?.replaceAll(/\\(.)/g, "$1") ?? word,
  );
}

export const iptablesMasquerade: Writer<IptablesMasqueradeStep> = {
  add: ({ key, subnets }) =>
    networkChains(key.network, subnets).map((chain) => {
      const program = natProgram(chain.family);
      return part(
        "The network's chain of iptables: what goes to other places gets the node's address.",
        ...when(
          `! ${program} -S ${chain.name} > /dev/null 2>&1`,
          iptablesLines(program, restoreLines(chain, true)),
        ),
      );
    }),
  del: ({ key, subnets, bridge }) => ({
    after: networkChains(key.network, subnets).map((chain) => {
      const program = natProgram(chain.family);
      const jumps = restoreLines(chain, true).filter((line) => line.startsWith("-A POSTROUTING"));
      return part(
        "The network's chain of iptables goes with its last pod.",
        ...when(nobodyLeft({ bridge, subnets: chain.subnets.map(formatPrefix) }), [
          ...iptablesLines(
            program,
            jumps.map((jump) => jump.replace("-A", "-D")),
          ),
          `${program} -F ${chain.name}`,
          `${program} -X ${chain.name}`,
        ]),
      );
    }),
  }),
};

function natProgram(family: 4 | 6): string {
  return `${iptablesOf(family)} -w -t nat`;
}

/** A condition: no pod is left on the bridge, or without one none that the node routes to in the subnets. */
function nobodyLeft({ bridge, subnets }: { bridge: string | undefined; subnets: readonly string[] }): string {
  if (bridge !== undefined) return noPodOn(bridge);
  return subnets.map((subnet) => `[ -z "$(${sh`ip route show root ${subnet}`})" ]`).join(" && ");
}

/** A condition: no port of the bridge has its other end in another namespace. */
export function noPodOn(bridge: string): string {
  return `! ${sh`ip -o link show master ${bridge} | grep -q @if`}`;
}
