// Putting back packet rules that somebody flushed, and limits of bandwidth that somebody took away, for all
// recorded attachments of this host that live.
import type { MasqueradeBackend } from "../cni/bridge-config.ts";
import type { CniError } from "../cni/error.ts";
import type { LostRules } from "../nft/answer.ts";
import type { MasqueradeStep } from "../plan/step.ts";
import type { AttachmentRecord } from "../record/attachment.ts";
import { attachmentDigest } from "../record/digest.ts";
import { openRecordStore } from "../record/store.ts";
import { asCniError } from "./failure.ts";
import { ingressPolicyOfRecord } from "./ingress-need.ts";
import type { Machine } from "./machine.ts";
import { hasLink } from "./namespace.ts";
import {
  hostPortsOfRecord,
  masqueradeOfRecord,
  recordedAttachments,
  spoofCheckOfRecord,
  underHeldNodeLock,
  underNodeLock,
} from "./node.ts";
import { undoBandwidth } from "./steps/bandwidth.ts";
import {
  bandwidthOfRecord,
  countLostLimits,
  putLimits,
  type RecordedBandwidth,
} from "./steps/bandwidth-restore.ts";
import { countLostHostPorts, putHostPorts, undoHostPorts } from "./steps/host-port.ts";
import { countLostPolicies, putIngressPolicy, undoIngressPolicy } from "./steps/ingress-policy.ts";
import * as inIptables from "./steps/iptables-masquerade.ts";
import * as inNftables from "./steps/masquerade.ts";
import { countLostChecks, putSpoofCheck, undoSpoofCheck } from "./steps/spoof-check.ts";

/** What was put back. */
export interface Restoration {
  /** Rules that all networks share. */
  shared: number;
  /** By name. */
  networks: Map<string, RestoredNetwork>;
  /** One for each attachment or kind of rules that could not be put back. */
  errors: CniError[];
}

export interface RestoredNetwork {
  /** Those that live. */
  attachments: number;
  rules: number;
  /** The digests of those that did not get back all of their rules. */
  failed: Set<string>;
}

/** A kind of packet rules that an attachment may have. */
interface RuleKind<OneStep extends { owner: string }> {
  /** Undefined when it has none of these. */
  stepOf(record: AttachmentRecord): OneStep | undefined;
  countLost(steps: readonly OneStep[], machine: Machine): LostRules;
  put(step: OneStep, machine: Machine, nodeLock: (action: () => void) => void): void;
  undo(step: OneStep, machine: Machine, nodeLock: (action: () => void) => void): void;
}

/**
 * Under the node's lock from beginning to end. One thing that fails does not stop the others. Throws CniError
 * when nothing can be looked at.
 */
export function restoreRules(machine: Machine): Restoration {
  const restoration: Restoration = { shared: 0, networks: new Map(), errors: [] };
  underNodeLock(() => {
    const living = recordedAttachments(machine).filter((record) => hasLink(record, machine));
    for (const record of living) networkOf(record, restoration).attachments++;
    restoreKind(masqueradingBy("nftables", inNftables), living, restoration, machine);
    restoreKind(masqueradingBy("iptables", inIptables), living, restoration, machine);
    restoreKind<RecordedBandwidth>(
      { stepOf: bandwidthOfRecord, countLost: countLostLimits, put: putLimits, undo: undoBandwidth },
      living,
      restoration,
      machine,
    );
    restoreKind(
      { stepOf: spoofCheckOfRecord, countLost: countLostChecks, put: putSpoofCheck, undo: undoSpoofCheck },
      living,
      restoration,
      machine,
    );
    restoreKind(
      {
        stepOf: ingressPolicyOfRecord,
        countLost: countLostPolicies,
        put: putIngressPolicy,
        undo: undoIngressPolicy,
      },
      living,
      restoration,
      machine,
    );
    restoreKind(
      { stepOf: hostPortsOfRecord, countLost: countLostHostPorts, put: putHostPorts, undo: undoHostPorts },
      living,
      restoration,
      machine,
    );
  });
  return restoration;
}

function masqueradingBy(
  backend: MasqueradeBackend,
  { countLostMasquerade, putMasquerade, undoMasquerade }: typeof inNftables | typeof inIptables,
): RuleKind<MasqueradeStep> {
  return {
    stepOf: (record) => {
      const step = masqueradeOfRecord(record);
      return step?.backend === backend ? step : undefined;
    },
    countLost: countLostMasquerade,
    put: putMasquerade,
    undo: undoMasquerade,
  };
}

function restoreKind<OneStep extends { owner: string }>(
  kind: RuleKind<OneStep>,
  living: AttachmentRecord[],
  restoration: Restoration,
  machine: Machine,
): void {
  const wanted = living.flatMap((record) => {
    const step = kind.stepOf(record);
    return step === undefined ? [] : [{ record, step }];
  });
  const all = wanted.map(({ record }) => record);
  trying(restoration, all, () => {
    const lost = kind.countLost(
      wanted.map(({ step }) => step),
      machine,
    );
    let sharedIsBack = lost.shared === 0;
    for (const { record, step } of wanted) {
      const count = lost.byOwner.get(attachmentDigest(record.key)) ?? 0;
      if (count === 0 && sharedIsBack) continue;
      trying(restoration, [record], () => {
        putBack(kind, record, step, machine);
        // The first one brings the table back, with the elements of all.
        if (!sharedIsBack) restoration.shared += lost.shared;
        sharedIsBack = true;
        networkOf(record, restoration).rules += count;
      });
    }
  });
}

/**
 * A DEL that runs at this moment may have taken the rules out already, and its veth not yet. It finds the
 * mark when its veth is gone, and looks again; or it has looked for the mark already, and then we find no
 * veth. The mark stays for as long as there is a record: an earlier restore may rely on it for rules of
 * another kind.
 */
function putBack<OneStep extends { owner: string }>(
  kind: RuleKind<OneStep>,
  record: AttachmentRecord,
  step: OneStep,
  machine: Machine,
): void {
  const records = openRecordStore();
  records.markRestored(record.key);
  try {
    kind.put(step, machine, underHeldNodeLock);
    if (!hasLink(record, machine)) kind.undo(step, machine, underHeldNodeLock);
  } finally {
    records.removeMarkOfNobody(record.key);
  }
}

function networkOf({ key: { network } }: AttachmentRecord, { networks }: Restoration): RestoredNetwork {
  const known = networks.get(network) ?? { attachments: 0, rules: 0, failed: new Set() };
  networks.set(network, known);
  return known;
}

/** Does something for these attachments. */
function trying(restoration: Restoration, records: AttachmentRecord[], action: () => void): void {
  try {
    action();
  } catch (error) {
    restoration.errors.push(asCniError(error));
    for (const record of records) networkOf(record, restoration).failed.add(attachmentDigest(record.key));
  }
}
