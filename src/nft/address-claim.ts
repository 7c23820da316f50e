// The places of an attachment's addresses in the maps that masquerade. An element belongs to the attachment
// with the digest at the start of the element's comment; the kernel deletes by key and does not heed the
// owner.
import type { Address } from "../ip/address.ts";
import { errnoOf, isErrno, SystemError } from "../sys/errno.ts";
import { firstRefusal } from "./batch.ts";
import { networkOfComment, ownerComment, ownerOf } from "./comment.ts";
import {
  addElementMessage,
  deleteElementMessage,
  type Element,
  type ElementPlace,
  getElement,
} from "./element.ts";
import { elementPlaces, type NetworkChain } from "./layout.ts";
import type { NodeAttachments, On } from "./owned-table.ts";

/** The masqueraded addresses of an attachment. */
export interface Masquerade {
  /** The attachment's digest: the owner of its elements. */
  owner: string;
  /** The attachment in words, for people who list the rules: network, container, interface. */
  label: string;
  chain: NetworkChain;
  /** The interface where packets of the pod to others come in: the bridge, or where it is on none its own. */
  gatewayInterface: string;
  addresses: Address[];
}

/** The facts about the node that masquerading needs. */
export interface MasqueradeNode extends NodeAttachments<Masquerade> {
  /**
   * True when the attachment's packets come in by this interface. `network` is the attachment's own,
   * undefined when its element does not tell.
   */
  isBehind(owner: string, network: string | undefined, gatewayInterface: string): boolean;
  /**
   * Tells that this owner's element gave way: it had this attachment's address, and its owner is no
   * attachment any more.
   */
  giveWay(owner: string): void;
}

/**
 * Takes a place for each address of the attachment. Throws SystemError; EADDRINUSE when an address belongs to
 * a living attachment behind the same interface.
 */
export function claimAddresses(wanted: Masquerade, on: On<MasqueradeNode>): void {
  for (const address of wanted.addresses) claimAddress(wanted, address, on);
}

/**
 * Puts an address into the common map. Where a living pod of another network has that address too, it goes
 * into the map that is keyed by interface too.
 */
function claimAddress(wanted: Masquerade, address: Address, on: On<MasqueradeNode>): void {
  const { common, byInterface } = elementPlaces(address, wanted.gatewayInterface);
  const first = claimPlace(wanted, common, on);
  if (first === undefined) return;
  // Two pods with the same address behind the same interface cannot work, whatever the rules say.
  const holder = on.node.isBehind(ownerOf(first), networkOfComment(first), wanted.gatewayInterface)
    ? first
    : claimPlace(wanted, byInterface, on);
  if (holder === undefined) return;
  throw new SystemError(
    "masquerade the address",
    errnoOf("EADDRINUSE"),
    `behind ${wanted.gatewayInterface} it belongs to ${on.node.nameOf(holder)}`,
  );
}

const ATTEMPTS = 6;

/**
 * Takes a place for the attachment. The element of a dead owner gives way; that of a living owner stays,
 * whatever leases and records say, and is returned.
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
    if (!mine && node.isAlive(ownerOf(holder))) return holder;
    const replaced = firstRefusal(socket, [deleteElementMessage(place), addElementMessage(element)]);
    if (replaced === undefined) {
      if (!mine) node.giveWay(ownerOf(holder));
      return undefined;
    }
    if (attempt === ATTEMPTS) throw replaced;
  }
}
