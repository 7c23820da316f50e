// The removal of one attachment, for DEL and for each attachment that GC finds stale.
import type { Attachment } from "../attachment/attachment.ts";
import { hostEndOf } from "../attachment/link.ts";
import { attachmentTitle, hostInterfaceName } from "../attachment/name.ts";
import type { AttachmentKey } from "../cni/attachment-key.ts";
import { CniError } from "../cni/error.ts";
import type { Result } from "../cni/result.ts";
import { attempt, collectErrors, joined, sentencesOf, throwJoined } from "../failure/failure.ts";
import { forgetChangedMac, removePodEnd } from "../host/kind/veth/pod-end.ts";
import type { Removal } from "../host/kind.ts";
import type { Node } from "../host/node.ts";
import type { Pod } from "../host/pod.ts";
import {
  afterLinks,
  giveLinksBack,
  releases,
  removalsOf,
  removeLinks,
  removeRules,
  shutPorts,
} from "../host/removal.ts";
import { findUnrecordedMac, removalsOfUnrecorded, type Unrecorded } from "../host/stranger/unrecorded.ts";
import { passOn } from "../ipam/delegate.ts";
import { openExistingLeaseLock } from "../ipam/lease-lock.ts";
import { leasesOf } from "../ipam/ownership.ts";
import { release } from "../ipam/release.ts";
import type { StoppedAdd } from "../record/intent.ts";
import { waitedText } from "../sys/flock.ts";
import { phase } from "../sys/phase.ts";

/** The known facts about an attachment that is to go. */
export interface Detachment {
  key: AttachmentKey;
  /** Its record; undefined when there is none that can be read. */
  attachment: Attachment | undefined;
  /** The bridge of the configuration; undefined: the pods of the network are on none. */
  bridge: string | undefined;
  /** `<dataDir>/<network>` of the configuration; a directory that the record names counts instead. */
  directory: string;
  /** The network's pods get devices of the node, by the configuration. */
  hasDevices: boolean;
  pod?: Pod | undefined;
  /** The result that the runtime remembers. */
  prevResult?: Result | undefined;
  /** The attachment's ADD, if it was told to stop. */
  running?: StoppedAdd | undefined;
  /** Makes a foreign IPAM plugin give back its addresses. */
  releaseForeign: () => void;
}

/**
 * The longest wait for the end of an ADD, in milliseconds. It takes milliseconds; an ADD that waits for its
 * port ends when its veth goes.
 */
export const ADD_ENDS_MS = 2_000;

/**
 * The longest wait for a device that the kernel brings back from a dead namespace, in milliseconds. It takes
 * some 100.
 */
const RETURN_MS = 2_000;

/**
 * Removes an attachment, part by part, and goes on when a part fails: its port is taken down; then go rules,
 * links, things that pods share, addresses, record. An address is free only when nothing points at it: it
 * stays, and the record too, while a rule or a link stayed, the lock of the leases was not free, or the ADD
 * of the attachment has not ended. Throws CniError when a part stayed: the IPAM plugin's own or code 11 where
 * that is the only failure.
 */
