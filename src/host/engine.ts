// The engine: does the steps of an attachment, takes them back, and verifies them.
import type { Attachment } from "../attachment/attachment.ts";
import { attachmentDigest, hostInterfaceName } from "../attachment/name.ts";
import type { AttachmentKey } from "../cni/attachment-key.ts";
import type { CniError } from "../cni/error.ts";
import { asCniError, attempt, collectErrors, throwFirst } from "../failure/failure.ts";
import { changeLinkMessage, removeLink } from "../net/link-change.ts";
import { deleteTogether } from "../net/link-set.ts";
import { ifThereIsNftables } from "../nft/answer.ts";
import { deleteElements } from "../nft/element.ts";
import type { SharedLink } from "../plan/result.ts";
import { type Step, traitsOf } from "../plan/step.ts";
import { stepsOf } from "../plan/steps.ts";
import { isErrno } from "../sys/errno.ts";
import type { Applying, BridgePlan, Place, Removal, Removing } from "./kind.ts";
import { kindOf, REMOVABLE } from "./kinds.ts";
import type { Node } from "./node.ts";
import type { Pod } from "./pod.ts";

/** The steps of one ADD while they are done. */
export class Attaching implements Applying {
  readonly node: Node;
  readonly pod: Pod;
  readonly bridgePlan: BridgePlan;
  /** What is being made; a foreign IPAM plugin adds to it. */
  attachment: Attachment;
  vlanGateway: SharedLink | undefined;
  /** What the step "bridge" found or made. */
  foundBridge: SharedLink | undefined;
  private madePodIndex: number | undefined;
  /** Steps that were begun, and packet rules whose turn had not come. */
  private readonly touched = new Set<Step>();
  private readonly undoing: { name: string; action: () => void }[] = [];
  private current = "";

  constructor(place: Place, attachment: Attachment, bridgePlan: BridgePlan) {
    this.node = place.node;
    this.pod = place.pod;
    this.attachment = attachment;
    this.bridgePlan = bridgePlan;
  }

  get bridge(): SharedLink {
    if (this.foundBridge === undefined) throw new Error("a plan starts with its bridge");
    return this.foundBridge;
  }

  set bridge(bridge: SharedLink) {
    this.foundBridge = bridge;
  }

  get podIndex(): number {
    if (this.madePodIndex === undefined)
      throw new Error("a plan makes the veth before it sets up its pod's end");
    return this.madePodIndex;
  }

  set podIndex(index: number) {
    this.madePodIndex = index;
  }

  onUndo(action: () => void): void {
    this.undoing.push({ name: this.current, action });
  }

  /**
   * Does steps in order. Throws CniError when one fails; {@link undo} then takes back all, that one too.
   * Packet rules are taken back whether or not their turn came: one address may be in when the next is
   * refused, and an ADD of another attachment that puts back a lost table puts back those of this attachment
   * too.
   */
  apply(steps: readonly Step[]): void {
    for (const step of steps) if (traitsOf(step.kind).isRule === true) this.touched.add(step);
    for (const step of steps) {
      this.touched.add(step);
      this.current = step.kind;
      try {
        kindOf(step).apply(step, this);
      } catch (error) {
        throw asCniError(error);
      }
    }
  }

  /**
   * Takes back all that was begun, the latest first, and goes on when a part fails. Gives a sentence for each
   * part that stayed. Packet rules go behind all else: an ADD that puts back a lost table puts in the
   * elements of each attachment that has its veth, looks for the veth again, and takes out what it put in for
   * one that has gone.
   */
  undo(): string[] {
    const { node, attachment, pod } = this;
    const on = { node, attachment, pod };
    const touched = [...this.touched].toReversed();
    const parts = [
      ...this.undoing.toReversed(),
      ...partsOf(
        touched.filter(({ kind }) => traitsOf(kind).isRule !== true),
        on,
      ),
      ...partsOf(
        touched.filter(({ kind }) => traitsOf(kind).isRule === true),
        on,
      ),
    ];
    return parts.flatMap(({ name, action }) =>
      collectErrors([action]).map((error) => `${name}: ${sentenceOf(error)}`),
    );
  }
}

