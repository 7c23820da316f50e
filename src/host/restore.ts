// The restoration of things that other programs flushed on the node (packet rules, limits of bandwidth), and
// of what pods share (bridge, gateway addresses, forwarding), for all recorded attachments of this host that
// live.
import type { Attachment } from "../attachment/attachment.ts";
import { attachmentDigest } from "../attachment/name.ts";
import { CniError } from "../cni/error.ts";
import { asCniError, collectErrors, throwJoined } from "../failure/failure.ts";
import type { LostRules } from "../nft/answer.ts";
import { traitsOf } from "../plan/order.ts";
import type { Step, StepName } from "../plan/step.ts";
import { stepOf } from "../plan/steps.ts";
import { isErrno } from "../sys/errno.ts";
import { giveBack } from "./kind/device/give-back.ts";
import { formerOf, giveBackStray, listStrays } from "./kind/device/stray.ts";
import type { Renewal, Restoration } from "./kind.ts";
import { kindOf, RENEWABLE, RESTORABLE, renewalOf } from "./kinds.ts";
import { isOver } from "./namespace.ts";
import type { Node } from "./node.ts";
import { takeBack } from "./removal.ts";

/** The outcome of a restoration. */
export interface RestoreReport {
  /** A sentence for each setting of the node that came back. */
  settings: string[];
  /** The number of restored rules that all networks share. */
  shared: number;
  /** The restored networks, by name. */
  networks: Map<string, NetworkReport>;
  /** One error for each attachment or kind of rules that could not be put back. */
  errors: CniError[];
}

export interface NetworkReport {
  /** The number of attachments that live. */
  attachments: number;
  rules: number;
  /** The digests of attachments that did not get back all of their rules. */
  failed: Set<string>;
}

/** An attachment and its step of one kind. */
interface Wanted {
  attachment: Attachment;
  step: Step;
}

/**
 * Puts back lost rules and limits, under the node's lock from beginning to end. A failed part does not stop
 * the others. Throws CniError and SystemError when records or links cannot be read.
 */
export function restoreRules(node: Node): RestoreReport {
  const restoration: RestoreReport = { settings: [], shared: 0, networks: new Map(), errors: [] };
  node.underLock(() => {
    giveDevicesBack(node, restoration);
    const living = node.living();
    for (const attachment of living) networkOf(attachment, restoration).attachments++;
    const isShared = (name: StepName): boolean => traitsOf(name).stays === true;
    for (const name of RENEWABLE.filter(isShared)) renewKind(name, { node, living, restoration });
    for (const name of RESTORABLE) restoreKind(name, { node, living, restoration });
    const attached = living.filter((attachment) => isRenewable(attachment, node, restoration));
    for (const name of RENEWABLE.filter((each) => !isShared(each)))
      renewKind(name, { node, living: attached, restoration });
  });
  return restoration;
}

/**
 * True for an attachment whose port may forward again: its packet rules are there, and no ADD raises the port
 * when the pod is ready for it. A record of version 1 does not tell how its port was set.
 */
function isRenewable(attachment: Attachment, { records }: Node, restoration: RestoreReport): boolean {
  const { failed } = networkOf(attachment, restoration);
  if (attachment.version === 1) return false;
  return records.isComplete(attachment.key) && !failed.has(attachmentDigest(attachment.key));
}

/** Gives the node back what dead attachments had of it, with and without records, and tells of each. */
function giveDevicesBack(node: Node, restoration: RestoreReport): void {
  for (const attachment of node.recorded()) {
    const step = stepOf("device", attachment);
    if (step === undefined) continue;
    trying(restoration, [attachment], () => {
      if (!isOver(attachment, node)) return;
      if (giveBack(step, { node, attachment, pod: undefined }) === "mended")
        restoration.settings.push(`device ${step.former.name} is back as it was before its pod died`);
    });
  }
  trying(restoration, [], () => {
    for (const stray of listStrays(node))
      trying(restoration, [], () => {
        giveBackStray(stray, node);
        restoration.settings.push(`device ${formerOf(stray).name} is back, down: no record tells how it was`);
      });
  });
}

/** A restore that is under way. */
interface Restoring {
  node: Node;
  living: Attachment[];
  /** What it has done so far. */
  restoration: RestoreReport;
}

