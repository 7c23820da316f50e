// Host ports of attachments: put in, take out, compare. An element is ours by its comment, which starts with
// the attachment's digest. The kernel deletes by key whosever the element is, and does not see that two maps
// hold the same port; so whoever changes something here holds the node's lock.
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { errnoOf, isErrno, SystemError } from "../sys/errno.ts";
import { countRules, type LostRules } from "./answer.ts";
import { deleteUnusedChains } from "./chain.ts";
import { deleteElements, type Element, getElements, ownerOf } from "./element.ts";
import {
  arePortRulesWhole,
  deletePortTableMessages,
  type HairpinChain,
  hairpinMessages,
  hairpinRuleCount,
  isMarkingChain,
  PORT_RULES,
  PORT_TABLE,
  portRuleMessages,
  portTableMessages,
} from "./host-port-layout.ts";
import { isChainOf } from "./layout.ts";
import { executeBatch } from "./message.ts";
import { claimPorts, elementsOf, holderOf, listPortElements } from "./port-claim.ts";
import {
  type ConditionChain,
  conditionMessages,
  conditionRuleCount,
  isConditionChain,
} from "./port-condition.ts";
import type { PortMapping } from "./port-element.ts";

/** The host ports of one attachment. */
export interface HostPorts {
  /** The attachment's digest: the owner of its elements. */
  owner: string;
  /** For people who list the rules: network, container, interface. */
  label: string;
  /** At least one. */
  mappings: PortMapping[];
  /** Who gets the node's address; undefined: nobody. */
  chain: HairpinChain | undefined;
  /** What connections have to be like: for each family one chain at most. */
  conditions: ConditionChain[];
  /** Number of the bit that marks packets on their way to a host port; one for the whole node. */
  markBit: number;
}

export interface PortNeighbours {
  /** Does the attachment with this digest still live? */
  isAlive(owner: string): boolean;
  /** All other attachments with host ports; asked only when the table was lost. */
  others(): HostPorts[];
}

/**
 * Makes sure that the ports lead to the pod, and puts back the table when it was lost. The caller holds the
 * node's lock. Throws SystemError; EADDRINUSE when a port, or the pod's address, belongs to a living
 * attachment, EBUSY when the node's packets are marked with another bit.
 */
export function ensureHostPorts(socket: NetlinkSocket, wanted: HostPorts, neighbours: PortNeighbours): void {
  const counts = countRules(socket, PORT_TABLE);
  const missing = missingParts(counts, wanted);
  if (missing.length > 0) putBack(socket, wanted, neighbours);
  // A flushed table shows no chain of conditions, and its elements may still be there.
  claimPorts(socket, wanted, neighbours, missing[0] === "table" || hasConditionChain(counts));
}

function hasConditionChain(counts: ReadonlyMap<string, number>): boolean {
  for (const chain of counts.keys()) if (isConditionChain(chain)) return true;
  return false;
}

/**
 * Which parts of the ruleset are not whole: the word `table`, the names of the chains that the attachment
 * needs besides. Throws SystemError.
 */
export function missingPortParts(
  socket: NetlinkSocket,
  wanted: Pick<HostPorts, "chain" | "conditions" | "markBit">,
): string[] {
  return missingParts(countRules(socket, PORT_TABLE), wanted);
}

function missingParts(
  counts: ReadonlyMap<string, number>,
  { chain, conditions, markBit }: Pick<HostPorts, "chain" | "conditions" | "markBit">,
): string[] {
  const missing = arePortRulesWhole(counts, markBit) ? [] : ["table"];
  for (const part of partsOf({ chain, conditions }))
    if (counts.get(part.name) !== part.rules) missing.push(part.name);
  return missing;
}

/** A chain that attachments share. */
interface Part {
  name: string;
  /** How many rules it has when it is whole. */
  rules: number;
  /** What makes it whole. */
  messages(): Message[];
}

/** The chains that an attachment needs besides those of the table. */
function partsOf({ chain, conditions }: Pick<HostPorts, "chain" | "conditions">): Part[] {
  const parts: Part[] = [];
  if (chain !== undefined)
    parts.push({ name: chain.name, rules: hairpinRuleCount(chain), messages: () => hairpinMessages(chain) });
  for (const each of conditions)
    parts.push({ name: each.name, rules: conditionRuleCount(each), messages: () => conditionMessages(each) });
  return parts;
}