export function detach(call: Detachment, node: Node): void {
  const detachment = { ...call, pod: podOf(call) };
  const { key, attachment, prevResult, pod, running } = detachment;
  const traces = tracesOf(detachment, node);
  const rules = new LockedRules(traces, node);
  let hasEnded = true;
  let areLinksGone = false;
  let isGivenBack = false;
  const isFree = (): boolean => rules.areGone && hasEnded && areLinksGone && isGivenBack;
  const errors = collectErrors([
    () => markShut(detachment, traces, node),
    () => shutPorts(traces.removals, node),
    () => forgetChangedMac({ attachment, prevResult, pod }, node),
    () => {
      phase("rules");
      rules.remove();
    },
    () => {
      phase("links");
      removeAllLinks(traces, detachment, node);
      areLinksGone = true;
    },
    () => {
      giveLinksBack(traces.removals, RETURN_MS);
      isGivenBack = true;
    },
    () => {
      phase("addresses");
      hasEnded = running?.endsWithin(ADD_ENDS_MS) !== false;
      if (!hasEnded) throw stillRunning(titleOf(detachment));
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
  if (errors.length > 0) throw incomplete(errors, titleOf(detachment));
}

/**
 * The pod that the runtime names; undefined when the record tells that this is not the attachment's pod: the
 * path of a namespace (`/run/netns/NAME`, `/proc/PID/ns/net`) may lead to another pod by now.
 */
function podOf({ attachment, pod }: Detachment): Pod | undefined {
  const isAnother = attachment !== undefined && attachment.namespace.cookie !== pod?.links.namespaceCookie;
  return isAnother ? undefined : pod;
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
  const { key, attachment, directory, pod } = detachment;
  if (attachment === undefined) {
    const unrecorded = unrecordedOf(detachment);
    return {
      key,
      removals: removalsOfUnrecorded(unrecorded, node),
      leaseDirectory: directory,
      isRestorable: false,
      mac: () => findUnrecordedMac(unrecorded, node),
    };
  }
  const removals = removalsOf({ node, attachment, pod });
  return {
    key,
    removals,
    leaseDirectory: attachment.leaseDirectory ?? directory,
    isRestorable: removals.some(({ rules }) => rules !== undefined),
    // A link without an end on the node is given back or handed on, and may be another attachment's by now.
    mac: () => (hostEndOf(attachment.link) === undefined ? undefined : attachment.link.pod.mac),
  };
}

/**
 * Leaves a mark that a host's end is to be shut, before it is: a restore raises each that is down, unless it
 * finds the mark. Throws CniError.
 */
function markShut({ key, attachment }: Detachment, { removals }: Traces, { records }: Node): void {
  if (attachment === undefined || removals.every(({ shut }) => shut === undefined)) return;
  attempt("recordStore", hostInterfaceName(key), () => records.markLeaving(key));
}

function titleOf({ key, attachment }: Detachment): string {
  return attachmentTitle({ key, pod: attachment?.pod });
}

function incomplete(errors: CniError[], title: string): CniError {
  passOn(errors);
  const parts = errors.length === 1 ? "a part" : `${errors.length} parts`;
  return new CniError("cleanup", {
    about: `${parts} of ${title} could not be removed`,
    cause: sentencesOf(errors).join("; "),
    hint: "Repeat DEL when the cause is gone; it goes on where it stopped",
  });
}

/** The packet rules of an attachment, which are removed under the lock of its leases. */
class LockedRules {
  /** True when the last attempt removed all rules that there were. */
  areGone = false;
  private readonly traces: Traces;
  private readonly node: Node;
  private busy: CniError | undefined;
  private isComplete = true;

  constructor(traces: Traces, node: Node) {
    this.traces = traces;
    this.node = node;
  }

  /** Removes the rules. A missed lock is kept for {@link throwIfBusy}. Throws CniError. */
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
   * Removes rules once more that an ADD or "pontoon restore" may have put back after {@link remove}. Each of
   * them looks for the link before and after it does so, and now the link is gone. Throws CniError.
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
 * The error for an ADD that did not stop in time. That ADD will still roll back, and the names that it
 * deletes are those of the next ADD. If DEL reported success now, the runtime would start the next ADD.
 */
function stillRunning(title: string): CniError {
  return new CniError("tryAgainLater", {
    about: `an ADD of ${title} is still running`,
    cause: `it was told to stop and has not ended; this call has waited ${waitedText()} for locks and other calls`,
    hint: "Find out what it waits for (its IPAM plugin, a lock), then repeat DEL",
  });
}

/**
 * Hands on or removes the links, by the names that the key gives them. When the host's end is missing (a
 * person renamed it), the pod's interface with the attachment's MAC goes; any other interface of the pod is
 * left alone. The links go also where the MAC cannot be found.
 */
function removeAllLinks({ removals, mac }: Traces, { key, pod }: Detachment, node: Node): void {
  // The MAC is read before the links go: without a record an address of the interface tells it.
  let ofPod: string | undefined;
  const find = (): void => {
    ofPod = mac();
  };
  const remove = (): void => {
    if (!removeLinks(removals, node, key)) removePodEnd(pod, key.interfaceName, ofPod);
  };
  const parts = [find, ...releases(removals), () => attempt("cleanup", hostInterfaceName(key), remove)];
  throwJoined(collectErrors(parts));
}

function unrecordedOf({ key, bridge, pod, prevResult, directory, hasDevices }: Detachment): Unrecorded {
  const leases = () =>
    leasesOf(directory, key.containerId).map(({ address, owner: { interfaceName } }) => ({
      address,
      interfaceName,
    }));
  return { key, bridge, pod, prevResult, leases, hasDevices };
}
