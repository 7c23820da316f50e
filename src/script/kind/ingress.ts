// The ingress policy: which pods reach each other, and the ways of their packets through firewalls.

import { forwardLines } from "../../iptables/forward-chain.ts";
import { iptablesOf } from "../../iptables/table.ts";
import type { Element } from "../../nft/element.ts";
import { type Entry, INGRESS_LAYOUT, ingressPlace } from "../../nft/ingress-layout.ts";
import type { IngressPolicyStep } from "../../plan/step.ts";
import { chainOf, type IngressPart, isElement, partsOf } from "../../ruleset/ingress.ts";
import { comment, quoted, sh, when } from "../shell.ts";
import { type Part, part, type Writer } from "../writer.ts";
import { elementLines, iptablesLines, noPodOn, tablePart, withoutLines } from "./rules.ts";

export const ingressPolicy: Writer<IngressPolicyStep> = {
  add(step) {
    const elements = elementsOf(step);
    return [
      ...(elements.length === 0
        ? []
        : [
            tablePart("The table that keeps networks of pods apart.", INGRESS_LAYOUT),
            part("The policy of this network.", ...elementLines(INGRESS_LAYOUT, elements)),
          ]),
      ...partsOf(step).flatMap((each) => wayParts(each, step)),
    ];
  },
  del(step) {
    const { group, policy, gatewayInterface: name } = step;
    // Without a bridge the interface that firewalld knows is this pod's own.
    const isOwn = (each: IngressPart): boolean => each === "zone" && group !== undefined;
    const [own, others] = [partsOf(step).filter(isOwn), partsOf(step).filter((each) => !isOwn(each))];
    const shared = [...elementParts(elementsOf(step)), ...others.flatMap((each) => wayGoes(each, step))];
    const lines = shared.flatMap(({ why, lines: commands }) => [comment(why), ...commands]);
    return {
      ...(group === undefined || policy === "open"
        ? {}
        : { shut: part("Nothing passes while the rules go.", sh`ip link set dev ${name} down`) }),
      after: [
        ...own.flatMap((each) => wayGoes(each, step)),
        part("What the network's pods share goes with the last of them.", ...when(nobodyLeft(step), lines)),
      ],
    };
  },
};

/** A condition: no pod is left that needs the policy. */
function nobodyLeft({ group, bridge = "" }: IngressPolicyStep): string {
  return group === undefined ? noPodOn(bridge) : `[ -z "$(${sh`ip link show group ${group}`})" ]`;
}

/** Where packets of the network's pods come in: an interface that they share, or a group of interfaces. */
function entryOf({ group, gatewayInterface }: IngressPolicyStep): Entry {
  return group ?? gatewayInterface;
}

function elementsOf(step: IngressPolicyStep): Element[] {
  return partsOf(step)
    .filter(isElement)
    .map((set) => ({ ...ingressPlace(set, entryOf(step)), chain: "", comment: "" }));
}

/** The way through a firewall, where there is one. */
function wayParts(each: IngressPart, step: IngressPolicyStep): Part[] {
  if (isElement(each)) return [];
  if (each === "zone")
    return [
      part(
        "Where firewalld runs, it lets the pods' packets through.",
        ...when(FIREWALLD, [sh`firewall-cmd -q --zone=trusted --add-interface=${step.gatewayInterface}`]),
      ),
    ];
  const chain = chainOf(each, entryOf(step));
  const program = iptablesOf(chain.family);
  const isFirewall = `${program} -w -S FORWARD 2> /dev/null | grep -qv "^-P FORWARD ACCEPT"`;
  const isThere = `${program} -w -S ${quoted(chain.name)} > /dev/null 2>&1`;
  return [
    part(
      `Where a firewall of ${program} drops what is forwarded, the pods' packets pass it.`,
      ...when(
        `${isFirewall} &&\n    ! ${isThere}`,
        iptablesLines(`${program} -w`, forwardLines(chain, false)),
      ),
    ),
  ];
}

const FIREWALLD = "firewall-cmd -q --state 2> /dev/null";

function elementParts(elements: readonly Element[]): Part[] {
  if (elements.length === 0) return [];
  const { title } = INGRESS_LAYOUT.table;
  return [
    part(
      "The table goes when it has no elements.",
      ...withoutLines(INGRESS_LAYOUT, elements),
      `nft list table ${title} | grep -q elements || nft delete table ${title}`,
    ),
  ];
}

/** The way through a firewall goes. */
function wayGoes(each: IngressPart, step: IngressPolicyStep): Part[] {
  if (isElement(each)) return [];
  if (each === "zone")
    return [
      part(
        "firewalld forgets the interface.",
        ...when(FIREWALLD, [sh`firewall-cmd -q --zone=trusted --remove-interface=${step.gatewayInterface}`]),
      ),
    ];
  const chain = chainOf(each, entryOf(step));
  const program = iptablesOf(chain.family);
  const jumps = forwardLines(chain, false).filter((line) => line.startsWith("-I"));
  return [
    part(
      `The way through ${program} goes.`,
      ...when(`${program} -w -S ${quoted(chain.name)} > /dev/null 2>&1`, [
        ...iptablesLines(
          `${program} -w`,
          jumps.map((jump) => jump.replace("-I", "-D")),
        ),
        sh`${program} -w -F ${chain.name}`,
        sh`${program} -w -X ${chain.name}`,
      ]),
    ),
  ];
}
