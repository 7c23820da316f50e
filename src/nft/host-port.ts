// Host ports of attachments: put in, take out, compare. Every change is made under the node's lock: the
// kernel deletes an element by its key, to whichever attachment it belongs, and it does not see that two maps
// hold one port. Every function throws SystemError.
import type { NetlinkSocket } from "../netlink/socket.ts";
import { errnoOf, isErrno, SystemError } from "../sys/errno.ts";
import { countRules, type RuleCounts } from "./answer.ts";
import { executeBatch } from "./batch.ts";
import { deleteUnusedChains } from "./chain.ts";
import { ownerOf } from "./comment.ts";
import { type Element, getElements } from "./element.ts";
import { markBitOf, PORT_TABLE, portLayout, UNMARK } from "./host-port-layout.ts";
import { isChainOf } from "./layout.ts";
import { deleteTableMessage, getTableMessage } from "./message.ts";
import { ensureElements, type On, type OwnedTable } from "./owned-table.ts";
import { chainsFor, elementsOf, type HostPorts, listPortElements } from "./port-attachment.ts";
import { claimPorts, type PortNode } from "./port-claim.ts";
import { isConditionChain } from "./port-condition.ts";
import { covers, ElementIndex, handOver } from "./port-share.ts";
import { missingOrAltered } from "./read-back.ts";

/** The table of host ports. */
export const HOST_PORTS: OwnedTable<HostPorts, PortNode> = {
  layoutFor: ({ markBit }) => portLayout(markBit),
  chainsFor,
  listElements: listPortElements,
  countMissing: missingAmong,
  // A flushed table may have elements with conditions too, although no chain of conditions is counted.
  claim: (wanted, on, { counts, missing }) =>
    claimPorts(wanted, on, missing[0] === "table" || hasConditionChain(counts)),
  claimFor: claimPortsFor,
  release: removeHostPorts,
  makeRoom: makeRoomForBit,
  // Every change is made under the node's lock.
  changedSinceLook: [],
};

/** The way to count the elements that an attachment lacks, of its own and of those that a sibling holds. */
function missingAmong(elements: ReadonlyMap<string, readonly Element[]>): (ports: HostPorts) => number {
  let all: Holders | undefined;
  return (ports) => {
    const own = elements.get(ports.owner) ?? [];
    const wanted = elementsOf(ports);
    if (own.length >= wanted.length || ports.siblings === undefined)
      return Math.max(0, wanted.length - own.length);
    all ??= holdersOf([...elements.values()].flat());
    return wanted.length - own.length - leftOf(wanted, all, ports).length;
  };
}

/**
 * Makes sure that the ports lead to the pod, and puts back the table when it was lost. The caller holds the
 * node's lock. SystemError EADDRINUSE when a port, or the pod's address, belongs to a living attachment,
 * EBUSY when the node's packets are marked with another bit.
 */
export function ensureHostPorts(socket: NetlinkSocket, wanted: HostPorts, node: PortNode): void {
  ensureElements(HOST_PORTS, wanted, { socket, node });
}

function hasConditionChain(counts: RuleCounts): boolean {
  for (const chain of counts.keys()) if (isConditionChain(chain)) return true;
  return false;
}

/**
 * The parts of the ruleset that are not whole, for CHECK: the word `table`, and the names of the chains that
 * the attachment needs besides.
 */
export function missingPortParts(
  socket: NetlinkSocket,
  wanted: Pick<HostPorts, "chain" | "conditions" | "markBit">,
): string[] {
  const parts = { layout: portLayout(wanted.markBit), chains: chainsFor(wanted) };
  return missingOrAltered(socket, parts);
}

/** Deletes a table that marks with another bit, unless an attachment has a host port in it. */
function makeRoomForBit({ markBit }: HostPorts, { socket, node }: On<PortNode>, counts: RuleCounts): boolean {
  const bit = markBitOf(counts);
  if (bit === undefined || bit === markBit) return false;
  const [holder] = listPortElements(socket);
  if (holder !== undefined)
    throw new SystemError(
      `mark packets with bit ${markBit}`,
      errnoOf("EBUSY"),
      `host ports of this node are marked with bit ${bit}, as those of ${node.nameOf(holder)}`,
    );
  executeBatch(socket, [deleteTableMessage(PORT_TABLE)]);
  return true;
}

