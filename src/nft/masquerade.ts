// Masquerading for attachments: put in, take out, compare. Every function throws SystemError.
import type { NetlinkSocket } from "../netlink/socket.ts";
import { isErrno } from "../sys/errno.ts";
import { claimAddresses, type Masquerade, type MasqueradeNode } from "./address-claim.ts";
import { countRules } from "./answer.ts";
import { deleteUnusedChains } from "./chain.ts";
import { ownerOf } from "./comment.ts";
import { deleteElements, type Element, getElement, listElementsOfTable } from "./element.ts";
import {
  elementPlaces,
  isChainOf,
  MAPS,
  MASQUERADE_LAYOUT,
  type NetworkChain,
  sharedNetworkChain,
  TABLE,
} from "./layout.ts";
import { ensureElements, type OwnedTable } from "./owned-table.ts";
import { missingOrAltered } from "./read-back.ts";

/** The table that masquerades. */
export const MASQUERADE: OwnedTable<Masquerade, MasqueradeNode> = {
  layoutFor: () => MASQUERADE_LAYOUT,
  chainsFor: ({ chain }) => [sharedNetworkChain(chain)],
  listElements: listAllElements,
  // An element that leads to another chain of the network was made before the network's subnets changed.
  countMissing:
    (elements) =>
    ({ owner, addresses, chain }) =>
      addresses.length - (elements.get(owner) ?? []).filter((element) => element.chain === chain.name).length,
  claim: claimAddresses,
  claimFor: claimForOther,
  release: (socket, attachment) => removeMasquerade(socket, attachment, { chain: attachment.chain.name }),
  // The last DEL of a network takes its chain away, and does not hold the node's lock.
  changedSinceLook: ["ENOENT"],
};

/**
 * Puts in the elements of another attachment. An address of it that somebody has by now stays with that one:
 * the attachment that is being added has nothing to do with it. Throws SystemError.
 */
function claimForOther(...[other, on]: Parameters<typeof claimAddresses>): void {
  try {
    claimAddresses(other, on);
  } catch (error) {
    if (!isErrno(error, "EADDRINUSE")) throw error;
  }
}

/**
 * Makes sure that the attachment's addresses are masqueraded, and puts back all lost parts of the table.
 * SystemError EADDRINUSE when an address belongs to a living attachment behind this interface.
 */
export function ensureMasquerade(socket: NetlinkSocket, wanted: Masquerade, node: MasqueradeNode): void {
  ensureElements(MASQUERADE, wanted, { socket, node });
}

/** The parts of the ruleset that are not whole, for CHECK: the word `table`, or names of chains. */
export function missingParts(socket: NetlinkSocket, chains: NetworkChain[]): string[] {
  const parts = { layout: MASQUERADE_LAYOUT, chains: chains.map(sharedNetworkChain) };
  return missingOrAltered(socket, parts);
}

/** The attachment, and the places where elements of it may be. */
type MasqueradeTraces = Pick<Masquerade, "owner" | "gatewayInterface" | "addresses">;

/** The chains to try: the chain of the attachment or, where it is not known, all chains of its network. */
export type ChainTraces = { chain: string } | { network: string };

/**
 * Removes the elements that carry the attachment's digest, and the chain of its network when nothing leads
 * there any more. The caller holds the lock of the network's leases, so that no address gets a new owner
 * between look and deletion.
 */
export function removeMasquerade(socket: NetlinkSocket, traces: MasqueradeTraces, chains: ChainTraces): void {
  const elements = findElements(socket, traces);
  deleteElements(socket, elements);
  removeUnusedChains(socket, elements, chains);
}

/**
 * Removes each chain that nothing leads to any more: of `chains`, and of the chains that `elements` led to.
 * The elements are deleted already.
 */
export function removeUnusedChains(socket: NetlinkSocket, elements: Element[], chains: ChainTraces): void {
  const rules = countRules(socket, TABLE);
  const candidates = new Set<string>();
  for (const { chain } of elements) if (chain !== "") candidates.add(chain);
  // A chain without elements is there after an ADD or a DEL that was killed between chain and element.
  if ("chain" in chains) candidates.add(chains.chain);
  else for (const chain of rules.keys()) if (isChainOf(chains.network, chain)) candidates.add(chain);
  deleteUnusedChains(socket, { table: TABLE, rules }, candidates);
}

/** The elements of these addresses that carry the attachment's digest. */
export function findElements(
  socket: NetlinkSocket,
  { owner, gatewayInterface, addresses }: MasqueradeTraces,
): Element[] {
  const found: Element[] = [];
  for (const address of addresses) {
    const places = elementPlaces(address, gatewayInterface);
    for (const place of [places.common, places.byInterface]) {
      const element = getElement(socket, place);
      if (element !== undefined && ownerOf(element) === owner) found.push(element);
    }
  }
  return found;
}

/** The elements that carry this digest, whatever their addresses are. Reads all maps. */
export function findElementsOf(socket: NetlinkSocket, owner: string): Element[] {
  return listAllElements(socket).filter((element) => ownerOf(element) === owner);
}

/** Every element of every attachment on the node. */
export function listAllElements(socket: NetlinkSocket): Element[] {
  return listElementsOfTable(
    socket,
    TABLE,
    MAPS.map(({ name }) => name),
  );
}
