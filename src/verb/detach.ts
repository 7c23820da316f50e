// Taking one attachment away, for DEL and for each that GC finds stale.
import type { Attachment } from "../attachment/attachment.ts";
import { hostInterfaceName } from "../attachment/name.ts";
import type { AttachmentKey } from "../cni/attachment-key.ts";
import { CniError } from "../cni/error.ts";
import type { Result } from "../cni/result.ts";
import { attempt, collectErrors, sentencesOf } from "../failure/failure.ts";
import { afterLinks, removalsOf, removeLinks, removeRules, shutPorts } from "../host/engine.ts";
import { forgetChangedMac, removePodEnd } from "../host/kind/veth/pod-end.ts";
import type { Removal } from "../host/kind.ts";
import type { Node } from "../host/node.ts";
import type { Pod } from "../host/pod.ts";
import { findUnrecordedMac, removalsOfUnrecorded, type Unrecorded } from "../host/stranger/unrecorded.ts";
import { passOn } from "../ipam/delegate.ts";
import { openExistingLeaseLock } from "../ipam/lease-lock.ts";
import { leasesOf } from "../ipam/ownership.ts";
import { release } from "../ipam/release.ts";
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
 * Takes an attachment away, part by part, whatever happens to the others: its port, its rules, its links,
 * what pods share, its addresses, its record. An address is free only when nothing points at it. When the
 * lock of the leases is not to be had, only the links go, which need none. Throws CniError when something
 * could not go, the IPAM plugin's own or code 11 where that is all that failed; the record then stays.
 */
export function detach(detachment: Detachment, node: Node): void {
  const { key, attachment, pod, prevResult, running } = detachment;
  const removals =
    attachment === undefined
      ? removalsOfUnrecorded(unrecordedOf(detachment), node)
      : removalsOf({ node, attachment, pod });
  const rules = new LockedRules(removals, detachment, node);
  const errors = collectErrors([
    () => shutPorts(removals, node),
    () => forgetChangedMac({ attachment, prevResult, pod }, node),
    () => rules.remove(),
    () => removeAllLinks(removals, detachment, node),
    () => {
      if (running?.endsWithin(ADD_ENDS_MS) === false) throw stillRunning(key);
    },
    () => rules.removeRestored(),
    ...afterLinks(removals),
    () => {
      if (!rules.isBusy) release({ directory: detachment.directory, key, record: attachment });
    },
    () => {
      if (!rules.isBusy) detachment.releaseForeign();
    },
  ]);
  rules.throwIfBusy();
  if (errors.length === 0) errors.push(...collectErrors([() => void node.records.removeRecord(key)]));
  if (errors.length > 0) throw incomplete(errors, key);
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
  private readonly removals: readonly Removal[];
  private readonly detachment: Detachment;
  private readonly node: Node;
  private busy: CniError | undefined;
  private isComplete = true;

  constructor(removals: readonly Removal[], detachment: Detachment, node: Node) {
    this.removals = removals;
    this.detachment = detachment;
    this.node = node;
  }

  /** True when the lock was not to be had. */
  get isBusy(): boolean {
    return this.busy !== undefined;
  }

  /** Removes the rules. A lock that is not to be had is kept for {@link throwIfBusy}. Throws CniError. */
  remove(): void {
    try {
      const { attachment, directory } = this.detachment;
      const leases = attachment?.leaseDirectory ?? directory;
      using _lock = attempt("leaseStore", leases, () => openExistingLeaseLock(leases));
      this.isComplete = removeRules(this.removals, this.node);
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
    if (!this.isBusy && (!this.isComplete || this.wereRestored())) this.remove();
  }

  throwIfBusy(): void {
    if (this.busy !== undefined) throw this.busy;
  }

  private wereRestored(): boolean {
    const { attachment, key } = this.detachment;
    const hasRules = attachment !== undefined && this.removals.some(({ rules }) => rules !== undefined);
    return hasRules && this.node.records.hasRestoredMark(key);
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
 */
function removeAllLinks(removals: readonly Removal[], detachment: Detachment, node: Node): void {
  const { key, attachment, pod, prevResult } = detachment;
  // Asked before the links go: without a record an address of the interface tells.
  const known = attachment?.link.pod.mac ?? macOfResult(key, prevResult);
  const mac = known ?? (attachment === undefined ? findUnrecordedMac(unrecordedOf(detachment)) : undefined);
  attempt("cleanup", hostInterfaceName(key), () => {
    if (!removeLinks(removals, node, key)) removePodEnd(pod, key.interfaceName, mac);
  });
}

/** The MAC of the pod's end, as the plugins behind Pontoon left it. */
function macOfResult({ interfaceName }: AttachmentKey, result: Result | undefined): string | undefined {
  return result?.interfaces.find(({ name, sandbox }) => name === interfaceName && sandbox !== undefined)?.mac;
}

function unrecordedOf({ key, bridge, pod, prevResult, directory }: Detachment): Unrecorded {
  const leases = () =>
    leasesOf(directory, key.containerId).map(({ address, owner: { interfaceName } }) => ({
      address,
      interfaceName,
    }));
  return { key, bridge, pod, prevResult, leases };
}
