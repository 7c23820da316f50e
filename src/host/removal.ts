// Taking away what an attachment is made of: the parts of all its steps together.
import { attachmentDigest, hostInterfaceName } from "../attachment/name.ts";
import type { AttachmentKey } from "../cni/attachment-key.ts";
import { CniError } from "../cni/error.ts";
import { attempt, collectErrors, throwJoined } from "../failure/failure.ts";
import { removeLink } from "../net/link-change.ts";
import { deleteTogether } from "../net/link-set.ts";
import { ifThereIsNftables } from "../nft/answer.ts";
import { deleteElements } from "../nft/element.ts";
import type { Step, StepName } from "../plan/step.ts";
import { stepsOf } from "../plan/steps.ts";
import { monotonicMs, pause } from "../sys/clock.ts";
import type { FoundRules, Removal, Removing } from "./kind.ts";
import { kindOf, REMOVABLE } from "./kinds.ts";
import type { Node } from "./node.ts";
import { shutPort } from "./shut.ts";

/** The removals of all steps of an attachment, in the order of an ADD. */
export function removalsOf(on: Removing): Removal[] {
  return stepsOf(on.attachment, REMOVABLE).flatMap((step) => kindOf(step).remove?.(step, on) ?? []);
}

/**
 * Takes down the host's ends that removals name: rules that keep frames of a pod back go before its link
 * does, and no frame may pass meanwhile. In this order the kernel cleans up after the rules while it waits
 * for the link. Throws CniError.
 */
export function shutPorts(removals: readonly Removal[], node: Node): void {
  for (const name of new Set(removals.flatMap(({ shut }) => shut ?? []))) shutPort(name, node);
}

/**
 * Removes the packet rules: the elements of all removals in one batch, then the rest of each removal. A part
 * that fails stops no other. The caller holds the lock of the leases, or the leases themselves, so no address
 * changes its owner between look and deletion. False when elements were missing: the table was lost, and an
 * ADD that puts it back may have read the record already; the caller then looks again when the link is gone.
 * Throws CniError.
 */
export function removeRules(removals: readonly Removal[], node: Node): boolean {
  const finders = removals.flatMap(({ rules }) => rules ?? []);
  if (finders.length === 0) return true;
  const found: FoundRules[] = [];
  const cleaning = (action: () => void) => () =>
    attempt("cleanup", "packet rules", () => ifThereIsNftables(() => node.rules, action));
  const errors = collectErrors([
    ...finders.map((find) => cleaning(() => void found.push(find()))),
    cleaning(() => {
      const elements = found.flatMap((each) => each.elements);
      if (elements.length > 0) deleteElements(node.rules, elements);
    }),
  ]);
  let isComplete = found.every((each) => each.isComplete);
  const afterwards = found.flatMap((each) => each.afterwards ?? []);
  errors.push(
    ...collectErrors(
      afterwards.map((action) => () => {
        if (!action()) isComplete = false;
      }),
    ),
  );
  throwJoined(errors);
  return isComplete;
}

/**
 * Removes the links of these removals, all by one request, so the kernel's grace periods are waited for once.
 * The veth of the key goes whether or not a removal names it. False when it was not there, as with a way of
 * attaching that makes none. Throws SystemError.
 */
export function removeLinks(removals: readonly Removal[], node: Node, key: AttachmentKey): boolean {
  const veth = hostInterfaceName(key);
  const names = [...new Set([veth, ...removals.flatMap(({ links }) => links ?? [])])];
  if (names.length === 1) return removeLink(node.links, { name: veth });
  return deleteTogether(node.links, names, groupOf(key))[0] === true;
}

/** The wait between two looks for a link that is not back, in milliseconds. */
const LOOK_AGAIN_MS = 20;

/**
 * Gives back the links that were there before the attachment; one that the kernel has not brought back from a
 * dying namespace is waited for. A part that fails stops no other. Throws CniError.
 */
export function giveLinksBack(removals: readonly Removal[], patienceMs = 0): void {
  const deadline = patienceMs === 0 ? 0 : monotonicMs() + patienceMs;
  const parts = removals.flatMap(({ giveBack }) => giveBack ?? []);
  throwJoined(
    collectErrors(
      parts.map(({ device, run }) => () => {
        while (run() === "awaited") {
          if (monotonicMs() >= deadline) throw notBack(device);
          pause(LOOK_AGAIN_MS);
        }
      }),
    ),
  );
}

function notBack(device: string): CniError {
  return new CniError("tryAgainLater", {
    about: `device ${JSON.stringify(device)} is not back on the node`,
    cause:
      "it is neither there nor in the pod; the kernel gives it back when nobody uses the namespace that has it",
    hint: "End what still runs in the pod's namespace, or look where the device is, then repeat the call",
  });
}

/**
 * The group in which links are deleted together: a number of the upper half, which people do not give by
 * hand.
 */
function groupOf(key: AttachmentKey): number {
  return 2 ** 31 + Number.parseInt(attachmentDigest(key).slice(0, 7), 16);
}

/** What each removal hands on when the links' turn has come, as parts for collectErrors. */
export function releases(removals: readonly Removal[]): (() => void)[] {
  return removals.flatMap(({ release }) => release ?? []);
}

/** What each removal does when the links have gone, as parts for collectErrors. */
export function afterLinks(removals: readonly Removal[]): (() => void)[] {
  return removals.flatMap(({ afterLinks: action }) => action ?? []);
}

/** A part of taking steps back, and the kind of its step. */
export interface TakingBack {
  name: StepName;
  action: () => void;
}

/**
 * What takes single steps back, part by part: all links are handed on or removed, then all rules go, then
 * what waits for the links to be gone.
 */
export function takingBack(steps: readonly Step[], on: Removing): TakingBack[] {
  const removals = steps.flatMap((step) => {
    const removal = kindOf(step).remove?.(step, on);
    return removal === undefined ? [] : [{ name: step.kind, removal }];
  });
  return [
    ...removals.flatMap(({ name, removal: { release: action } }) => (action ? [{ name, action }] : [])),
    ...removals.flatMap(({ name, removal: { links = [] } }) =>
      links.map((link) => ({ name, action: () => void removeLink(on.node.links, { name: link }) })),
    ),
    ...removals.flatMap(({ name, removal }) =>
      removal.giveBack ? [{ name, action: () => giveLinksBack([removal]) }] : [],
    ),
    ...removals.map(({ name, removal }) => ({ name, action: () => void removeRules([removal], on.node) })),
    ...removals.flatMap(({ name, removal: { afterLinks: action } }) => (action ? [{ name, action }] : [])),
  ];
}

/**
 * Takes one step back, with all that belongs to it; a part that fails does not stop the others. Throws
 * CniError.
 */
export function takeBack(step: Step, on: Removing): void {
  throwJoined(collectErrors(takingBack([step], on).map(({ action }) => action)));
}