/** How much of what these attachments want is not there. Reads all elements once. Throws SystemError. */
export function countLostPorts(socket: NetlinkSocket, wanted: readonly HostPorts[]): LostRules {
  const [first] = wanted;
  if (first === undefined) return { shared: 0, byOwner: new Map() };
  const counts = countRules(socket, PORT_TABLE);
  const found = new Map<string, number>();
  for (const element of listPortElements(socket))
    found.set(ownerOf(element), (found.get(ownerOf(element)) ?? 0) + 1);
  const byOwner = new Map<string, number>();
  const seen = new Set<string>();
  for (const ports of wanted) {
    const { owner } = ports;
    let lost = Math.max(0, elementsOf(ports).length - (found.get(owner) ?? 0));
    for (const { name, rules } of partsOf(ports)) {
      if (!seen.has(name) && counts.get(name) !== rules) lost += rules;
      seen.add(name);
    }
    byOwner.set(owner, lost);
  }
  return { shared: arePortRulesWhole(counts, first.markBit) ? 0 : PORT_RULES, byOwner };
}

/**
 * The rules, by which a whole table is known, come last: when this is killed half-way the next ADD starts
 * again.
 */
function putBack(socket: NetlinkSocket, wanted: HostPorts, neighbours: PortNeighbours): void {
  const isLost = missingPortParts(socket, { ...NO_PARTS, markBit: wanted.markBit })[0] === "table";
  if (isLost) {
    makeRoomForBit(socket, wanted.markBit);
    executeBatch(socket, portTableMessages(wanted.markBit));
    for (const other of neighbours.others())
      if (neighbours.isAlive(other.owner)) putBackOther(socket, other, neighbours);
  }
  putBackParts(socket, wanted);
  if (isLost) executeBatch(socket, portRuleMessages(wanted.markBit));
}

const NO_PARTS = { chain: undefined, conditions: [] };

function putBackParts(socket: NetlinkSocket, ports: HostPorts): void {
  for (const { messages } of partsOf(ports)) executeBatch(socket, messages());
}

/** A table that marks with another bit goes, if nobody has a host port in it. */
function makeRoomForBit(socket: NetlinkSocket, markBit: number): void {
  const other = [...countRules(socket, PORT_TABLE).keys()].find(isMarkingChain);
  if (other === undefined || missingPortParts(socket, { ...NO_PARTS, markBit }).length === 0) return;
  const bit = Number(other.split("-")[1]);
  if (bit === markBit) return;
  const [holder] = listPortElements(socket);
  if (holder !== undefined)
    throw new SystemError(
      `mark packets with bit ${markBit}`,
      errnoOf("EBUSY"),
      `host ports of this node are marked with bit ${bit}, as those of ${holderOf(holder)}`,
    );
  executeBatch(socket, deletePortTableMessages());
}

/**
 * Whoever takes an attachment away looks for its elements once more when its veth has gone, so one of the two
 * of us sees the other.
 */
function putBackOther(socket: NetlinkSocket, other: HostPorts, neighbours: PortNeighbours): void {
  putBackParts(socket, other);
  try {
    claimPorts(socket, other, neighbours, true);
  } catch (error) {
    // Somebody put this port to another use while there was no table: who is first has it.
    if (!isErrno(error, "EADDRINUSE")) throw error;
  }
  if (!neighbours.isAlive(other.owner)) removeHostPorts(socket, other);
}

/** Those of the attachment's elements that are there, of all that it must have. Throws SystemError. */
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
 * Takes out the attachment's elements, and its network's chain if it was the last. The caller holds the
 * node's lock. True when all were there. Throws SystemError.
 */
export function removeHostPorts(socket: NetlinkSocket, ports: HostPorts): boolean {
  const { found, wanted } = findPortElements(socket, ports);
  // The other way round than they were put in: no port is left without its conditions.
  removePortElements(
    socket,
    found.toReversed(),
    partsOf(ports).map(({ name }) => name),
  );
  return found.length === wanted;
}

/**
 * Takes out these elements, and each chain that nothing leads to any more: theirs, and those named. The
 * caller holds the node's lock. Throws SystemError.
 */
export function removePortElements(socket: NetlinkSocket, elements: Element[], chains: string[]): void {
  deleteElements(socket, elements);
  const candidates = new Set(chains);
  for (const { chain } of elements) if (chain !== "") candidates.add(chain);
  if (candidates.size > 0) deleteUnusedChains(socket, PORT_TABLE, candidates, countRules(socket, PORT_TABLE));
}

/**
 * The chains of a network, whatever subnets they were made for, and those of conditions, which are no
 * network's own. Throws SystemError.
 */
export function listPortChains(socket: NetlinkSocket, network: string): string[] {
  return [...countRules(socket, PORT_TABLE).keys()].filter(
    (chain) => isChainOf(network, chain) || isConditionChain(chain),
  );
}
