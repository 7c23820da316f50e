// The ingress policy of a network (ingressPolicy): the pods that reach its pods, and the way for their
// packets through firewalls of the node.
import { isHostInterface, networkGroup } from "../../../attachment/name.ts";
import { INGRESS_POLICIES } from "../../../cni/bridge-config.ts";
import { attempt } from "../../../failure/failure.ts";
import { ifThereIsNftables, isAnyLost, type LostRules } from "../../../nft/answer.ts";
import { isIngressTableWhole, listIngressEntries } from "../../../nft/ingress.ts";
import { type Entry, INGRESS_LAYOUT } from "../../../nft/ingress-layout.ts";
import { isTableAsMade } from "../../../nft/read-back.ts";
import { isTableWhole, ruleCountOf, type TableTest } from "../../../nft/table-layout.ts";
import type { IngressPolicyStep } from "../../../plan/step.ts";
import { type IngressPart, isElement, partsOf } from "../../../ruleset/ingress.ts";
import type { SystemError } from "../../../sys/errno.ts";
import { type Difference, restorable } from "../../difference.ts";
import { droppingHooks } from "../../forward/drop.ts";
import type { Place, Removal, Removing, StepKind } from "../../kind.ts";
import type { Node } from "../../node.ts";
import { modulesHint } from "../../rules-hint.ts";
import {
  countLostShared,
  ensureShared,
  isAlone,
  type Leaving,
  removeUnneeded,
  type SharedKind,
  type SharedThing,
  unneeded,
} from "../../shared.ts";
import { forgetZoned, noteZoned, putIntoZone, readZones, takeOutOfZone, type Zones } from "./firewalld.ts";
import { listPassable } from "./forward-chain.ts";
import {
  interfaceOf,
  makeParts,
  missingParts,
  missingText,
  partsToRemove,
  removeParts,
  sizeOf,
} from "./part.ts";

export const ingressPolicy: StepKind<IngressPolicyStep> = {
  apply: (step, { node }) => putPolicy(step, node),
  remove: removePolicy,
  verify: verifyPolicy,
  restoration: {
    countLost: countLostPolicies,
    isSharedLost: (step, node) => isAnyLost(countLostPolicies([step], node)),
    putBack: putPolicy,
    putBackTogether: putZonesBack,
  },
};

/** A part of the policy of one entry. */
interface EntryPart extends SharedThing {
  part: IngressPart;
  entry: Entry;
  network: string;
}

/** The parts as things that pods share. */
const POLICY_PARTS: SharedKind<"ingressPolicy", EntryPart> = {
  name: "ingressPolicy",
  thingsOf(step) {
    const { group, gatewayInterface, key } = step;
    return partsOf(step).map((part): EntryPart => {
      if (group === undefined) return partOf(part, gatewayInterface, key.network);
      // The group is of this network alone, and the interface of this pod.
      return part === "zone"
        ? { ...partOf(part, gatewayInterface, key.network), reach: "attachment" }
        : partOf(part, group, key.network);
    });
  },
  missing: (things, node) => missingOf(things, isTableWhole, node),
  make(things, node) {
    const zoned = things.filter(isAlone).map(zonedOf);
    if (zoned.length > 0) noteZoned(zoned, node);
    for (const { entry, network, of } of byEntry(things.filter((thing) => !isAlone(thing))))
      makeParts(
        of.map(({ part }) => part),
        { entry, network },
        node,
      );
  },
  remove(things, node) {
    for (const { entry } of things.filter(isAlone)) forgetZoned(interfaceOf(entry), node);
    for (const { entry, of } of byEntry(things.filter((thing) => !isAlone(thing))))
      removeParts(
        of.map(({ part }) => part),
        entry,
        node,
      );
  },
  // The program of firewalld takes a third of a second.
  alone: {
    make: (things) => putIntoZone(things.map(({ entry }) => interfaceOf(entry))),
    remove(things, node) {
      for (const { entry } of things) takeOutOfZone(interfaceOf(entry), node);
    },
  },
  sizeOf: ({ part }) => sizeOf(part),
};

/** The interface of a place in a zone. */
function zonedOf({ entry, network }: EntryPart): { name: string; network: string } {
  return { name: interfaceOf(entry), network };
}

/** The parts that are missing, or not whole as `isWhole` says. */
function missingOf(things: readonly EntryPart[], isWhole: TableTest, node: Node): EntryPart[] {
  let read: Zones | undefined;
  const zones = (): Zones => (read ??= readZones(node));
  return byEntry(things).flatMap(({ entry, of }) => {
    const parts = of.map(({ part }) => part);
    const missing = new Set(missingParts(parts, { entry, isWhole, zones }, node));
    return of.filter(({ part }) => missing.has(part));
  });
}

/** A part of an entry. An interface may be that of several networks, a group is of one. */
function partOf(part: IngressPart, entry: Entry, network: string): EntryPart {
  const id = `${part} ${entry}`;
  return typeof entry === "number"
    ? { id, part, entry, network, reach: "network" }
    : { id, part, entry, network, reach: "node" };
}

