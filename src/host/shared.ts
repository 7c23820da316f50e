// Things on the node that the pods of a network share: chains of iptables, parts of an ingress policy. The
// first pod that needs a thing makes it, and the last pod's DEL removes it.
import type { Attachment } from "../attachment/attachment.ts";
import { attachmentDigest } from "../attachment/name.ts";
import { type AttachmentKey, sameKey } from "../cni/attachment-key.ts";
import type { LostRules } from "../nft/answer.ts";
import type { StepName, StepOf } from "../plan/step.ts";
import { stepOf } from "../plan/steps.ts";
import { listRecordedNetworks } from "../record/store.ts";
import { listPortsLike } from "./bridge-ports.ts";
import type { Node } from "./node.ts";

/** A thing that pods share. Two things with one id are one thing. */
export interface SharedThing {
  id: string;
  /**
   * The attachments that may need the thing: those of all networks of the node, those of one network, or the
   * one alone whose step names it, which is asked nothing about others.
   */
  reach: "node" | "network" | "attachment";
}

/** A kind of steps with things that pods share. */
export interface SharedKind<Name extends StepName, Thing extends SharedThing> {
  name: Name;
  /** The things that a step needs. */
  thingsOf(step: StepOf<Name>): Thing[];
  /** The things that are missing, or not whole. */
  missing(things: readonly Thing[], node: Node): Thing[];
  make(things: readonly Thing[], node: Node): void;
  remove(things: readonly Thing[], node: Node): void;
  /**
   * A slow part of the things of one attachment alone (reach `attachment`), which needs no lock: it is made
   * behind `make`, and removed before `remove`.
   */
  alone?: {
    make(things: readonly Thing[], node: Node): void;
    remove(things: readonly Thing[], node: Node): void;
  };
  /** The number of rules and elements for which a thing counts. */
  sizeOf(thing: Thing): number;
}

/** An attachment that goes, and the bridge of its network. */
export interface Leaving {
  network: string;
  /** Undefined: the pods of the network are on no bridge. */
  bridge: string | undefined;
  /**
   * The attachment's digest; empty where no attachment goes, and things are looked for that no attachment
   * needs.
   */
  owner: string;
}

/**
 * Makes the missing things of a step. If another pod of the network lives, its things were there and another
 * program flushed them: then the things of all networks with living attachments come back too. All of it, but
 * for the part that is one attachment's alone, runs under the node's lock, under which a DEL looks for the
 * attachments that need a thing. Throws CniError and SystemError.
 */
export function ensureShared<Name extends StepName, Thing extends SharedThing>(
  kind: SharedKind<Name, Thing>,
  step: StepOf<Name> & { key: AttachmentKey },
  node: Node,
): void {
  let own: Thing[] = [];
  node.underLock(() => {
    own = kind.missing(kind.thingsOf(step), node);
    if (own.length === 0) return;
    const isOther = ({ key }: Attachment): boolean => !sameKey(key, step.key);
    const wereLost =
      !own.every(isAlone) &&
      livingSteps(kind.name, node, [step.key.network]).some(({ attachment }) => isOther(attachment));
    kind.make(wereLost ? [...own, ...lostBeside(own, kind, node)] : own, node);
  });
  const alone = own.filter(isAlone);
  if (alone.length > 0) kind.alone?.make(alone, node);
}

/** True for a thing that no other attachment needs. */
export function isAlone({ reach }: SharedThing): boolean {
  return reach === "attachment";
}

/** The missing things of living attachments, without those in `known`. */
function lostBeside<Name extends StepName, Thing extends SharedThing>(
  known: readonly Thing[],
  kind: SharedKind<Name, Thing>,
  node: Node,
): Thing[] {
  // What is one attachment's own comes back by a restore: here it would be made for every pod, under the
  // lock.
  const things = livingSteps(kind.name, node)
    .flatMap(({ step }) => kind.thingsOf(step))
    .filter((thing) => !isAlone(thing));
  const wanted = new Map(things.map((thing) => [thing.id, thing]));
  for (const { id } of known) wanted.delete(id);
  return kind.missing([...wanted.values()], node);
}

