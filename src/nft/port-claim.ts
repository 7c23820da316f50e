// Taking the places of an attachment in the maps of host ports. Elements of dead attachments give way.
import { formatAddress } from "../ip/address.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { errnoOf, isErrno, SystemError } from "../sys/errno.ts";
import { firstRefusal } from "./batch.ts";
import { ownerOf } from "./comment.ts";
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
import { covers, haveSamePort } from "./port-share.ts";

/** The facts about the node that host ports need. */
export interface PortNode extends NodeAttachments<HostPorts> {
  /**
   * Hands the ports of a dead owner to living attachments of its container. False when there are none; the
   * element then gives way.
   */
  bequeath?(element: Element): boolean;
}

/**
 * Takes all places of the attachment: elements that it has already, and elements of the dead, give way. A
 * port that a sibling holds stays there. `hasConditions` says that some attachment of the node may have
 * conditions. Throws SystemError; EADDRINUSE when a place belongs to a living attachment.
 */
export function claimPorts(wanted: HostPorts, on: On<PortNode>, hasConditions: boolean): void {
  const { socket } = on;
  const elements = elementsOf(wanted);
  let held = heldUnseen(socket, wanted.mappings, hasConditions);
  // A dead attachment may have left elements in the maps of conditions.
  if (!hasConditions && held.some((element) => ownerOf(element) !== wanted.owner))
    held = heldUnseen(socket, wanted.mappings, true);
  for (const look of [() => getElements(socket, elements), () => listPortElements(socket), undefined]) {
    const { gone, holders } = judge({ held, elements, wanted }, on);
    const own = elements.filter((element) => !isLeftTo(holders, element));
    const error = sendInParts(socket, [...gone.map(deleteElementMessage), ...own.map(addElementMessage)]);
    if (error === undefined) return;
    if (look === undefined || !isErrno(error, "EEXIST", "ENOTEMPTY")) throw error;
    held = [...held, ...look()];
  }
}

/**
 * True when a sibling's element stands for all ports of this one. Throws SystemError EADDRINUSE when it
 * stands for some of them: an element cannot be divided.
 */
function isLeftTo(holders: readonly Holder[], element: Element): boolean {
  if (holders.length === 0) return false;
  for (const { holder, refusal } of holders) {
    if (!haveSamePort(holder, element)) continue;
    if (!covers(holder, element)) throw refusal;
    return true;
  }
  return false;
}

/** A sibling's element, and the refusal for an element that it stands in the way of. */
interface Holder {
  holder: Element;
  refusal: SystemError;
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
 * The held elements that have to go, and those of siblings. Throws SystemError; EADDRINUSE when one belongs
 * to a living attachment of another container.
 */
function judge(
  { held, elements, wanted }: { held: Element[]; elements: Element[]; wanted: HostPorts },
  { socket, node }: On<PortNode>,
): { gone: Element[]; holders: Holder[] } {
  const gone: Element[] = [];
  const holders: Holder[] = [];
  for (const element of held) {
    const taken = claimTaken(element, elements, wanted);
    if (taken === undefined || gone.some((other) => isSamePlace(other, element))) continue;
    const owner = ownerOf(element);
    if (owner === wanted.owner) gone.push(element);
    else if (node.isAlive(owner)) {
      const refusal = new SystemError(taken, errnoOf("EADDRINUSE"), node.nameOf(element));
      if (claimOf(element) === undefined || wanted.siblings?.hold(element) !== true) throw refusal;
      wanted.siblings.note(element);
      holders.push({ holder: element, refusal });
    } else if (node.bequeath?.(element) === true)
      // The ports have another owner now.
      return judge({ held: listPortElements(socket), elements, wanted }, { socket, node });
    else gone.push(element);
  }
  return { gone, holders };
}

/** What an attachment wants of the place of an element, in words; undefined when it wants nothing of it. */
function claimTaken(element: Element, elements: Element[], { mappings }: HostPorts): string | undefined {
  const claimed = claimOf(element);
  if (claimed !== undefined) {
    const taken = mappings.find((mapping) => claimsOverlap(mapping, claimed));
    return taken && `take ${claimText(taken)}`;
  }
  const isSame = elements.some(({ chain, set, key }) => chain !== "" && isSamePlace({ set, key }, element));
  if (!isSame) return undefined;
  return `lead host ports to ${mappings.map(({ target }) => formatAddress(target)).join(", ")}`;
}

/** An element that stands for several ports is the answer for each of them. */
function isSamePlace(a: Pick<Element, "set" | "key">, b: Pick<Element, "set" | "key">): boolean {
  return a.set === b.set && a.key.join() === b.key.join();
}

function sendInParts(socket: NetlinkSocket, messages: Message[]): SystemError | undefined {
  for (let at = 0; at < messages.length; at += BATCH_ELEMENTS) {
    const error = firstRefusal(socket, messages.slice(at, at + BATCH_ELEMENTS));
    if (error !== undefined) return error;
  }
  return undefined;
}