function byEntry(things: readonly EntryPart[]) {
  const entries = new Map<Entry, { entry: Entry; network: string; of: EntryPart[] }>();
  for (const thing of things) {
    const { entry, network } = thing;
    const found = entries.get(entry) ?? { entry, network, of: [] };
    found.of.push(thing);
    entries.set(entry, found);
  }
  return [...entries.values()];
}

function putPolicy(step: IngressPolicyStep, node: Node): void {
  const about = `ingress policy of network ${step.key.network}`;
  attempt("rules", about, () => ensureShared(POLICY_PARTS, step, node), hintOf(step));
}

/** Puts back what firewalld has forgotten of pods without a bridge, by one call of its program. */
function putZonesBack(steps: readonly IngressPolicyStep[], node: Node): void {
  const things = steps.flatMap((step) => POLICY_PARTS.thingsOf(step)).filter(isAlone);
  const missing = POLICY_PARTS.missing(things, node);
  if (missing.length === 0) return;
  node.underLock(() => noteZoned(missing.map(zonedOf), node));
  POLICY_PARTS.alone?.make(missing, node);
}

/**
 * The removal of the parts: they go when the veth has gone, unless another attachment needs them. A host's
 * end that is known by its group is shut before: a pod with an ifb has another group for a moment, by which
 * both are deleted.
 */
function removePolicy(step: IngressPolicyStep, { node }: Removing): Removal {
  const about = `ingress policy of network ${step.key.network}`;
  const isShut = step.group !== undefined && step.policy !== "open";
  return {
    ...(isShut ? { shut: step.gatewayInterface } : {}),
    afterLinks: () => attempt("cleanup", about, () => removeUnneeded(POLICY_PARTS, step, node)),
  };
}

/** The problem with the policy as a sentence; undefined when there is none. */
function verifyPolicy(step: IngressPolicyStep, { node }: Place): Difference | undefined {
  const { network } = step.key;
  const all = attempt("rules", `ingress policy of network ${network}`, () =>
    missingOf(POLICY_PARTS.thingsOf(step), isTableAsMade, node),
  );
  const [first] = all;
  if (first === undefined) return undefined;
  const needed = all.find((each) => !isNeedless(each, step, node));
  const { part, entry } = needed ?? first;
  return { ...restorable(missingText(part, entry, network)), isHarmless: needed === undefined };
}

/**
 * True for a chain of iptables that lets packets through where no chain drops any: programs that come later
 * than the pods, such as kube-proxy, make the table filter.
 */
function isNeedless(
  { part }: EntryPart,
  { gatewayInterface: entry }: IngressPolicyStep,
  node: Node,
): boolean {
  if (part !== "accept4" && part !== "accept6") return false;
  const family = part === "accept4" ? 4 : 6;
  return droppingHooks({ family, entry, pod: undefined, hasHostPorts: true }, node).length === 0;
}

/** The number of missing rules and elements of these attachments' policies. */
function countLostPolicies(steps: readonly IngressPolicyStep[], node: Node): LostRules {
  const isOurs = steps.some((step) => partsOf(step).some(isElement));
  const { byOwner } = countLostShared(POLICY_PARTS, steps, node);
  return { shared: isOurs && !isIngressTableWhole(node.rules) ? ruleCountOf(INGRESS_LAYOUT) : 0, byOwner };
}

/**
 * Removes the parts that no attachment needs, found without any record: of a network's bridge and its
 * interfaces in VLANs, of its link groups, and of host ends that are gone. Takes the node's lock where there
 * is a part. Throws CniError.
 */
export function removeStrayPolicies(leaving: Leaving, node: Node): void {
  const { network, bridge } = leaving;
  const groups = INGRESS_POLICIES.map((policy) => networkGroup(network, policy));
  const isOurs = (entry: Entry): boolean => {
    if (typeof entry === "number") return groups.includes(entry);
    if (bridge !== undefined && (entry === bridge || entry.startsWith(`${bridge}.`))) return true;
    // Of a host's end only the name can tell, and that it is gone.
    return isHostInterface(entry) && !node.hasInterface(entry);
  };
  attempt("cleanup", `ingress policy of network ${network}`, () => {
    const inSets = ifThereIsNftables(() => node.rules, listIngressEntries) ?? [];
    const entries = [...new Set([...inSets, ...listPassable(node)])].filter(isOurs);
    if (entries.length === 0) return;
    node.underLock(() => {
      const found = entries.flatMap((entry) =>
        partsToRemove(entry, node).map((part) => partOf(part, entry, network)),
      );
      POLICY_PARTS.remove(unneeded(POLICY_PARTS, found, { leaving, node }), node);
    });
  });
}

function hintOf({ group }: IngressPolicyStep): (error: SystemError) => string | undefined {
  const matches = group === undefined ? "xt_conntrack" : "xt_conntrack, xt_devgroup";
  return (error) => modulesHint(error, `nfnetlink, nf_tables, nft_compat, ${matches}`);
}