/**
 * Puts back settings of one kind: what each ADD would put back of the things that pods share, since the next
 * one would do it anyway, and how the ADD of each pod left its port.
 */
function renewKind(name: StepName, { node, living, restoration }: Restoring): void {
  const wanted = living.flatMap((attachment) => stepOf(name, attachment) ?? []);
  const renew = renewalOf(name);
  if (wanted.length === 0 || renew === undefined) return;
  for (const part of renew(wanted, node))
    trying(restoration, [], () => {
      const sentence = unlessGone(part);
      if (sentence !== undefined) restoration.settings.push(sentence);
    });
}

/** Runs a part; undefined also where its link goes meanwhile: then there is nothing to put back. */
function unlessGone(part: Renewal): string | undefined {
  try {
    return part();
  } catch (error) {
    if (isErrno(error instanceof CniError ? error.cause : error, "ENODEV")) return undefined;
    throw error;
  }
}

function restoreKind(name: StepName, { node, living, restoration }: Restoring): void {
  const wanted = living.flatMap((attachment): Wanted[] => {
    const step = stepOf(name, attachment);
    return step === undefined ? [] : [{ attachment, step }];
  });
  const [first] = wanted;
  if (first === undefined) return;
  const kind = kindOf(first.step).restoration;
  if (kind === undefined) return;
  const all = wanted.map(({ attachment }) => attachment);
  trying(restoration, all, () => {
    const lost = kind.countLost(
      wanted.map(({ step }) => step),
      node,
    );
    putBackLost({ kind, wanted, lost }, restoration, node);
  });
}

/** A kind of steps, with the number of its rules that are lost. */
interface LostKind {
  kind: Restoration<Step>;
  wanted: Wanted[];
  lost: LostRules;
}

/**
 * Puts back the steps of one kind. The first step that comes back brings the table back, with the elements of
 * all.
 */
function putBackLost({ kind, wanted, lost }: LostKind, restoration: RestoreReport, node: Node): void {
  let sharedIsBack = lost.shared === 0;
  const countOf = ({ key }: Attachment): number => lost.byOwner.get(attachmentDigest(key)) ?? 0;
  const losers = wanted.filter(({ attachment }) => countOf(attachment) > 0).map(({ step }) => step);
  // A part that fails here is tried again alone.
  if (losers.length > 0) collectErrors([() => kind.putBackTogether?.(losers, node)]);
  for (const { attachment, step } of wanted) {
    const count = countOf(attachment);
    if (count === 0 && sharedIsBack) continue;
    trying(restoration, [attachment], () => {
      putBack({ attachment, step }, () => kind.putBack(step, node), node);
      if (!sharedIsBack) restoration.shared += lost.shared;
      sharedIsBack = true;
      networkOf(attachment, restoration).rules += count;
    });
  }
}

/**
 * Puts a step back, with a mark beside the record. A DEL at this moment may have removed the rules already,
 * and its veth not yet. Such a DEL looks for the mark when its veth is gone, and then for the rules again; if
 * it has looked for the mark before, this call finds no veth. The mark stays as long as the record, since an
 * earlier restore may rely on it for rules of another kind.
 */
function putBack({ attachment, step }: Wanted, action: () => void, node: Node): void {
  const { records } = node;
  records.markRestored(attachment.key);
  const failed = collectErrors([action]);
  let isGone = false;
  const others = collectErrors([
    // Also where the step came back in part only: its links and elements would stay.
    () => {
      isGone = !node.hasLink(attachment);
      if (isGone) takeBack(step, { node, attachment, pod: undefined });
    },
    () => records.removeStrayMark(attachment.key),
  ]);
  // A step that fails because its attachment goes meanwhile has nothing to come back to.
  throwJoined(isGone ? others : [...failed, ...others]);
}

function networkOf({ key: { network } }: Attachment, { networks }: RestoreReport): NetworkReport {
  const known = networks.get(network) ?? { attachments: 0, rules: 0, failed: new Set() };
  networks.set(network, known);
  return known;
}

/** Runs `action`; an error of it is noted, and these attachments count as failed. */
function trying(restoration: RestoreReport, attachments: Attachment[], action: () => void): void {
  try {
    action();
  } catch (error) {
    restoration.errors.push(asCniError(error));
    for (const attachment of attachments)
      networkOf(attachment, restoration).failed.add(attachmentDigest(attachment.key));
  }
}
