// Taking the places of an attachment in the maps of host ports. Elements of dead attachments give way.
import { formatAddress } from "../ip/address.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { errnoOf, isErrno, SystemError } from "../sys/errno.ts";
import { firstRefusal } from "./batch.ts";
import { holderOf, ownerOf } from "./comment.ts";
import {
  addElementMessage,
  BATCH_ELEMENTS,
  deleteElementMessage,
  type Element,
  type ElementPlace,
  getElements,
} from "./element.ts";
import { searchElements } from "./element-search.ts";
import { PORT_TABLE } from "./host-port-layout.ts";
import type { NodeAttachments, On } from "./owned-table.ts";
import { elementsOf, type HostPorts, listPortElements } from "./port-attachment.ts";
import { claimOf, isOfAllAddresses, keyTest, portKey, unseenMaps } from "./port-element.ts";
import { claimsOverlap, claimText, type PortMapping } from "./port-mapping.ts";

/**
 * Takes all places of the attachment: elements that it has already, and elements of the dead, give way.
 * `hasConditions` says that some attachment of the node may have conditions. Throws SystemError; EADDRINUSE
 * when a place belongs to a living attachment.
 */
export function claimPorts(
  wanted: HostPorts,
  { socket, node }: On<NodeAttachments<HostPorts>>,
  hasConditions: boolean,
): void {
  const elements = elementsOf(wanted);
  let held = heldUnseen(socket, wanted.mappings, hasConditions);
  for (let seenAll = false; ; seenAll = true) {
    const messages = obstacles({ held, elements, wanted }, node).map(deleteElementMessage);
    for (const element of elements) messages.push(addElementMessage(element));
    const error = sendInParts(socket, messages);
    if (error === undefined) return;
    if (seenAll || !isErrno(error, "EEXIST", "ENOTEMPTY")) throw error;
    held = listPortElements(socket);
  }
}

/**
 * Existing elements for these ports beside which the kernel would accept the new elements. In most maps they
 * are asked for by their keys, however many elements the map has. The other maps are searched through: they
 * hold mappings that most pods do not have, and are short.
 */
function heldUnseen(socket: NetlinkSocket, mappings: PortMapping[], hasConditions: boolean): Element[] {
  const asked: ElementPlace[] = [];
  const searched: string[] = [];
  for (const mapping of mappings) {
    for (const set of unseenMaps(mapping, hasConditions)) {
      if (searched.includes(set)) continue;
      // A port of all addresses has no key of its own in a map that is keyed by address.
      const isAskable = mapping.hostAddress !== undefined || isOfAllAddresses(set);
      if (!isAskable || asked.length + mapping.last - mapping.first >= MOST_ASKED) searched.push(set);
      else
        for (let port = mapping.first; port <= mapping.last; port++)
          asked.push({ table: PORT_TABLE, set, key: portKey(set, mapping, port) });
    }
  }
  const held = asked.length === 0 ? [] : getElements(socket, asked);
  for (const set of searched)
    held.push(...searchElements(socket, { table: PORT_TABLE, set }, keyTest(set, mappings)));
  return held;
}

/** The most keys to ask for: more would cost as much as a search through the map. */
const MOST_ASKED = 500;

/**
 * The held elements that have to go. Throws SystemError; EADDRINUSE when one belongs to a living attachment.
 */
function obstacles(
  { held, elements, wanted }: { held: Element[]; elements: Element[]; wanted: HostPorts },
  node: NodeAttachments<HostPorts>,
): Element[] {
  const found: Element[] = [];
  for (const element of held) {
    const claimed = claimOf(element);
    const taken = claimed && wanted.mappings.find((mapping) => claimsOverlap(mapping, claimed));
    const isSame =
      claimed === undefined &&
      elements.some(
        ({ chain, set, key }) => chain !== "" && set === element.set && key.join() === element.key.join(),
      );
    if ((taken === undefined && !isSame) || found.some((other) => isSamePlace(other, element))) continue;
    const owner = ownerOf(element);
    if (owner !== wanted.owner && node.isAlive(owner)) {
      const what =
        taken === undefined
          ? `lead host ports to ${wanted.mappings.map(({ target }) => formatAddress(target)).join(", ")}`
          : `take ${claimText(taken)}`;
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

function sendInParts(socket: NetlinkSocket, messages: Message[]): SystemError | undefined {
  for (let at = 0; at < messages.length; at += BATCH_ELEMENTS) {
    const error = firstRefusal(socket, messages.slice(at, at + BATCH_ELEMENTS));
    if (error !== undefined) return error;
  }
  return undefined;
}
