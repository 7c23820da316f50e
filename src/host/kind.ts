// The interface of a kind of steps, which every folder of src/host/kind implements.
import type { Attachment } from "../attachment/attachment.ts";
import type { FoundBridge } from "../look/bridge.ts";
import type { LostRules } from "../nft/answer.ts";
import type { Element } from "../nft/element.ts";
import type { SharedLink } from "../plan/result.ts";
import type { Step } from "../plan/step.ts";
import type { Difference } from "./difference.ts";
import type { Node } from "./node.ts";
import type { Pod } from "./pod.ts";

/** A kind of steps. Every method throws CniError, or SystemError where the kind has no better words. */
export interface StepKind<S extends Step> {
  /**
   * Makes the step so. A second call changes nothing. When it throws, parts may exist: the ADD then takes
   * the step back like one that was done.
   */
  apply(step: S, on: Applying): void;

  /**
   * The parts to remove when the step is taken back. Makes no look by itself: a DEL asks the removal for
   * its parts when their turn comes. An absent part is no failure, so a removal can be repeated. A kind
   * without this method is never taken back: pods share the thing, or it goes with the veth.
   */
  remove?(step: S, on: Removing): Removal;

  /**
   * The first difference from the step, or only its sentence where the restoration of the kind mends it or
   * nothing does; undefined when there is none, and when a link is missing: the step that makes the link
   * reports that. Changes nothing.
   */
  verify(step: S, on: Place): Difference | string | undefined;

  /**
   * The restoration of things that other programs flush at once for the whole node (packet rules, limits). A
   * setting of a link is none: it lives for as long as the link.
   */
  restoration?: Restoration<S>;

  /**
   * The parts of a restore that put back settings of the node's side without a pod: what every ADD would put
   * back of a thing that pods share, and how an ADD left the host's end of a pod. `steps` are those of all
   * living attachments. One part for each thing, so that one that fails stops no other. The caller holds the
   * node's lock. A thing that is gone as a whole stays gone: the pods' ends would not be connected to it.
   */
  renew?(steps: readonly S[], node: Node): Renewal[];
}

/** A kind with the trait `stays`: nothing of it is ever taken back. */
export interface StayingKind<S extends Step> extends Omit<StepKind<S>, "remove"> {
  remove?: never;
}

/**
 * Puts back one shared thing. Gives a sentence when it was lost, undefined when it was there. Throws CniError
 * and SystemError.
 */
export type Renewal = () => string | undefined;

/** The way back for a thing that another program has flushed. The caller holds the node's lock. */
export interface Restoration<S extends Step> {
  /** The number of rules or limits of these steps that are missing. Changes nothing. */
  countLost(steps: readonly S[], node: Node): LostRules;
  /**
   * True when the part is lost that the attachments of the network share: a table, a chain. One look, however
   * many attachments there are. A kind that shares nothing has none.
   */
  isSharedLost?(step: S, node: Node): boolean;
  /** Makes the step so again, without the pod. */
  putBack(step: S, node: Node): void;
  /**
   * Does a slow part of `putBack` at once for all steps that have lost something. Where this fails `putBack`
   * does it again, and tells.
   */
  putBackTogether?(steps: readonly S[], node: Node): void;
}

/** The node and pod where steps are verified. */
export interface Place {
  node: Node;
  pod: Pod;
}

/** The node and pod where steps are taken back; the pod may be gone. */
export interface Removing {
  node: Node;
  attachment: Attachment;
  pod: Pod | undefined;
}

/** An ADD under way. */
export interface Applying extends Place {
  bridgePlan: BridgePlan;
  /**
   * The objects that earlier steps have found or made. Reading one throws when its step has not been done.
   */
  bridge: SharedLink;
  /** The gateway's interface, in a network with a VLAN. */
  vlanGateway: SharedLink | undefined;
  /** The index of the pod's end in the pod, and that of the host's end on the node. */
  podIndex: number;
  hostIndex: number;
  /** True when a foreign IPAM plugin has named the addresses: some steps are then done again. */
  isAddressed: boolean;
  /** True when a step has made the network's way out: the bridge, or the first pair that has its gateway. */
  isFirst: boolean;
  /** Does steps of another attachment, on a link that this ADD has made for it. Throws CniError. */
  applyTo(other: OtherEnd, steps: readonly Step[]): void;
  /** Notes a sentence for the log, about something that the ADD can only tell. */
  notice(text: string): void;
  /** Notes the undoing of a change that `remove` does not take back. The latest runs first. */
  onUndo(action: () => void): void;
}

/** Another attachment in its own pod, with the index of its link there. */
export interface OtherEnd {
  attachment: Attachment;
  pod: Pod;
  podIndex: number;
}

/** The bridge as it was found, and the settings for a new bridge. */
export interface BridgePlan {
  /** The MAC of a new bridge, which is then pinned. */
  mac: string;
  /** Bytes. */
  mtu: number;
  /** The bridge as ADD saw it; undefined: the bridge is missing, or its creation was not finished. */
  found: FoundBridge | undefined;
  /**
   * True: every pod that this bridge has ever had, the new pod included, uses the MAC that follows its IPv4
   * addresses. Only a bridge that Pontoon creates can be marked so; an existing bridge can lose the mark.
   */
  macsFollow: boolean;
}

/** The parts of a step that have to go, in the order in which they go (src/host/removal.ts). */
export interface Removal {
  /** The name of the host's end, which is shut first: no frame of the pod may pass while its rules go. */
  shut?: string;
  /** Finds the rules to remove. The lock of the leases is held, so no address changes its owner. */
  rules?(): FoundRules;
  /** The names of host links to remove: links of all steps go by one request. */
  links?: string[];
  /**
   * Hands on a link that is not to go: it runs when the links' turn has come, before they go. A second call
   * changes nothing. Throws CniError.
   */
  release?(): void;
  /** The way back for a link that was there before the attachment, at the turn of the links. */
  giveBack?: GivingBack;
  /** Removes things that can be judged only when the links have gone. */
  afterLinks?(): void;
}

/** The way back for a device of the node. */
export interface GivingBack {
  /** The name that the device had on the node. */
  device: string;
  /** Gives the device back as it was. Takes the node's lock. Throws CniError. */
  run(): GivenBack;
}

/**
 * The outcome for a link that goes back: it was right, it has been put right, or it is not on the node yet,
 * since it is in another namespace, which the kernel has not cleared yet.
 */
export type GivenBack = "right" | "mended" | "awaited";

/** The rules of one step. */
export interface FoundRules {
  /** Elements of sets and maps: elements of all steps go in one batch. */
  elements: Element[];
  /** False: elements are missing. The table was lost, and an ADD may be putting it back. */
  isComplete: boolean;
  /** Runs when the elements have gone. False, as for `isComplete`: parts were missing. */
  afterwards?(): boolean;
}
