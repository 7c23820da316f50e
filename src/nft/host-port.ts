// Host ports of attachments: put in, take out, compare. An element is ours by its comment, which starts with the attachment's
// digest. The kernel deletes by key whosever the element is, and does not see that two maps hold the same port; so whoever
// changes something here holds the node's lock.
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { errnoOf, isErrno, SystemError } from "../sys/errno.ts";
import { countRules, type LostRules } from "./answer.ts";
import { deleteUnusedChains } from "./chain.ts";
import { addElementMessage, BATCH_ELEMENTS, deleteElementMessage, deleteElements, type Element, type ElementPlace, getElements, listElements, ownerComment, ownerOf, searchElements } from "./element.ts";
import {
  arePortRulesWhole, deletePortTableMessages, type HairpinChain, hairpinMessages, hairpinRuleCount, isMarkingChain, PORT_MAPS, PORT_RULES, PORT_TABLE, portRuleMessages, portTableMessages,
} from "./host-port-layout.ts";
import { isChainOf } from "./layout.ts";
import { executeBatch, firstRefusal } from "./message.ts";
import { type ConditionChain, conditionMessages, conditionRuleCount, isConditionChain } from "./port-condition.ts";
import { claimOf, claimsOverlap, claimText, conditionMap, isOfAllAddresses, keyTest, mappingPlaces, portKey, type PortMapping, unseenMaps } from "./port-element.ts";
import { type Address, addressBytes, formatAddress, sameAddress } from "../ip/address.ts";
import { mapped } from "../list.ts";

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
 * Makes sure that the ports lead to the pod, and puts back the table when it was lost. The caller holds the node's lock.
 * Throws SystemError; EADDRINUSE when a port, or the pod's address, belongs to a living attachment, EBUSY when the node's
 * packets are marked with another bit.
 */
export function ensureHostPorts(socket: NetlinkSocket, wanted: HostPorts, neighbours: PortNeighbours): void {
  const counts = countRules(socket, PORT_TABLE);
  const missing = missingParts(counts, wanted);
  if (missing.length > 0) putBack(socket, wanted, neighbours);
  // A flushed table shows no chain of conditions, and its elements may still be there.
  claim(socket, wanted, neighbours, missing[0] === "table" || hasConditionChain(counts));
}

function hasConditionChain(counts: ReadonlyMap<string, number>): boolean {
  for (const chain of counts.keys()) if (isConditionChain(chain)) return true;
  return false;
}

/** Which parts of the ruleset are not whole: the word `table`, the names of the chains that the attachment needs besides. Throws SystemError. */
export function missingPortParts(socket: NetlinkSocket, wanted: Pick<HostPorts, "chain" | "conditions" | "markBit">): string[] {
  return missingParts(countRules(socket, PORT_TABLE), wanted);
}

function missingParts(counts: ReadonlyMap<string, number>, { chain, conditions, markBit }: Pick<HostPorts, "chain" | "conditions" | "markBit">): string[] {
  const missing = arePortRulesWhole(counts, markBit) ? [] : ["table"];
  for (const part of partsOf({ chain, conditions })) if (counts.get(part.name) !== part.rules) missing.push(part.name);
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
  if (chain !== undefined) parts.push({ name: chain.name, rules: hairpinRuleCount(chain), messages: () => hairpinMessages(chain) });
  for (const each of conditions) parts.push({ name: each.name, rules: conditionRuleCount(each), messages: () => conditionMessages(each) });
  return parts;
}

