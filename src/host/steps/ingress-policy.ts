// Who reaches the pods of a network, and the way for their packets through firewalls of the node
// (ingressPolicy).
import type { LostRules } from "../../nft/answer.ts";
import { isIngressTableWhole } from "../../nft/ingress.ts";
import { FORWARD_RULES } from "../../nft/ingress-layout.ts";
import type { IngressPolicyStep } from "../../plan/step.ts";
import type { SystemError } from "../../sys/errno.ts";
import { attempt } from "../failure.ts";
import { ingressPolicyOfRecord, removeUnneededParts } from "../ingress-need.ts";
import {
  type IngressPart,
  isElement,
  makeParts,
  missingParts,
  missingText,
  partsOf,
  sizeOf,
} from "../ingress-part.ts";
import type { Machine } from "../machine.ts";
import { hasLink } from "../namespace.ts";
import { recordedAttachments, underNodeLock } from "../node.ts";
import { modulesHint } from "../rules-hint.ts";

/**
 * Makes sure of the policy. When its rules were lost, those of all networks with living attachments come
 * back. All of it under the node's lock: a DEL that takes them away looks there who needs them.
 */
export function putIngressPolicy(step: IngressPolicyStep, machine: Machine, nodeLock = underNodeLock): void {
  nodeLock(() =>
    attempt(
      "rules",
      `ingress policy of network ${step.network}`,
      () => {
        if (missingOf(step, machine).length === 0) return;
        const others = wereLost(step, machine)
          ? livingWithPolicy(machine).filter(({ owner }) => owner !== step.owner)
          : [];
        for (const each of [step, ...others])
          makeParts(missingOf(each, machine), each.interfaceName, each.network, machine);
      },
      rulesHint,
    ),
  );
}

/** Undo: what nobody else needs goes. */
export function undoIngressPolicy(step: IngressPolicyStep, machine: Machine, nodeLock = underNodeLock): void {
  nodeLock(() => removeUnneededParts(partsOf(step.policy, step.families), step, machine));
}

/** What is wrong with the policy, or undefined. */
export function verifyIngressPolicy(step: IngressPolicyStep, machine: Machine): string | undefined {
  const [missing] = attempt("rules", `ingress policy of network ${step.network}`, () =>
    missingOf(step, machine),
  );
  return missing && missingText(missing, step.interfaceName, step.network);
}

/** How much of the policies of these attachments is not there. */
export function countLostPolicies(steps: readonly IngressPolicyStep[], machine: Machine): LostRules {
  const seen = new Set<string>();
  const isOurs = steps.some(({ policy, families }) => partsOf(policy, families).some(isElement));
  const byOwner = new Map(
    steps.map((step) => {
      const asked = [step.interfaceName, step.policy, ...step.families].join(" ");
      if (seen.has(asked)) return [step.owner, 0];
      seen.add(asked);
      const lost = missingOf(step, machine).filter(
        (part) => !seen.has(`${part} ${step.interfaceName}`) && seen.add(`${part} ${step.interfaceName}`),
      );
      return [step.owner, lost.reduce((sum, part) => sum + sizeOf(part), 0)];
    }),
  );
  return { shared: isOurs && !isIngressTableWhole(machine.rules) ? FORWARD_RULES : 0, byOwner };
}

function missingOf({ policy, families, interfaceName }: IngressPolicyStep, machine: Machine): IngressPart[] {
  return missingParts(partsOf(policy, families), interfaceName, machine);
}

/** Another pod of the network lives, so the rules were there. */
function wereLost({ network, owner }: IngressPolicyStep, machine: Machine): boolean {
  return livingWithPolicy(machine, [network]).some((other) => other.owner !== owner);
}

function livingWithPolicy(machine: Machine, networks?: string[]): IngressPolicyStep[] {
  return recordedAttachments(machine, networks).flatMap((record) =>
    record.ingressPolicy !== undefined && hasLink(record, machine)
      ? (ingressPolicyOfRecord(record) ?? [])
      : [],
  );
}

function rulesHint(error: SystemError): string | undefined {
  return modulesHint(error, "nfnetlink, nf_tables, nft_compat and xt_conntrack");
}
