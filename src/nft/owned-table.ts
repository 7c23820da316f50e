// The protocol of a table in which attachments have elements, and which any program on the node may flush or
// delete at any moment. An ADD counts the rules of the table. When rules are missing it makes the table again
// under the node's lock, with the elements of all living attachments, and puts in its own elements after
// that.
//
// The rules are made last, because a whole table is known by them: when an ADD is killed half-way, the next
// ADD finds the table still lost and starts again.
//
// A DEL may run beside an ADD that puts back. The DEL takes out the elements of its attachment, then the
// veth, and when elements were missing it looks for them once more after the veth has gone. The ADD puts in
// the elements of that attachment and looks for the veth once more after that. Whatever the order, either the
// DEL finds the elements, or the ADD finds no veth and takes them out.
import type { NetlinkSocket } from "../netlink/socket.ts";
import { type ErrnoName, isErrno } from "../sys/errno.ts";
import { countRules, type LostRules, type RuleCounts } from "./answer.ts";
import { executeBatch } from "./batch.ts";
import { ownerOf } from "./comment.ts";
import type { Element } from "./element.ts";
import { isWholeIn, missingIn, ruleCountOf, type SharedChain, type TableLayout } from "./table-layout.ts";

/** An attachment that may have elements in a table. */
export interface Owner {
  /** The attachment's digest, with which the comments of its elements start. */
  owner: string;
}

/** The attachments of the node, as a table needs them. */
export interface NodeAttachments<Attachment extends Owner> {
  /** True while the attachment with this digest has its veth. */
  isAlive(owner: string): boolean;
  /** The owner of an element in words for people. */
  nameOf(element: Element): string;
  /** Runs `action` while no other process changes what the attachments of the node share. */
  underNodeLock(action: () => void): void;
  /** All other attachments that need elements in the table; asked only when the table was lost. */
  others(): Attachment[];
}

/** The two sides of the protocol: nftables, and the attachments of the node. */
export interface On<Node> {
  socket: NetlinkSocket;
  node: Node;
}

/** The table as an ADD found it when it looked. */
export interface Look {
  /** The rules of the table. */
  counts: RuleCounts;
  /** The parts that were not whole: the word `table`, which comes first, and names of chains. */
  missing: readonly string[];
}

/** The differences between such tables. Functions that ask the kernel throw SystemError. */
export interface OwnedTable<Attachment extends Owner, Node extends NodeAttachments<Attachment>> {
  /** The table that the attachment needs. */
  layoutFor(attachment: Attachment): TableLayout;
  /** The chains that the attachment needs besides, and shares with others. */
  chainsFor(attachment: Attachment): SharedChain[];
  /** Every element of every attachment. */
  listElements(socket: NetlinkSocket): Element[];
  /** The number of elements that the attachment lacks when these are all elements, by their owners. */
  countMissing(elements: ReadonlyMap<string, readonly Element[]>): (attachment: Attachment) => number;
  /** Puts in the elements of the attachment that is being added. */
  claim(attachment: Attachment, on: On<Node>, look: Look): void;
  /** Puts in the elements of another attachment, into a table that was lost. */
  claimFor(other: Attachment, on: On<Node>): void;
  /** Takes out the elements of an attachment, and its chains that nothing leads to any more. */
  release(socket: NetlinkSocket, attachment: Attachment): void;
  /** True for an attachment that has no veth yet and has to get its elements all the same. */
  isComing?(attachment: Attachment, node: Node): boolean;
  /** Deletes a table that stands in the place of the lost one. True when there was such a table. */
  makeRoom?(attachment: Attachment, on: On<Node>, counts: RuleCounts): boolean;
  /** The errors by which nftables tells that the table has changed since the look: then ADD looks again. */
  changedSinceLook: readonly ErrnoName[];
}

const ATTEMPTS = 6;

/**
 * Makes sure that the elements of the attachment are in the table and that the table is whole. Throws
 * SystemError.
 */
export function ensureElements<Attachment extends Owner, Node extends NodeAttachments<Attachment>>(
  table: OwnedTable<Attachment, Node>,
  wanted: Attachment,
  on: On<Node>,
): void {
  const layout = table.layoutFor(wanted);
  for (let attempt = 1; ; attempt++) {
    try {
      const counts = countRules(on.socket, layout.table);
      const missing = missingIn(counts, { layout, chains: table.chainsFor(wanted) });
      if (missing.length > 0) on.node.underNodeLock(() => putBack(table, wanted, on));
      table.claim(wanted, on, { counts, missing });
      return;
    } catch (error) {
      if (attempt === ATTEMPTS || !isErrno(error, ...table.changedSinceLook)) throw error;
    }
  }
}

