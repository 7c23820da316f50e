// The ingress policy of a network (ingressPolicy): the pods that reach its pods, and the way for their
// packets through firewalls of the node.
import { isHostInterface } from "../../../attachment/name.ts";
import { attempt } from "../../../failure/failure.ts";
import { ifThereIsNftables, type LostRules } from "../../../nft/answer.ts";
import { isIngressTableWhole, listIngressInterfaces } from "../../../nft/ingress.ts";
import { FORWARD_RULES } from "../../../nft/ingress-layout.ts";
import { isTableAsMade } from "../../../nft/read-back.ts";
import { isTableWhole, type TableTest } from "../../../nft/table-layout.ts";
import type { IngressPolicyStep } from "../../../plan/step.ts";
import type { SystemError } from "../../../sys/errno.ts";
import type { Place, Removal, Removing, StepKind } from "../../kind.ts";
import type { Node } from "../../node.ts";
import { modulesHint } from "../../rules-hint.ts";
import {
  countLostShared,
  ensureShared,
  type Leaving,
  removeUnneeded,
  type SharedKind,
  type SharedThing,
  unneeded,
} from "../../shared.ts";
import { listPassable } from "./forward-chain.ts";
import {
  type IngressPart,
  isElement,
  makeParts,
  missingParts,
  missingText,
  partsOf,
  partsToRemove,
  removeParts,
  sizeOf,
} from "./part.ts";

export const ingressPolicy: StepKind<IngressPolicyStep> = {
  apply: (step, { node }) => putPolicy(step, node),
  remove: removePolicy,
  verify: verifyPolicy,
  restoration: { countLost: countLostPolicies, putBack: putPolicy },
};

/** A part of the policy of one interface. */
interface InterfacePart extends SharedThing {
  part: IngressPart;
  interfaceName: string;
  network: string;
}

/** The parts as things that the pods behind an interface share, whatever their network. */
const POLICY_PARTS: SharedKind<"ingressPolicy", InterfacePart> = {
  name: "ingressPolicy",
  reach: "node",
  thingsOf({ policy, families, gatewayInterface, key: { network } }) {
    return partsOf(policy, families).map((part) => partOf(part, gatewayInterface, network));
  },
  missing: (things, node) => missingOf(things, isTableWhole, node),
  make(things, node) {
    for (const { interfaceName, network, of } of byInterface(things))
      makeParts(
        of.map(({ part }) => part),
        { interfaceName, network },
        node,
      );
  },
  remove(things, node) {
    for (const { interfaceName, of } of byInterface(things))
      removeParts(
        of.map(({ part }) => part),
        interfaceName,
        node,
      );
  },
  sizeOf: ({ part }) => sizeOf(part),
};

/** The parts that are missing, or not whole as `isWhole` says. */
function missingOf(things: readonly InterfacePart[], isWhole: TableTest, node: Node): InterfacePart[] {
  return byInterface(things).flatMap(({ interfaceName, of }) => {
    const parts = of.map(({ part }) => part);
    const missing = new Set(missingParts(parts, { interfaceName, isWhole }, node));
    return of.filter(({ part }) => missing.has(part));
  });
}

function partOf(part: IngressPart, interfaceName: string, network: string): InterfacePart {
  return { id: `${part} ${interfaceName}`, part, interfaceName, network };
}

function byInterface(things: readonly InterfacePart[]) {
  const groups = new Map<string, { interfaceName: string; network: string; of: InterfacePart[] }>();
  for (const thing of things) {
    const { interfaceName, network } = thing;
    const group = groups.get(interfaceName) ?? { interfaceName, network, of: [] };
    group.of.push(thing);
    groups.set(interfaceName, group);
  }
  return [...groups.values()];
}

function putPolicy(step: IngressPolicyStep, node: Node): void {
  const about = `ingress policy of network ${step.key.network}`;
  attempt("rules", about, () => ensureShared(POLICY_PARTS, step, node), rulesHint);
}

/** The removal of the parts: they go when the veth has gone, unless another attachment needs them. */
function removePolicy(step: IngressPolicyStep, { node }: Removing): Removal {
  const about = `ingress policy of network ${step.key.network}`;
  return { afterLinks: () => attempt("cleanup", about, () => removeUnneeded(POLICY_PARTS, step, node)) };
}

/** The problem with the policy as a sentence; undefined when there is none. */
function verifyPolicy(step: IngressPolicyStep, { node }: Place): string | undefined {
  const { network } = step.key;
  const [missing] = attempt("rules", `ingress policy of network ${network}`, () =>
    missingOf(POLICY_PARTS.thingsOf(step), isTableAsMade, node),
  );
  return missing && missingText(missing.part, missing.interfaceName, network);
}

/** The number of missing rules and elements of these attachments' policies. */
function countLostPolicies(steps: readonly IngressPolicyStep[], node: Node): LostRules {
  const isOurs = steps.some(({ policy, families }) => partsOf(policy, families).some(isElement));
  const { byOwner } = countLostShared(POLICY_PARTS, steps, node);
  return { shared: isOurs && !isIngressTableWhole(node.rules) ? FORWARD_RULES : 0, byOwner };
}

/**
 * Removes the parts that no attachment needs, found without any record: on a network's bridge, on its
 * interfaces in VLANs, and on host ends that are gone. Takes the node's lock where there is a part. Throws
 * CniError.
 */
export function removeStrayPolicies(leaving: Leaving, node: Node): void {
  const { network, bridge } = leaving;
  // Of a link without a bridge only the name can tell, and that it is gone.
  const isOurs = (name: string): boolean =>
    name === bridge || name.startsWith(`${bridge}.`) || (isHostInterface(name) && !node.hasInterface(name));
  attempt("cleanup", `ingress policy of network ${network}`, () => {
    const inSets = ifThereIsNftables(() => node.rules, listIngressInterfaces) ?? [];
    const interfaces = [...new Set([...inSets, ...listPassable(node)])].filter(isOurs);
    if (interfaces.length === 0) return;
    node.underLock(() => {
      for (const name of interfaces) {
        const found = partsToRemove(name, node).map((part) => partOf(part, name, network));
        POLICY_PARTS.remove(unneeded(POLICY_PARTS, found, { leaving, node }), node);
      }
    });
  });
}

function rulesHint(error: SystemError): string | undefined {
  return modulesHint(error, "nfnetlink, nf_tables, nft_compat and xt_conntrack");
}
