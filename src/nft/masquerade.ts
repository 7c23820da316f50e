// Masquerading for attachments: put in, take out, compare. Elements are ours by their comment, which starts
// with the attachment's digest; the kernel itself deletes by key and does not ask whose element it is.
import type { Address } from "../ip/address.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import { errnoOf, isErrno, SystemError } from "../sys/errno.ts";
import { countRules } from "./answer.ts";
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
  MASQUERADE_LAYOUT,
  type NetworkChain,
  sharedNetworkChain,
  TABLE,
} from "./layout.ts";
import { firstRefusal } from "./message.ts";
import { ensureElements, type NodeAttachments, type On, type OwnedTable } from "./owned-table.ts";
import { missingIn } from "./table-layout.ts";

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

/** The node, as masquerading has to know it. */
export interface MasqueradeNode extends NodeAttachments<Masquerade> {
  /**
   * True for an attachment of our own network that has lost its address to us: its element is ours to take,
   * although it lives.
   */
  lostAddress(owner: string): boolean;
  /**
   * True when the attachment's packets come in by this interface, the bridge or the gateway of a VLAN.
   * `network` is the attachment's own, undefined when its element does not tell.
   */
  isOnBridge(owner: string, network: string | undefined, bridge: string): boolean;
  /** The element of this owner had to give way to ours: it had our address, and is no attachment any more. */
  giveWay(owner: string): void;
}

/** The table that masquerades. */
export const MASQUERADE: OwnedTable<Masquerade, MasqueradeNode> = {
  layoutFor: () => MASQUERADE_LAYOUT,
  chainsFor: ({ chain }) => [sharedNetworkChain(chain)],
  listElements: listAllElements,
  // An element that leads to another chain of the network is from before its subnets changed.
  countMissing: ({ addresses, chain }, own) =>
    addresses.length - own.filter((element) => element.chain === chain.name).length,
  claim: claimAddresses,
  claimFor: claimAddresses,
  release: (socket, attachment) => removeMasquerade(socket, attachment, { chain: attachment.chain.name }),
  // The last DEL of a network takes its chain away, and does not hold the node's lock.
  changedSinceLook: ["ENOENT"],
};

/**
 * Makes sure that the attachment's addresses are masqueraded, and puts back whatever of the table was lost.
 * Throws SystemError; EADDRINUSE when an address belongs to a living attachment on the same bridge.
 */
export function ensureMasquerade(socket: NetlinkSocket, wanted: Masquerade, node: MasqueradeNode): void {
  ensureElements(MASQUERADE, wanted, { socket, node });
}

/** Which parts of the ruleset are not whole: the word `table`, or names of chains. Throws SystemError. */
export function missingParts(socket: NetlinkSocket, chains: NetworkChain[]): string[] {
  return missingIn(countRules(socket, TABLE), MASQUERADE_LAYOUT, chains.map(sharedNetworkChain));
}

function claimAddresses(wanted: Masquerade, on: On<MasqueradeNode>): void {
  for (const address of wanted.addresses) claimAddress(wanted, address, on);
}

/**
 * Puts an address into the common map, or, where another network's living pod has it too, into the one keyed
 * by bridge.
 */
function claimAddress(wanted: Masquerade, address: Address, on: On<MasqueradeNode>): void {
  const { common, byBridge } = elementPlaces(address, wanted.bridge);
  const first = claimPlace(wanted, common, on);
  if (first === undefined) return;
  // On one bridge two pods with one address cannot work, whatever the rules say.
  const holder = on.node.isOnBridge(ownerOf(first), networkOfComment(first), wanted.bridge)
    ? first
    : claimPlace(wanted, byBridge, on);
  if (holder === undefined) return;
  throw new SystemError(
    "masquerade the address",
    errnoOf("EADDRINUSE"),
    `on bridge ${wanted.bridge} it belongs to ${holder.comment}`,
  );
}

const ATTEMPTS = 6;

/**
 * Takes a place for the attachment. The element of a dead owner gives way, and so does one whose owner has
 * lost the address to us; the element of any other owner stays, and is returned.
 */
function claimPlace(
  wanted: Masquerade,
  place: ElementPlace,
  { socket, node }: On<MasqueradeNode>,
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
    if (!mine && node.isAlive(ownerOf(holder)) && !node.lostAddress(ownerOf(holder))) return holder;
    const replaced = firstRefusal(socket, [deleteElementMessage(place), addElementMessage(element)]);
    if (replaced === undefined) {
      if (!mine) node.giveWay(ownerOf(holder));
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
