// Taking one attachment away, for DEL and for each that GC finds stale.
import type { Attachment } from "../attachment/attachment.ts";
import { hostInterfaceName } from "../attachment/name.ts";
import type { AttachmentKey } from "../cni/attachment-key.ts";
import { CniError } from "../cni/error.ts";
import type { Result } from "../cni/result.ts";
import { attempt, collectErrors, joined, sentencesOf, throwJoined } from "../failure/failure.ts";
import { forgetChangedMac, removePodEnd } from "../host/kind/veth/pod-end.ts";
import type { Removal } from "../host/kind.ts";
import type { Node } from "../host/node.ts";
import type { Pod } from "../host/pod.ts";
import { afterLinks, removalsOf, removeLinks, removeRules, shutPorts } from "../host/removal.ts";
import { findUnrecordedMac, removalsOfUnrecorded, type Unrecorded } from "../host/stranger/unrecorded.ts";
import { passOn } from "../ipam/delegate.ts";
import { openExistingLeaseLock } from "../ipam/lease-lock.ts";
import { leasesOf } from "../ipam/ownership.ts";
import { release } from "../ipam/release.ts";
import { podMacOf } from "../plan/result.ts";
import type { StoppedAdd } from "../record/intent.ts";

/** What is known about an attachment that is to go. */
export interface Detachment {
  key: AttachmentKey;
  /** Its record; undefined when there is none that can be read. */
  attachment: Attachment | undefined;
  /** The bridge of the configuration. */
  bridge: string;
  /** `<dataDir>/<network>` of the configuration; the record's own is believed instead. */
  directory: string;
  pod?: Pod | undefined;
  /** What the runtime remembers of the attachment. */
  prevResult?: Result | undefined;
  /** Its ADD, which was told to stop. */
  running?: StoppedAdd | undefined;
  /** Has a foreign IPAM plugin give back its addresses. */
  releaseForeign: () => void;
}

/**
 * How long an ADD may take to end. It takes milliseconds; one that waits for its port ends when its veth
 * goes.
 */
export const ADD_ENDS_MS = 2_000;

/**
 * Takes an attachment away, part by part, whatever happens to the others: its port is shut, rules, links,
 * what pods share, addresses, record. An address is free only when nothing points at it: where rules stayed,
 * where the lock of the leases was not to be had, and where its ADD has not ended, addresses and record stay
 * too. Throws CniError when something could not go, the IPAM plugin's own or code 11 where that is all that
 * failed.
 */
export function detach(detachment: Detachment, node: Node): void {
  const { key, attachment, prevResult, pod, running } = detachment;
  const traces = tracesOf(detachment, node);
  const rules = new LockedRules(traces, node);
  let hasEnded = true;
  const isFree = (): boolean => rules.areGone && hasEnded;
  const errors = collectErrors([
    () => shutPorts(traces.removals, node),
    () => forgetChangedMac({ attachment, prevResult, pod }, node),
    () => rules.remove(),
    () => removeAllLinks(traces, detachment, node),
    () => {
      hasEnded = running?.endsWithin(ADD_ENDS_MS) !== false;
      if (!hasEnded) throw stillRunning(key);
    },
    () => rules.removeRestored(),
    ...afterLinks(traces.removals),
    () => {
      if (isFree()) release({ directory: detachment.directory, key, record: attachment });
    },
    () => {
      if (isFree()) detachment.releaseForeign();
    },
  ]);
  rules.throwIfBusy(errors);
  if (errors.length === 0) errors.push(...collectErrors([() => void node.records.removeRecord(key)]));
  if (errors.length > 0) throw incomplete(errors, key);
}

/** What is to go of an attachment, from its record or found without one. */
interface Traces {
  key: AttachmentKey;
  removals: readonly Removal[];
  /** The folder of its leases, whose lock is held while rules go. */
  leaseDirectory: string;
  /** True: a restore may have put its rules back. */
  isRestorable: boolean;
  /** The MAC of its end in the pod, where anything tells it. Throws CniError. */
  mac(): string | undefined;
}