/**
 * Makes the table and the chains of the attachment whole; a lost table gets back the elements of the others.
 */
function putBack<Attachment extends Owner, Node extends NodeAttachments<Attachment>>(
  table: OwnedTable<Attachment, Node>,
  wanted: Attachment,
  on: On<Node>,
): void {
  const { socket, node } = on;
  const layout = table.layoutFor(wanted);
  const counts = countRules(socket, layout.table);
  const isLost = !isWholeIn(counts, layout);
  if (isLost) {
    if (table.makeRoom?.(wanted, on, counts) === true) counts.clear();
    executeBatch(socket, layout.tableMessages());
    for (const other of node.others()) putBackOther(table, other, { ...on, counts });
  }
  makeChains(socket, table.chainsFor(wanted), counts);
  if (isLost) executeBatch(socket, layout.ruleMessages());
}

/**
 * Puts back the chains and elements of another attachment, if it lives: the address or port of a dead one may
 * belong to a living attachment by now. An attachment that dies meanwhile is taken out again.
 */
function putBackOther<Attachment extends Owner, Node extends NodeAttachments<Attachment>>(
  table: OwnedTable<Attachment, Node>,
  other: Attachment,
  { socket, node, counts }: On<Node> & { counts: Map<string, number> },
): void {
  const isAlive = () => node.isAlive(other.owner) || table.isComing?.(other, node) === true;
  if (!isAlive()) return;
  const chains = table.chainsFor(other);
  makeChains(socket, chains, counts);
  table.claimFor(other, { socket, node });
  if (isAlive()) return;
  table.release(socket, other);
  for (const { name } of chains) counts.delete(name);
}

/** Makes the chains that are not whole by `counts`, and enters them in `counts`. Throws SystemError. */
export function makeChains(
  socket: NetlinkSocket,
  chains: readonly SharedChain[],
  counts: Map<string, number>,
): void {
  for (const { name, rules, messages } of chains) {
    if (counts.get(name) === rules) continue;
    executeBatch(socket, messages());
    counts.set(name, rules);
  }
}

/**
 * True when rules of the table are missing, or a chain that the attachment shares with others. Asks for the
 * rules alone, and for no element. Throws SystemError.
 */
export function isSharedLost<Attachment extends Owner, Node extends NodeAttachments<Attachment>>(
  table: OwnedTable<Attachment, Node>,
  attachment: Attachment,
  socket: NetlinkSocket,
): boolean {
  const layout = table.layoutFor(attachment);
  const counts = countRules(socket, layout.table);
  return missingIn(counts, { layout, chains: table.chainsFor(attachment) }).length > 0;
}

/** The lost rules and elements of these attachments. Reads all elements once. Throws SystemError. */
export function countLost<Attachment extends Owner, Node extends NodeAttachments<Attachment>>(
  table: OwnedTable<Attachment, Node>,
  attachments: readonly Attachment[],
  socket: NetlinkSocket,
): LostRules {
  const byOwner = new Map<string, number>();
  const [first] = attachments;
  if (first === undefined) return { shared: 0, byOwner };
  const layout = table.layoutFor(first);
  const counts = countRules(socket, layout.table);
  const countMissing = table.countMissing(elementsByOwner(table.listElements(socket)));
  const seen = new Set<string>();
  for (const attachment of attachments) {
    let lost = Math.max(0, countMissing(attachment));
    for (const { name, rules } of table.chainsFor(attachment)) {
      if (!seen.has(name) && counts.get(name) !== rules) lost += rules;
      seen.add(name);
    }
    byOwner.set(attachment.owner, lost);
  }
  return { shared: isWholeIn(counts, layout) ? 0 : ruleCountOf(layout), byOwner };
}

function elementsByOwner(elements: Element[]): Map<string, Element[]> {
  const byOwner = new Map<string, Element[]>();
  for (const element of elements) {
    const own = byOwner.get(ownerOf(element));
    if (own === undefined) byOwner.set(ownerOf(element), [element]);
    else own.push(element);
  }
  return byOwner;
}
