// Host ports of attachments: put in, take out, compare. Every change is made under the node's lock: the
// kernel deletes an element by its key, to whichever attachment it belongs, and it does not see that two maps
// hold one port. Every function throws SystemError.
import type { NetlinkSocket } from "../netlink/socket.ts";
import { errnoOf, isErrno, SystemError } from "../sys/errno.ts";
import { countRules, type RuleCounts } from "./answer.ts";
import { executeBatch } from "./batch.ts";
import { deleteUnusedChains } from "./chain.ts";
import { holderOf, ownerOf } from "./comment.ts";
import { deleteElements, type Element, getElements } from "./element.ts";
import { markBitOf, PORT_TABLE, portLayout } from "./host-port-layout.ts";
import { isChainOf } from "./layout.ts";
import { deleteTableMessage } from "./message.ts";
import { ensureElements, type NodeAttachments, type On, type OwnedTable } from "./owned-table.ts";
import { chainsFor, elementsOf, type HostPorts, listPortElements } from "./port-attachment.ts";
import { claimPorts } from "./port-claim.ts";
import { isConditionChain } from "./port-condition.ts";
import { missingOrAltered } from "./read-back.ts";

/** The table of host ports. */
export const HOST_PORTS: OwnedTable<HostPorts, NodeAttachments<HostPorts>> = {
  layoutFor: ({ markBit }) => portLayout(markBit),
  chainsFor,
  listElements: listPortElements,
  countMissing: (ports, own) => elementsOf(ports).length - own.length,
  // A flushed table may have elements with conditions too, although no chain of conditions is counted.
  claim: (wanted, on, { counts, missing }) =>
    claimPorts(wanted, on, missing[0] === "table" || hasConditionChain(counts)),
  claimFor: claimPortsFor,
  release: removeHostPorts,
  makeRoom: makeRoomForBit,
  // Every change is made under the node's lock.
  changedSinceLook: [],
};

/**
 * Makes sure that the ports lead to the pod, and puts back the table when it was lost. The caller holds the
 * node's lock. SystemError EADDRINUSE when a port, or the pod's address, belongs to a living attachment,
 * EBUSY when the node's packets are marked with another bit.
 */
export function ensureHostPorts(
  socket: NetlinkSocket,
  wanted: HostPorts,
  node: NodeAttachments<HostPorts>,
): void {
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
function makeRoomForBit({ markBit }: HostPorts, socket: NetlinkSocket, counts: RuleCounts): boolean {
  const bit = markBitOf(counts);
  if (bit === undefined || bit === markBit) return false;
  const [holder] = listPortElements(socket);
  if (holder !== undefined)
    throw new SystemError(
      `mark packets with bit ${markBit}`,
      errnoOf("EBUSY"),
      `host ports of this node are marked with bit ${bit}, as those of ${holderOf(holder)}`,
    );
  executeBatch(socket, [deleteTableMessage(PORT_TABLE)]);
  return true;
}

/**
 * Puts back the host ports of another attachment, unless one of them belongs to a living attachment by now.
 */
function claimPortsFor(other: HostPorts, on: On<NodeAttachments<HostPorts>>): void {
  try {
    claimPorts(other, on, true);
  } catch (error) {
    if (!isErrno(error, "EADDRINUSE")) throw error;
  }
}

/** The attachment's elements that are there, and the number that it must have. */
export function findPortElements(
  socket: NetlinkSocket,
  ports: HostPorts,
): { found: Element[]; wanted: number } {
  const wanted = elementsOf(ports);
  const found: Element[] = [];
  for (const element of getElements(socket, wanted))
    if (ownerOf(element) === ports.owner) found.push(element);
  return { found, wanted: wanted.length };
}

/**
 * Removes the attachment's elements, and its chains that nothing leads to any more. The caller holds the
 * node's lock. True when all elements were there.
 */
export function removeHostPorts(socket: NetlinkSocket, ports: HostPorts): boolean {
  const { found, wanted } = findPortElements(socket, ports);
  // They go in the opposite order to that of an ADD, so no port is ever without its conditions.
  removePortElements(
    socket,
    found.toReversed(),
    chainsFor(ports).map(({ name }) => name),
  );
  return found.length === wanted;
}

/**
 * Removes these elements, and each chain that nothing leads to any more, of `chains` and of the chains that
 * the elements led to. The caller holds the node's lock.
 */
export function removePortElements(socket: NetlinkSocket, elements: Element[], chains: string[]): void {
  deleteElements(socket, elements);
  const candidates = new Set(chains);
  for (const { chain } of elements) if (chain !== "") candidates.add(chain);
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
