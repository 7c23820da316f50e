// An ADD under way: does the steps of an attachment, and takes them back when one fails.
import type { Attachment } from "../attachment/attachment.ts";
import type { CniError } from "../cni/error.ts";
import { asCniError, collectErrors } from "../failure/failure.ts";
import { traitsOf } from "../plan/order.ts";
import type { SharedLink } from "../plan/result.ts";
import type { Step } from "../plan/step.ts";
import { phasePart } from "../sys/phase.ts";
import type { Applying, BridgePlan, OtherEnd, Place } from "./kind.ts";
import { kindOf } from "./kinds.ts";
import { type Node, NodeIsLocked } from "./node.ts";
import type { Pod } from "./pod.ts";
import { takingBack } from "./removal.ts";

/** The node and pod of an ADD. */
export interface AttachingPlace extends Place {
  /** Throws CniError when the attachment is wanted no more, so that its addresses may be another's by now. */
  mustGoOn(): void;
}

/** The steps of one ADD, done one after another and undone when the ADD fails. */
export class Attaching implements Applying {
  readonly node: Node;
  readonly pod: Pod;
  readonly bridgePlan: BridgePlan;
  /** The attachment that is being made; a foreign IPAM plugin adds addresses to it. */
  attachment: Attachment;
  vlanGateway: SharedLink | undefined;
  isAddressed = false;
  isFirst = false;
  /** The bridge that the step "bridge" found or made. */
  foundBridge: SharedLink | undefined;
  private madePodIndex: number | undefined;
  private madeHostIndex: number | undefined;
  /** Steps that were begun, and packet rules whose turn had not come. */
  private readonly touched = new Set<Step>();
  /** Sentences for the log. */
  readonly notices: string[] = [];
  private readonly undoing: { name: string; action: () => void }[] = [];
  private current = "";

  private readonly mustGoOn: () => void;

  constructor(place: AttachingPlace, attachment: Attachment, bridgePlan: BridgePlan) {
    this.node = place.node;
    this.pod = place.pod;
    this.mustGoOn = place.mustGoOn;
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
      throw new Error("a plan makes the link before it sets up the pod's interface");
    return this.madePodIndex;
  }

  set podIndex(index: number) {
    this.madePodIndex = index;
  }

  notice(text: string): void {
    this.notices.push(text);
  }

  get hostIndex(): number {
    if (this.madeHostIndex === undefined)
      throw new Error("a plan makes the host's end before it sets up its port");
    return this.madeHostIndex;
  }

  set hostIndex(index: number) {
    this.madeHostIndex = index;
  }

  onUndo(action: () => void): void {
    this.undoing.push({ name: this.current, action });
  }

  applyTo({ attachment, pod, podIndex }: OtherEnd, steps: readonly Step[]): void {
    const there = new Attaching({ node: this.node, pod, mustGoOn: () => {} }, attachment, this.bridgePlan);
    there.podIndex = podIndex;
    there.apply(steps);
  }

  /**
   * Does steps in order. Throws CniError when a step fails; {@link undo} then also takes back the failed
   * step. Packet rules count as begun from the start: an ADD of another attachment that puts back a lost
   * table puts in the rules of this attachment too, and of two addresses the second may be refused. Before
   * each step of packet rules the ADD asks whether it is still wanted: rules are keyed by addresses.
   */
  apply(steps: readonly Step[]): void {
    for (const step of steps) {
      const { isRule, isUnderLock } = traitsOf(step.kind);
      if (isRule === true && isUnderLock !== true) this.touched.add(step);
    }
    for (const step of steps) {
      const { isRule, isUnderLock } = traitsOf(step.kind);
      if (isRule === true) this.mustGoOn();
      this.touched.add(step);
      this.current = step.kind;
      phasePart(step.kind);
      try {
        kindOf(step).apply(step, this);
      } catch (error) {
        if (error instanceof NodeIsLocked && isUnderLock === true) this.touched.delete(step);
        throw asCniError(error);
      }
    }
  }

  /**
   * Takes back all that was begun, and goes on when a part fails. Gives a sentence for each part that stayed.
   * Settings get back what they had; then links go, then what waited for them to be gone, each the latest
   * first. Packet rules go behind all else: an ADD of another attachment that puts back a lost table puts in
   * the elements of each attachment that has its link, looks for the link again, and takes out the elements
   * of one that has lost it meanwhile.
   */
  undo(): string[] {
    const { node, attachment, pod } = this;
    const on = { node, attachment, pod };
    const begun = [...this.touched].toReversed();
    const isRule = ({ kind }: Step): boolean => traitsOf(kind).isRule === true;
    const parts = [
      ...this.undoing.toReversed(),
      ...takingBack(
        begun.filter((step) => !isRule(step)),
        on,
      ),
      ...takingBack(begun.filter(isRule), on),
    ];
    return parts.flatMap(({ name, action }) =>
      collectErrors([action]).map((error) => `${name}: ${sentenceOf(error)}`),
    );
  }
}

function sentenceOf({ message, details }: CniError): string {
  return details === "" ? message : `${message} (${details})`;
}