/** True when the table of host ports is there, and no attachment has one in it. */
export function isPortTableIdle(socket: NetlinkSocket): boolean {
  const [outcome] = socket.transact([getTableMessage(PORT_TABLE)]);
  if (outcome?.error !== undefined && !isErrno(outcome.error, "ENOENT")) throw outcome.error;
  return outcome?.error === undefined && listPortElements(socket).length === 0;
}

/** Deletes the table of host ports with all that is in it. */
export function deletePortTable(socket: NetlinkSocket): void {
  executeBatch(socket, [deleteTableMessage(PORT_TABLE)]);
}

/**
 * Puts back the host ports of another attachment, unless one of them belongs to a living attachment by now.
 */
function claimPortsFor(other: HostPorts, on: On<PortNode>): void {
  try {
    claimPorts(other, on, true);
  } catch (error) {
    if (!isErrno(error, "EADDRINUSE")) throw error;
  }
}

/** The elements of an attachment, as they are found. */
export interface FoundPorts {
  /** Its own elements. */
  found: Element[];
  /** The number of elements whose ports a sibling holds. */
  left: number;
  /** The number of elements that it must have, of its own or left to a sibling. */
  wanted: number;
}

/** Looks for the elements of an attachment. Throws SystemError. */
export function findPortElements(socket: NetlinkSocket, ports: HostPorts): FoundPorts {
  const wanted = elementsOf(ports);
  const held = getElements(socket, wanted);
  const found = held.filter((element) => ownerOf(element) === ports.owner);
  const isWhole = found.length === wanted.length || ports.siblings === undefined;
  const left = isWhole ? 0 : leftOf(wanted, holdersOf(held), ports).length;
  return { found, left, wanted: wanted.length };
}

/** Elements that may hold the ports of others. */
type Holders = ElementIndex<{ element: Element }>;

function holdersOf(elements: readonly Element[]): Holders {
  return new ElementIndex(elements.map((element) => ({ element })));
}

/** Those of the elements that are not there because a living sibling holds the port. */
function leftOf(wanted: Element[], holders: Holders, { owner, siblings }: HostPorts): Element[] {
  if (siblings === undefined) return [];
  return wanted.filter((element) =>
    holders
      .withSamePort(element)
      .some(
        ({ element: other }) => ownerOf(other) !== owner && covers(other, element) && siblings.hold(other),
      ),
  );
}

/**
 * Removes the attachment's elements, and its chains that nothing leads to any more. Ports that siblings wait
 * for go to these. The caller holds the node's lock. True when all elements were there.
 */
export function removeHostPorts(socket: NetlinkSocket, ports: HostPorts): boolean {
  const { found, left, wanted } = findPortElements(socket, ports);
  const chains = chainsFor(ports).map(({ name }) => name);
  // They go in the opposite order to that of an ADD, so no port is ever without its conditions.
  const remove = (heirs: HostPorts[]): void =>
    removePortElements(socket, found.toReversed(), { chains, heirs });
  if (ports.siblings === undefined) remove([]);
  else ports.siblings.inherit(remove);
  return found.length + left === wanted;
}

/** The other changes when elements go. */
interface Afterwards {
  /** Chains to remove when nothing leads to them any more. */
  chains: string[];
  /** The host ports of living attachments that want the ports. */
  heirs: readonly HostPorts[];
}

/**
 * Removes these elements, and each chain that nothing leads to any more, of `chains` and of the chains that
 * the elements led to. The caller holds the node's lock.
 */
export function removePortElements(
  socket: NetlinkSocket,
  elements: Element[],
  { chains, heirs }: Afterwards,
): void {
  handOver(socket, elements, heirs);
  const candidates = new Set(chains);
  for (const { chain } of elements) if (chain !== "" && chain !== UNMARK) candidates.add(chain);
  if (candidates.size === 0) return;
  deleteUnusedChains(socket, { table: PORT_TABLE, rules: countRules(socket, PORT_TABLE) }, candidates);
}

/**
 * The chains of a network, for whatever subnets they were made, and all chains of conditions, which belong to
 * no network.
 */
export function listPortChains(socket: NetlinkSocket, network: string): string[] {
  return [...countRules(socket, PORT_TABLE).keys()].filter(
    (chain) => isChainOf(network, chain) || isConditionChain(chain),
  );
}