/** What takes steps back, part by part: all links, then all else. */
function partsOf(steps: readonly Step[], on: Removing): { name: string; action: () => void }[] {
  const removals = steps.flatMap((step) => {
    const removal = kindOf(step).remove?.(step, on);
    return removal === undefined ? [] : [{ name: step.kind, removal }];
  });
  return [
    ...removals.flatMap(({ name, removal: { links = [] } }) =>
      links.map((link) => ({ name, action: () => void removeLink(on.node.links, { name: link }) })),
    ),
    ...removals.map(({ name, removal }) => ({ name, action: () => void removeRules([removal], on.node) })),
    ...removals.flatMap(({ name, removal: { afterLinks: action } }) => (action ? [{ name, action }] : [])),
  ];
}

/** Takes one step back, with all that belongs to it. */
export function takeBack(step: Step, on: Removing): void {
  for (const { action } of partsOf([step], on)) action();
}

/** What is not as the steps would make it: a sentence for each step. Changes nothing. */
export function verifySteps(steps: readonly Step[], on: Place): string[] {
  return steps.flatMap((step) => kindOf(step).verify(step, on) ?? []);
}

/** The removals of all that an attachment is made of, in the order of an ADD. */
export function removalsOf(on: Removing): Removal[] {
  return stepsOf(on.attachment, REMOVABLE).flatMap((step) => kindOf(step).remove?.(step, on) ?? []);
}

/**
 * Takes the host's ends down whose frames are checked: the check goes before the link does, and nothing is to
 * pass meanwhile. In this order the kernel cleans up after the rules while it waits for the link. Throws
 * CniError.
 */
export function shutPorts(removals: readonly Removal[], node: Node): void {
  for (const { shut } of removals) if (shut !== undefined) shutPort(shut, node);
}

/** Takes one interface of the host down, if it is there. Throws CniError. */
export function shutPort(name: string, node: Node): void {
  attempt("cleanup", name, () => {
    const message = changeLinkMessage({ name }, { up: false }, `take interface ${name} down`);
    const [outcome] = node.links.transact([message]);
    if (outcome?.error !== undefined && !isErrno(outcome.error, "ENODEV")) throw outcome.error;
  });
}

/**
 * Takes the packet rules out, the elements of all removals in one batch. Hold the lock of the leases: no
 * address changes its owner meanwhile, so the elements that are found are those that are deleted. False when
 * fewer were there than the attachment has: the table was lost, and an ADD that puts it back may just have
 * read the record; then look again when the veth has gone. One that fails does not stop the others. Throws
 * CniError.
 */
export function removeRules(removals: readonly Removal[], node: Node): boolean {
  if (!removals.some((removal) => removal.rules !== undefined)) return true;
  let isComplete = true;
  const later: (() => boolean)[] = [];
  const findAndDelete = (): void =>
    attempt("cleanup", "packet rules", () =>
      ifThereIsNftables(
        () => node.rules,
        (rules) => {
          const found = removals.flatMap((removal) => removal.rules?.() ?? []);
          const elements = found.flatMap((each) => each.elements);
          for (const each of found) {
            if (!each.isComplete) isComplete = false;
            if (each.afterwards !== undefined) later.push(each.afterwards);
          }
          if (elements.length > 0) deleteElements(rules, elements);
        },
      ),
    );
  const errors = collectErrors([findAndDelete]);
  for (const afterwards of later)
    errors.push(
      ...collectErrors([
        () => {
          if (!afterwards()) isComplete = false;
        },
      ]),
    );
  throwFirst(errors);
  return isComplete;
}

/**
 * Removes the links of these removals, all by one request, so the kernel's grace periods are waited for once.
 * False when the attachment's veth was not there. Throws SystemError.
 */
export function removeLinks(removals: readonly Removal[], node: Node, key: AttachmentKey): boolean {
  const veth = hostInterfaceName(key);
  const names = [...new Set([veth, ...removals.flatMap(({ links }) => links ?? [])])];
  if (names.length === 1) return removeLink(node.links, { name: veth });
  return deleteTogether(node.links, names, groupOf(key))[0] === true;
}

/** A number of the upper half, which nobody gives to a group of links by hand. */
function groupOf(key: AttachmentKey): number {
  return 2 ** 31 + Number.parseInt(attachmentDigest(key).slice(0, 7), 16);
}

/** What each removal does when the links have gone, as parts that are tried one by one. */
export function afterLinks(removals: readonly Removal[]): (() => void)[] {
  return removals.flatMap(({ afterLinks: action }) => action ?? []);
}

function sentenceOf({ message, details }: CniError): string {
  return details === "" ? message : `${message} (${details})`;
}
