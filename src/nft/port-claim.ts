// Taking the places of an attachment in the maps of host ports. Elements of dead attachments give way.
import { formatAddress } from "../ip/address.ts";
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { errnoOf, isErrno, SystemError } from "../sys/errno.ts";
import { firstRefusal } from "./batch.ts";
import { ClaimIndex } from "./claim-index.ts";
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
import { claimText, type PortMapping } from "./port-mapping.ts";
import { covers, ElementIndex } from "./port-share.ts";

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
  const claims = new Claims(wanted, elements);
  let held = heldUnseen(socket, wanted.mappings, hasConditions);
  // A dead attachment may have left elements in the maps of conditions.
  if (!hasConditions && held.some((element) => ownerOf(element) !== wanted.owner))
    held = heldUnseen(socket, wanted.mappings, true);
  for (const look of [() => getElements(socket, elements), () => listPortElements(socket), undefined]) {
    const { gone, holders } = judge(held, claims, on);
    const index = new ElementIndex(holders);
    const own = holders.length === 0 ? elements : elements.filter((element) => !isLeftTo(index, element));
    const error = sendInParts(socket, [...gone.map(deleteElementMessage), ...own.map(addElementMessage)]);
    if (error === undefined) return;
    if (look === undefined || !isErrno(error, "EEXIST", "ENOTEMPTY")) throw error;
    held = [...held, ...look()];
  }
}

/** A sibling's element, and the refusal for an element that it stands in the way of. */
interface Holder {
  element: Element;
  refusal: () => SystemError;
}

/**
 * True when a sibling's element stands for all ports of this one. Throws SystemError EADDRINUSE when it
 * stands for some of them: an element cannot be divided.
 */
function isLeftTo(holders: ElementIndex<Holder>, element: Element): boolean {
  const [first] = holders.withSamePort(element);
  if (first !== undefined && !covers(first.element, element)) throw first.refusal();
  return first !== undefined;
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

/** The elements that stand in the way of an attachment. */
interface Judged {
  /** Those that have to go. */
  gone: Element[];
  /** Those of siblings, which stay. */
  holders: Holder[];
}

/**
 * The held elements that have to go, and those of siblings. Each owner is asked for once. Throws SystemError;
 * EADDRINUSE when one belongs to a living attachment of another container.
 */
function judge(held: readonly Element[], claims: Claims, { socket, node }: On<PortNode>): Judged {
  const { wanted } = claims;
  const [gone, holders] = [new Map<string, Element>(), [] as Holder[]];
  const living = new Map<string, boolean>();
  const noted = new Set<string>();
  for (const element of held) {
    const taken = claims.takenBy(element);
    if (taken === undefined || gone.has(placeOf(element))) continue;
    const owner = ownerOf(element);
    const isAlive = owner !== wanted.owner && (living.get(owner) ?? node.isAlive(owner));
    living.set(owner, isAlive);
    if (isAlive) {
      const refusal = () => new SystemError(taken(), errnoOf("EADDRINUSE"), node.nameOf(element));
      if (claimOf(element) === undefined || wanted.siblings?.hold(element) !== true) throw refusal();
      if (!noted.has(owner)) wanted.siblings.note(element);
      noted.add(owner);
      holders.push({ element, refusal });
    } else if (owner !== wanted.owner && node.bequeath?.(element) === true)
      // The ports have another owner now.
      return judge(listPortElements(socket), claims, { socket, node });
    else gone.set(placeOf(element), element);
  }
  return { gone: [...gone.values()], holders };
}

/** The ports and places that an attachment wants, to look up what a held element takes of them. */
class Claims {
  readonly wanted: HostPorts;
  private readonly elements: readonly Element[];
  private ports: ClaimIndex<PortMapping> | undefined;
  /** The places of elements that are no ports. */
  private places: Set<string> | undefined;

  constructor(wanted: HostPorts, elements: readonly Element[]) {
    this.wanted = wanted;
    this.elements = elements;
  }

  /**
   * The claim of the attachment on the place of an element, in words; undefined when it wants nothing of it.
   */
  takenBy(element: Element): (() => string) | undefined {
    const { mappings } = this.wanted;
    const claimed = claimOf(element);
    if (claimed !== undefined) {
      this.ports ??= ClaimIndex.of(mappings);
      const [taken] = this.ports.overlapping(claimed);
      return taken && (() => `take ${claimText(taken)}`);
    }
    this.places ??= new Set(this.elements.filter(({ chain }) => chain !== "").map(placeOf));
    if (!this.places.has(placeOf(element))) return undefined;
    return () => `lead host ports to ${mappings.map(({ target }) => formatAddress(target)).join(", ")}`;
  }
}

/** The place of an element. One that stands for several ports is the answer for each of them. */
function placeOf({ set, key }: Element): string {
  return `${set} ${key.join()}`;
}

function sendInParts(socket: NetlinkSocket, messages: Message[]): SystemError | undefined {
  for (let at = 0; at < messages.length; at += BATCH_ELEMENTS) {
    const error = firstRefusal(socket, messages.slice(at, at + BATCH_ELEMENTS));
    if (error !== undefined) return error;
  }
  return undefined;
}
