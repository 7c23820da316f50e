// Taking the places of an attachment in the maps of host ports: its elements, and whoever is in their way.
import { formatAddress } from "../ip/address.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { errnoOf, isErrno, SystemError } from "../sys/errno.ts";
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
import { firstRefusal } from "./message.ts";
import type { NodeAttachments, On } from "./owned-table.ts";
import { elementsOf, type HostPorts, listPortElements } from "./port-attachment.ts";
import { claimOf, isOfAllAddresses, keyTest, portKey, unseenMaps } from "./port-element.ts";
import { claimsOverlap, claimText, type PortMapping } from "./port-mapping.ts";

/**
 * Takes all places of the attachment: what is its own already, or a dead owner's, gives way. `hasConditions`:
 * there may be conditions of somebody on the node. Throws SystemError; EADDRINUSE when a place belongs to a
 * living attachment.
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
 * Where the kernel does not see that an element stands for one of these ports too: elements to ask for by
 * their keys, however many there are in the map, and maps to look through, which are those of mappings that
 * most pods do not have.
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
      else
        for (let port = mapping.first; port <= mapping.last; port++)
          asked.push({ table: PORT_TABLE, set, key: portKey(set, mapping, port) });
    }
  }
  const held = asked.length === 0 ? [] : getElements(socket, asked);
  for (const set of searched) held.push(...searchElements(socket, PORT_TABLE, set, keyTest(set, mappings)));
  return held;
}

/** From so many keys on it costs less to look through the map. */
const MOST_ASKED = 500;

/** Which of the held elements have to go. Throws SystemError EADDRINUSE for one of a living attachment. */
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