/** How much of what these attachments want is not there. Reads all elements once. Throws SystemError. */
export function countLostPorts(socket: NetlinkSocket, wanted: readonly HostPorts[]): LostRules {
  const [first] = wanted;
  if (first === undefined) return { shared: 0, byOwner: new Map() };
  const counts = countRules(socket, PORT_TABLE);
  const found = new Map<string, number>();
  for (const element of listPortElements(socket)) found.set(ownerOf(element), (found.get(ownerOf(element)) ?? 0) + 1);
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

/** The rules, by which a whole table is known, come last: when this is killed half-way the next ADD starts again. */
function putBack(socket: NetlinkSocket, wanted: HostPorts, neighbours: PortNeighbours): void {
  const isLost = missingPortParts(socket, { ...NO_PARTS, markBit: wanted.markBit })[0] === "table";
  if (isLost) {
    makeRoomForBit(socket, wanted.markBit);
    executeBatch(socket, portTableMessages(wanted.markBit));
    for (const other of neighbours.others()) if (neighbours.isAlive(other.owner)) putBackOther(socket, other, neighbours);
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
  if (holder !== undefined) throw new SystemError(`mark packets with bit ${markBit}`, errnoOf("EBUSY"), `host ports of this node are marked with bit ${bit}, as those of ${holderOf(holder)}`);
  executeBatch(socket, deletePortTableMessages());
}

/** Whoever takes an attachment away looks for its elements once more when its veth has gone, so one of the two of us sees the other. */
function putBackOther(socket: NetlinkSocket, other: HostPorts, neighbours: PortNeighbours): void {
  putBackParts(socket, other);
  try {
    claim(socket, other, neighbours, true);
  } catch (error) {
    // Somebody put this port to another use while there was no table: who is first has it.
    if (!isErrno(error, "EADDRINUSE")) throw error;
  }
  if (!neighbours.isAlive(other.owner)) removeHostPorts(socket, other);
}

/** Takes all places of the attachment: what is its own already, or a dead owner's, gives way. */
function claim(socket: NetlinkSocket, wanted: HostPorts, neighbours: PortNeighbours, hasConditions: boolean): void {
  const elements = elementsOf(wanted);
  let held = heldUnseen(socket, wanted.mappings, hasConditions);
  for (let seenAll = false; ; seenAll = true) {
    const messages = mapped(obstacles(held, wanted, elements, neighbours), deleteElementMessage);
    for (const element of elements) messages.push(addElementMessage(element));
    const error = sendInParts(socket, messages);
    if (error === undefined) return;
    if (seenAll || !isErrno(error, "EEXIST", "ENOTEMPTY")) throw error;
    held = listPortElements(socket);
  }
}

/**
 * Where the kernel does not see that an element stands for one of these ports too: elements to ask for by their keys, however
 * many there are in the map, and maps to look through, which are those of mappings that most pods do not have.
 */
function heldUnseen(socket: NetlinkSocket, mappings: PortMapping[], hasConditions: boolean): Element[] {
  const asked: ElementPlace[] = [];
  const searched: string[] = [];
  for (const mapping of mappings) {
    for (const set of unseenMaps(mapping, hasConditions)) {
      if (searched.includes(set)) continue;
      // A port of all addresses has no one key in a map of single ones.
      const isAskable = mapping.hostAddress !== undefined || isOfAllAddresses(set);
      if (!isAskable || asked.length + mapping.last - mapping.first >= MOST_ASKED) searched.push(set);
      else for (let port = mapping.first; port <= mapping.last; port++) asked.push({ table: PORT_TABLE, set, key: portKey(set, mapping, port) });
    }
  }
  const held = asked.length === 0 ? [] : getElements(socket, asked);
  for (const set of searched) held.push(...searchElements(socket, PORT_TABLE, set, keyTest(set, mappings)));
  return held;
}

/** From so many keys on it costs less to look through the map. */
const MOST_ASKED = 500;

/** Which of the held elements have to go. Throws SystemError EADDRINUSE for one of a living attachment. */
function obstacles(held: Element[], wanted: HostPorts, elements: Element[], neighbours: PortNeighbours): Element[] {
  const found: Element[] = [];
  for (const element of held) {
    const claimed = claimOf(element);
    const taken = claimed && wanted.mappings.find((mapping) => claimsOverlap(mapping, claimed));
    const isSame = claimed === undefined && elements.some(({ chain, set, key }) => chain !== "" && set === element.set && key.join() === element.key.join());
    if ((taken === undefined && !isSame) || found.some((other) => isSamePlace(other, element))) continue;
    const owner = ownerOf(element);
    if (owner !== wanted.owner && neighbours.isAlive(owner)) {
      const what = taken === undefined ? `lead host ports to ${wanted.mappings.map(({ target }) => formatAddress(target)).join(", ")}` : `take ${claimText(taken)}`;
      throw new SystemError(what, errnoOf("EADDRINUSE"), holderOf(element));
    }
    found.push(element);
  }
  return found;
}

/** An element that stands for several ports is the answer for each of them. */
function isSamePlace(a: Element, b: Element): boolean {
  return a.set === b.set && a.key.join() === b.key.join();
}

/** The attachment that an element belongs to, in words. */
function holderOf(element: Element): string {
  return element.comment.slice(ownerOf(element).length + 1) || "an unknown attachment";
}

function sendInParts(socket: NetlinkSocket, messages: Message[]): SystemError | undefined {
  for (let at = 0; at < messages.length; at += BATCH_ELEMENTS) {
    const error = firstRefusal(socket, messages.slice(at, at + BATCH_ELEMENTS));
    if (error !== undefined) return error;
  }
  return undefined;
}

function elementsOf({ mappings, chain, conditions, ...ports }: HostPorts): Element[] {
  const comment = ownerComment(ports);
  const elements: Element[] = [];
  for (const mapping of mappings) {
    const where = conditions.find(({ family }) => family === mapping.family);
    for (const place of mappingPlaces(mapping)) {
      // First, so that no port leads anywhere without its conditions.
      if (where !== undefined) elements.push({ ...place, set: conditionMap(place.set), value: undefined, table: PORT_TABLE, chain: where.name, comment });
      elements.push({ ...place, table: PORT_TABLE, chain: "", comment });
    }
  }
  if (chain === undefined) return elements;
  for (const target of targetsOf(mappings)) elements.push({ table: PORT_TABLE, set: `hairpin${target.family}`, key: addressBytes(target), chain: chain.name, comment });
  return elements;
}

/** The pod's addresses that ports lead to, each one once. */
function targetsOf(mappings: PortMapping[]): Address[] {
  const targets: Address[] = [];
  next: for (const { target } of mappings) {
    for (const known of targets) if (sameAddress(known, target)) continue next;
    targets.push(target);
  }
  return targets;
}

/** Those of the attachment's elements that are there, of all that it must have. Throws SystemError. */
export function findPortElements(socket: NetlinkSocket, ports: HostPorts): { found: Element[]; wanted: number } {
  const wanted = elementsOf(ports);
  const found: Element[] = [];
  for (const element of getElements(socket, wanted)) if (ownerOf(element) === ports.owner) found.push(element);
  return { found, wanted: wanted.length };
}

/** Takes out the attachment's elements, and its network's chain if it was the last. The caller holds the node's lock. True when all were there. Throws SystemError. */
export function removeHostPorts(socket: NetlinkSocket, ports: HostPorts): boolean {
  const { found, wanted } = findPortElements(socket, ports);
  // The other way round than they were put in: no port is left without its conditions.
  removePortElements(socket, found.toReversed(), mapped(partsOf(ports), ({ name }) => name));
  return found.length === wanted;
}

/** Takes out these elements, and each chain that nothing leads to any more: theirs, and those named. The caller holds the node's lock. Throws SystemError. */
export function removePortElements(socket: NetlinkSocket, elements: Element[], chains: string[]): void {
  deleteElements(socket, elements);
  const candidates = new Set(chains);
  for (const { chain } of elements) if (chain !== "") candidates.add(chain);
  if (candidates.size > 0) deleteUnusedChains(socket, PORT_TABLE, candidates, countRules(socket, PORT_TABLE));
}

/** The chains of a network, whatever subnets they were made for, and those of conditions, which are no network's own. Throws SystemError. */
export function listPortChains(socket: NetlinkSocket, network: string): string[] {
  return [...countRules(socket, PORT_TABLE).keys()].filter((chain) => isChainOf(network, chain) || isConditionChain(chain));
}

/** Every element of every attachment on the node; none when there is no table. Throws SystemError. */
export function listPortElements(socket: NetlinkSocket): Element[] {
  return PORT_MAPS.flatMap((name) => listElements(socket, PORT_TABLE, name));
}
