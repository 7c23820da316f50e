// Masquerading for attachments: put in, take out, compare. Elements are ours by their comment, which starts
// with the attachment's digest; the kernel itself deletes by key and does not ask whose element it is.
import type { Address } from "../ip/address.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import { errnoOf, isErrno, SystemError } from "../sys/errno.ts";
import { countRules, type LostRules } from "./answer.ts";
import { deleteUnusedChains } from "./chain.ts";
import {
  addElementMessage,
  deleteElementMessage,
  deleteElements,
  type Element,
  type ElementPlace,
  getElement,
  listElements,
  networkOfComment,
  ownerComment,
  ownerOf,
} from "./element.ts";
import {
  elementPlaces,
  isChainOf,
  MAPS,
  type NetworkChain,
  networkMessages,
  networkRuleCount,
  POSTROUTING,
  POSTROUTING_RULES,
  postroutingMessages,
  TABLE,
  tableMessages,
} from "./layout.ts";
import { executeBatch, firstRefusal } from "./message.ts";

/** What is masqueraded for one attachment. */
export interface Masquerade {
  /** The attachment's digest: the owner of its elements. */
  owner: string;
  /** For people who list the rules: network, container, interface. */
  label: string;
  chain: NetworkChain;
  bridge: string;
  addresses: Address[];
}

export interface Neighbours {
  /** Does the attachment with this digest still live? */
  isAlive(owner: string): boolean;
  /**
   * Has an attachment of our own network lost its address to us? Then its element is ours to take, although
   * it lives.
   */
  lostAddress(owner: string): boolean;
  /**
   * Do its packets come in by this interface, the bridge or the gateway of a VLAN? `network` is its own;
   * undefined when nobody knows.
   */
  isOnBridge(owner: string, network: string | undefined, bridge: string): boolean;
  /** Runs `action` while no other process changes what the node shares. */
  underNodeLock(action: () => void): void;
  /** The element of this owner had to give way to ours: it had our address, and is no attachment any more. */
  giveWay(owner: string): void;
  /** All other attachments that have to be masqueraded; asked only when the table was lost. */
  others(): Masquerade[];
}

const ATTEMPTS = 6;

/**
 * Makes sure that the attachment's addresses are masqueraded, and puts back whatever of the table was lost.
 * Throws SystemError.
 */
export function ensureMasquerade(socket: NetlinkSocket, wanted: Masquerade, neighbours: Neighbours): void {
  for (let attempt = 1; ; attempt++) {
    try {
      const missing = missingParts(socket, [wanted.chain]);
      if (missing.length > 0) neighbours.underNodeLock(() => putBack(socket, wanted, neighbours));
      for (const address of wanted.addresses) ensureElement(socket, wanted, address, neighbours);
      return;
    } catch (error) {
      // A network's last DEL took its chain away between our look and our element.
      if (attempt === ATTEMPTS || !isErrno(error, "ENOENT")) throw error;
    }
  }
}

/** Which parts of the ruleset are not whole: the word `table`, or names of chains. Throws SystemError. */
export function missingParts(socket: NetlinkSocket, chains: NetworkChain[]): string[] {
  const counts = countRules(socket, TABLE);
  const missing = counts.get(POSTROUTING) === POSTROUTING_RULES ? [] : ["table"];
  for (const chain of chains)
    if (counts.get(chain.name) !== networkRuleCount(chain)) missing.push(chain.name);
  return missing;
}

/**
 * Makes the table whole, with the wanted chain; a lost table gets back the elements of everybody. The rules
 * of chain postrouting, by which a whole table is known, come last: when this is killed half-way the next ADD
 * starts again.
 */
function putBack(socket: NetlinkSocket, wanted: Masquerade, neighbours: Neighbours): void {
  const lostTable = missingParts(socket, [])[0] === "table";
  // Who is dead may have an address that is a living one's by now.
  const others = lostTable ? neighbours.others().filter(({ owner }) => neighbours.isAlive(owner)) : [];
  const chains = new Map([wanted, ...others].map(({ chain }) => [chain.name, chain]));
  const missing = new Set(missingParts(socket, [...chains.values()]));
  if (lostTable) executeBatch(socket, tableMessages());
  for (const chain of chains.values())
    if (missing.has(chain.name)) executeBatch(socket, networkMessages(chain));
  for (const other of others) putBackOther(socket, other, neighbours);
  if (lostTable) executeBatch(socket, postroutingMessages());
}

/**
 * Whoever takes an attachment away looks for its elements once more when its veth has gone, so one of the two
 * of us sees the other.
 */
function putBackOther(socket: NetlinkSocket, other: Masquerade, neighbours: Neighbours): void {
  for (const address of other.addresses) ensureElement(socket, other, address, neighbours);
  if (!neighbours.isAlive(other.owner)) removeMasquerade(socket, other, { chain: other.chain.name });
}