function tracesOf(detachment: Detachment, node: Node): Traces {
  const { key, attachment, directory, pod, prevResult } = detachment;
  if (attachment === undefined) {
    const unrecorded = unrecordedOf(detachment);
    return {
      key,
      removals: removalsOfUnrecorded(unrecorded, node),
      leaseDirectory: directory,
      isRestorable: false,
      mac: () => podMacOf(prevResult, key.interfaceName) ?? findUnrecordedMac(unrecorded),
    };
  }
  const removals = removalsOf({ node, attachment, pod });
  return {
    key,
    removals,
    leaseDirectory: attachment.leaseDirectory ?? directory,
    isRestorable: removals.some(({ rules }) => rules !== undefined),
    mac: () => attachment.link.pod.mac,
  };
}

function incomplete(errors: CniError[], { containerId, interfaceName }: AttachmentKey): CniError {
  passOn(errors);
  const parts = errors.length === 1 ? "a part" : `${errors.length} parts`;
  return new CniError("cleanup", {
    about: `${parts} of container ${containerId}, interface ${interfaceName} could not be removed`,
    cause: sentencesOf(errors).join("; "),
    hint: "Repeat DEL when the cause is gone; it goes on where it stopped",
  });
}

/** The packet rules of an attachment, which are removed under the lock of its leases. */
class LockedRules {
  /** True when the last attempt took away all rules that there were. */
  areGone = false;
  private readonly traces: Traces;
  private readonly node: Node;
  private busy: CniError | undefined;
  private isComplete = true;

  constructor(traces: Traces, node: Node) {
    this.traces = traces;
    this.node = node;
  }

  /** Removes the rules. A lock that is not to be had is kept for {@link throwIfBusy}. Throws CniError. */
  remove(): void {
    const { leaseDirectory, removals } = this.traces;
    this.areGone = false;
    try {
      using _lock = attempt("leaseStore", leaseDirectory, () => openExistingLeaseLock(leaseDirectory));
      this.isComplete = removeRules(removals, this.node);
      this.areGone = true;
    } catch (error) {
      if (!(error instanceof CniError) || error.kind !== "tryAgainLater") throw error;
      this.busy = error;
    }
  }

  /**
   * Looks for the rules once more, where an ADD or "pontoon restore" may have put them back after they were
   * removed. Both look for the veth before they do so and after, and now the veth is gone. Throws CniError.
   */
  removeRestored(): void {
    if (this.areGone && (!this.isComplete || this.wereRestored())) this.remove();
  }

  /** Throws code 11 when a lock was not to be had, with what else failed in its cause. */
  throwIfBusy(errors: readonly CniError[]): void {
    if (this.busy !== undefined) throw joined(this.busy, errors);
  }

  private wereRestored(): boolean {
    return this.traces.isRestorable && this.node.records.hasRestoredMark(this.traces.key);
  }
}

/**
 * Says that the ADD has not ended. It takes back what it made when it comes to it, and does so by names that
 * the next ADD uses too: if DEL reported success now, the runtime would start that ADD.
 */
function stillRunning({ containerId, interfaceName }: AttachmentKey): CniError {
  return new CniError("tryAgainLater", {
    about: `an ADD of container ${containerId}, interface ${interfaceName} is still running`,
    cause: `it was told to stop and had not ended after ${(2 * ADD_ENDS_MS) / 1000} s`,
    hint: "Find out what it waits for (its IPAM plugin, a lock), then repeat DEL",
  });
}

/**
 * Removes the links, by the names that the key gives them. When the host's end is not there (a person renamed
 * it), the pod's interface goes that has the attachment's MAC; any other interface of the pod is left alone.
 * The links go also where the MAC cannot be found.
 */
function removeAllLinks({ removals, mac }: Traces, { key, pod }: Detachment, node: Node): void {
  // The MAC is asked for before the links go: without a record an address of the interface tells it.
  let ofPod: string | undefined;
  const find = (): void => {
    ofPod = mac();
  };
  const remove = (): void => {
    if (!removeLinks(removals, node, key)) removePodEnd(pod, key.interfaceName, ofPod);
  };
  throwJoined(collectErrors([find, () => attempt("cleanup", hostInterfaceName(key), remove)]));
}

function unrecordedOf({ key, bridge, pod, prevResult, directory }: Detachment): Unrecorded {
  const leases = () =>
    leasesOf(directory, key.containerId).map(({ address, owner: { interfaceName } }) => ({
      address,
      interfaceName,
    }));
  return { key, bridge, pod, prevResult, leases };
}