function livingSteps<Name extends StepName>(name: Name, node: Node, networks?: readonly string[]) {
  return node.recorded(networks).flatMap((attachment) => {
    const step = stepOf(name, attachment);
    return step !== undefined && node.hasLink(attachment) ? [{ attachment, step }] : [];
  });
}

/**
 * Removes the step's things that no other attachment needs. Takes the node's lock. Throws CniError and
 * SystemError.
 */
export function removeUnneeded<Name extends StepName, Thing extends SharedThing>(
  kind: SharedKind<Name, Thing>,
  step: StepOf<Name> & { key: AttachmentKey; bridge: string | undefined },
  node: Node,
): void {
  const { key, bridge } = step;
  const leaving = { network: key.network, bridge, owner: attachmentDigest(key) };
  const things = kind.thingsOf(step);
  const alone = things.filter(isAlone);
  if (alone.length > 0) kind.alone?.remove(alone, node);
  node.underLock(() => kind.remove(unneeded(kind, things, { leaving, node }), node));
}

/**
 * The things that no other attachment needs. The caller holds the node's lock. An attachment needs its things
 * while it has its veth, or its ADD is running; a record alone proves nothing, since of two DELs at once each
 * would find the record of the other. A port of the bridge without a record may need any of them. The
 * network's own records come first: mostly the first of them suffices.
 */
export function unneeded<Name extends StepName, Thing extends SharedThing, Found extends SharedThing>(
  kind: Pick<SharedKind<Name, Thing>, "name" | "thingsOf">,
  things: readonly Found[],
  { leaving: { network, bridge, owner }, node }: { leaving: Leaving; node: Node },
): Found[] {
  const { records } = node;
  const shared = things.filter((thing) => !isAlone(thing));
  const own = things.filter(isAlone);
  if (shared.length === 0) return own;
  const free = new Set(shared.map(({ id }) => id));
  const takesLast = (attachment: Attachment): boolean => {
    if (attachmentDigest(attachment.key) === owner) return false;
    const step = stepOf(kind.name, attachment);
    const needed = step === undefined ? [] : kind.thingsOf(step).filter(({ id }) => free.has(id));
    if (needed.length === 0 || !(node.hasLink(attachment) || records.isAddRunning(attachment.key)))
      return false;
    for (const { id } of needed) free.delete(id);
    return free.size === 0;
  };
  const isOfNode = shared.some(({ reach }) => reach === "node");
  const others = isOfNode ? listRecordedNetworks().filter((name) => name !== network) : [];
  const networks = [network, ...others];
  for (const name of networks) if (records.hasRecordLike(name, takesLast)) return own;
  const isUnknown = (key: AttachmentKey): boolean =>
    attachmentDigest(key) !== owner && records.getRecord(key) === undefined;
  const hasUnknown = (each: string): boolean =>
    listPortsLike({ network: each, bridge }, isUnknown, node).length > 0;
  return networks.some(hasUnknown) ? own : [...own, ...shared.filter(({ id }) => free.has(id))];
}

/**
 * The number of missing rules and elements of these steps. A thing that several attachments need counts for
 * the first of them.
 */
export function countLostShared<Name extends StepName, Thing extends SharedThing>(
  kind: SharedKind<Name, Thing>,
  steps: readonly (StepOf<Name> & { key: AttachmentKey })[],
  node: Node,
): LostRules {
  const seen = new Set<string>();
  const all = steps.map((step) => ({
    owner: attachmentDigest(step.key),
    things: kind.thingsOf(step).filter(({ id }) => !seen.has(id) && seen.add(id)),
  }));
  const lost = new Set(
    kind.missing(
      all.flatMap(({ things }) => things),
      node,
    ),
  );
  const count = (things: readonly Thing[]): number =>
    things.reduce((sum, thing) => sum + (lost.has(thing) ? kind.sizeOf(thing) : 0), 0);
  return { shared: 0, byOwner: new Map(all.map(({ owner, things }) => [owner, count(things)])) };
}