/** How much of what these attachments want is not there. Reads all elements once. Throws SystemError. */
export function countLost(socket: NetlinkSocket, wanted: readonly Masquerade[]): LostRules {
  const missing = new Set(
    wanted.length === 0
      ? []
      : missingParts(
          socket,
          wanted.map(({ chain }) => chain),
        ),
  );
  const found = new Map<string, number>();
  for (const element of wanted.length === 0 ? [] : listAllElements(socket)) {
    const key = `${ownerOf(element)} ${element.chain}`;
    found.set(key, (found.get(key) ?? 0) + 1);
  }
  const byOwner = new Map<string, number>();
  const shared = missing.delete("table") ? POSTROUTING_RULES : 0;
  for (const { owner, chain, addresses } of wanted) {
    const elements = Math.max(0, addresses.length - (found.get(`${owner} ${chain.name}`) ?? 0));
    byOwner.set(owner, elements + (missing.delete(chain.name) ? networkRuleCount(chain) : 0));
  }
  return { shared, byOwner };
}

/**
 * Puts an address into the common map, or, where another network's living pod has it too, into the one keyed
 * by bridge.
 */
function ensureElement(
  socket: NetlinkSocket,
  wanted: Masquerade,
  address: Address,
  neighbours: Neighbours,
): void {
  const { common, byBridge } = elementPlaces(address, wanted.bridge);
  const first = claim(socket, wanted, common, neighbours);
  if (first === undefined) return;
  // On one bridge two pods with one address cannot work, whatever the rules say.
  const holder = neighbours.isOnBridge(ownerOf(first), networkOfComment(first), wanted.bridge)
    ? first
    : claim(socket, wanted, byBridge, neighbours);
  if (holder === undefined) return;
  throw new SystemError(
    "masquerade the address",
    errnoOf("EADDRINUSE"),
    `on bridge ${wanted.bridge} it belongs to ${holder.comment}`,
  );
}

/**
 * Takes a place for the attachment: the element of an owner who is dead, or has lost the address to us, gives
 * way. Anybody else's is returned.
 */
function claim(
  socket: NetlinkSocket,
  wanted: Masquerade,
  place: ElementPlace,
  neighbours: Neighbours,
): Element | undefined {
  const element: Element = { ...place, chain: wanted.chain.name, comment: ownerComment(wanted) };
  for (let attempt = 1; ; attempt++) {
    const error = firstRefusal(socket, [addElementMessage(element)]);
    if (error === undefined) return undefined;
    if (!isErrno(error, "EEXIST") || attempt === ATTEMPTS) throw error;
    const holder = getElement(socket, place);
    if (holder === undefined) continue;
    const mine = ownerOf(holder) === wanted.owner;
    if (mine && holder.chain === element.chain) return undefined;
    if (!mine && neighbours.isAlive(ownerOf(holder)) && !neighbours.lostAddress(ownerOf(holder)))
      return holder;
    const replaced = firstRefusal(socket, [deleteElementMessage(place), addElementMessage(element)]);
    if (replaced === undefined) {
      if (!mine) neighbours.giveWay(ownerOf(holder));
      return undefined;
    }
    if (attempt === ATTEMPTS) throw replaced;
  }
}

/** Where to look for an attachment's elements; without addresses all maps are read. */
export interface MasqueradeTraces {
  owner: string;
  bridge: string;
  addresses: Address[] | undefined;
}

/** The chains to try: the attachment's own, or, where nobody knows it, all of its network. */
export type ChainTraces = { chain: string } | { network: string };

/**
 * Takes out the attachment's elements, and the chain of its network if it was the last. Only elements that
 * carry its digest go: hold the network's lease lock, so that an address cannot get a new owner in between.
 * Throws SystemError.
 */
export function removeMasquerade(socket: NetlinkSocket, traces: MasqueradeTraces, chains: ChainTraces): void {
  const elements = findElements(socket, traces);
  deleteElements(socket, elements);
  removeUnusedChains(socket, elements, chains);
}

/**
 * After these elements were deleted: takes out each of the chains that nothing leads to any more, theirs and
 * those named. Throws SystemError.
 */
export function removeUnusedChains(socket: NetlinkSocket, elements: Element[], chains: ChainTraces): void {
  const rules = countRules(socket, TABLE);
  const candidates = new Set<string>();
  for (const { chain } of elements) if (chain !== "") candidates.add(chain);
  // A killed ADD may have made the chain and no element, a killed DEL may have taken the element and not the
  // chain.
  if ("chain" in chains) candidates.add(chains.chain);
  else for (const chain of rules.keys()) if (isChainOf(chains.network, chain)) candidates.add(chain);
  deleteUnusedChains(socket, TABLE, candidates, rules);
}

/** The elements that carry the attachment's digest. Throws SystemError. */
export function findElements(
  socket: NetlinkSocket,
  { owner, bridge, addresses }: MasqueradeTraces,
): Element[] {
  if (addresses === undefined) return listAllElements(socket).filter((element) => ownerOf(element) === owner);
  const found: Element[] = [];
  for (const address of addresses) {
    const places = elementPlaces(address, bridge);
    for (const place of [places.common, places.byBridge]) {
      const element = getElement(socket, place);
      if (element !== undefined && ownerOf(element) === owner) found.push(element);
    }
  }
  return found;
}

/** Every element of every attachment on the node. Throws SystemError. */
export function listAllElements(socket: NetlinkSocket): Element[] {
  return MAPS.flatMap(({ name }) => listElements(socket, TABLE, name));
}
