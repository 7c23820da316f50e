// What can be done with steps of one kind: the interface that every folder of src/host/kind fills.
import type { Attachment } from "../attachment/attachment.ts";
import type { FoundBridge } from "../look/bridge.ts";
import type { LostRules } from "../nft/answer.ts";
import type { Element } from "../nft/element.ts";
import type { SharedLink } from "../plan/result.ts";
import type { Step } from "../plan/step.ts";
import type { Node } from "./node.ts";
import type { Pod } from "./pod.ts";

/** A kind of steps. Every method throws CniError, or SystemError where no words of its own would help. */
export interface StepKind<S extends Step> {
  /**
   * Makes the thing so. Done twice it changes nothing. When it throws, the thing may be there in part: the
   * engine then takes the step back like one that was done.
   */
  apply(step: S, on: Applying): void;

  /**
   * Says what has to go for the thing to be gone. Finds nothing by itself: the engine asks the removal for
   * its parts when their turn comes. What is absent is no failure, so a removal can be repeated. A kind
   * without this stays: pods share it, or it goes with the veth.
   */
  remove?(step: S, on: Removing): Removal;

  /** One sentence about what is not so; undefined when all is well. Changes nothing. */
  verify(step: S, on: Place): string | undefined;

  /** For what others may flush on the node (rules, limits). A kind without this cannot be flushed. */
  restoration?: Restoration<S>;
}

/** A kind with the trait `stays`: nothing of it is ever taken back. */
export interface StayingKind<S extends Step> extends Omit<StepKind<S>, "remove"> {
  remove?: never;
}

/** How a thing comes back that another program has flushed. The node's lock is held. */
export interface Restoration<S extends Step> {
  /** How much of these steps is not there. Changes nothing. */
  countLost(steps: readonly S[], node: Node): LostRules;
  /** Makes the thing so again, without the pod. */
  putBack(step: S, node: Node): void;
}

/** Where steps are looked at. */
export interface Place {
  node: Node;
  pod: Pod;
}

/** Where steps are taken back: the pod may be gone. */
export interface Removing {
  node: Node;
  attachment: Attachment;
  pod: Pod | undefined;
}

/** An ADD under way. */
export interface Applying extends Place {
  bridgePlan: BridgePlan;
  /**
   * What the steps that are done have found or made; throws when the step that tells it has not been done.
   */
  bridge: SharedLink;
  /** The gateway's interface of a network in a VLAN. */
  vlanGateway: SharedLink | undefined;
  /** Index of the pod's end in the pod. */
  podIndex: number;
  /** Notes how a change is undone that goes with nothing that `remove` takes away. Latest first. */
  onUndo(action: () => void): void;
}

/** How the bridge was found, and how it is to be made. */
export interface BridgePlan {
  /** Used when the bridge has to be made; then also pinned. */
  mac: string;
  /** Bytes. */
  mtu: number;
  /** The bridge as it was a moment ago; undefined: it has to be made, or its making has to be finished. */
  found: FoundBridge | undefined;
  /**
   * Every pod that the bridge ever had, this one too, uses the MAC that follows its IPv4 addresses. A bridge
   * that is found may lose that mark and never gets it.
   */
  macsFollow: boolean;
}

/** What has to go for a thing to be gone, in the order in which the engine takes it. */
export interface Removal {
  /** The host's interface that is taken down first: nothing is to pass while its rules go. */
  shut?: string;
  /** Finds the rules that are to go. The lock of the leases is held, so no address changes its owner. */
  rules?(): FoundRules;
  /** The links of the host that are to go, by name: those of all steps go by one request. */
  links?: string[];
  /** Takes away what can be judged only when the links have gone. */
  afterLinks?(): void;
}

/** Rules of one step. */
export interface FoundRules {
  /** Elements of sets and maps: those of all steps go in one batch. */
  elements: Element[];
  /**
   * False: fewer were there than the step makes. The table was lost, and an ADD may just be putting it back.
   */
  isComplete: boolean;
  /** Runs when the elements have gone. False, as for `isComplete`. */
  afterwards?(): boolean;
}
