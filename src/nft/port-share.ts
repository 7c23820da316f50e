// Host ports that several attachments of one container want: the elements that stay with a sibling, and the
// way of ports from one attachment to another.
import type { Message, NetlinkSocket } from "../netlink/socket.ts";
import { isErrno } from "../sys/errno.ts";
import { countRules } from "./answer.ts";
import { firstRefusal } from "./batch.ts";
import { ClaimIndex } from "./claim-index.ts";
import { ownerOf } from "./comment.ts";
import {
  addElementMessage,
  BATCH_ELEMENTS,
  deleteElementMessage,
  deleteElements,
  type Element,
  getElements,
} from "./element.ts";
import { PORT_TABLE } from "./host-port-layout.ts";
import { makeChains } from "./owned-table.ts";
import { chainsFor, elementsOf, type HostPorts } from "./port-attachment.ts";
import { claimOf, valueMap } from "./port-element.ts";
import { claimsOverlap } from "./port-mapping.ts";

/**
 * True when both elements stand for a port that is the same. A map and the map of its conditions count as
 * one. In different maps two siblings may have one port: the more exact map comes first.
 */
function haveSamePort(a: Element, b: Element): boolean {
  if (valueMap(a.set) !== valueMap(b.set)) return false;
  const [one, other] = [claimOf(a), claimOf(b)];
  return one !== undefined && other !== undefined && claimsOverlap(one, other);
}

/** Elements by their ports, to find those that stand for a port of another element. */
export class ElementIndex<T extends { element: Element }> {
  private readonly index = new ClaimIndex<T>();

  constructor(all: readonly T[]) {
    for (const each of all) {
      const claim = claimOf(each.element);
      if (claim !== undefined) this.index.add(claim, each);
    }
  }

  /** Those that have a port in common with the element, as {@link haveSamePort} says. */
  withSamePort(element: Element): T[] {
    const claim = claimOf(element);
    if (claim === undefined) return [];
    const map = valueMap(element.set);
    return this.index.overlapping(claim).filter((each) => valueMap(each.element.set) === map);
  }
}

/** True when `holder` stands for all ports of `element`. */
export function covers(holder: Element, element: Element): boolean {
  const [all, some] = [claimOf(holder), claimOf(element)];
  if (all === undefined || some === undefined || !haveSamePort(holder, element)) return false;
  const isWithin = all.first <= some.first && some.last <= all.last;
  return isWithin && (all.hostAddress === undefined || some.hostAddress !== undefined);
}

/**
 * Takes out the elements of an attachment that goes and puts in those of its heirs for the same ports. Both
 * are in one batch, so no connection finds the port without a pod. Of two heirs of a port the first gets it.
 * The caller holds the node's lock. Throws SystemError.
 */
export function handOver(socket: NetlinkSocket, gone: Element[], heirs: readonly HostPorts[]): void {
  const groups = new Groups(gone);
  for (const heir of gone.length === 0 ? [] : heirs) {
    const wanted = elementsOf(heir).filter((element) => groups.isOpenFor(element));
    const there = new Set(ownKeys(getElements(socket, wanted), heir.owner));
    groups.add(wanted.filter((element) => !there.has(placeOf(element))));
  }
  if (groups.coming.length === 0) return deleteElements(socket, gone);
  makeChains(socket, heirs.flatMap(chainsFor), countRules(socket, PORT_TABLE));
  for (const messages of groups.batches()) {
    const error = firstRefusal(socket, messages);
    if (error === undefined) continue;
    if (!isErrno(error, "EEXIST", "ENOTEMPTY", "ENOENT")) throw error;
    return oneByOne(socket, gone, groups.coming);
  }
}

/** Elements that go and elements that come. The elements of a group are of one port, or of one interval. */
class Groups {
  readonly coming: Element[] = [];
  private readonly groups = new Map<string, { gone: Element[]; coming: Element[] }>();
  private readonly intervals: Element[];

  constructor(gone: readonly Element[]) {
    this.intervals = gone.filter(({ lastKey }) => lastKey !== undefined);
    for (const element of gone) {
      const name = this.nameOf(element) ?? "";
      const group = this.groups.get(name);
      if (group === undefined) this.groups.set(name, { gone: [element], coming: [] });
      else group.gone.push(element);
    }
  }

  /** True for an element whose port goes, and which no heir has got yet. */
  isOpenFor(element: Element): boolean {
    const group = claimOf(element) === undefined ? undefined : this.groups.get(this.nameOf(element) ?? "");
    return group !== undefined && !group.coming.some((other) => haveSamePort(other, element));
  }

  /** Adds the elements of one heir. */
  add(elements: readonly Element[]): void {
    for (const element of elements) {
      this.groups.get(this.nameOf(element) ?? "")?.coming.push(element);
      this.coming.push(element);
    }
  }

  /** The messages of all groups. No group is in two batches. */
  batches(): Message[][] {
    const batches: Message[][] = [];
    let batch: Message[] = [];
    for (const { gone, coming } of this.groups.values()) {
      batch.push(...gone.map(deleteElementMessage), ...coming.map(addElementMessage));
      if (batch.length < BATCH_ELEMENTS - 4) continue;
      batches.push(batch);
      batch = [];
    }
    if (batch.length > 0) batches.push(batch);
    return batches;
  }

  /** The name of an element's group: intervals that overlap are in one group. */
  private nameOf(element: Element): string | undefined {
    if (element.lastKey === undefined) return placeOf(element);
    const same = this.intervals.find((other) => haveSamePort(other, element));
    return same && placeOf(same);
  }
}

/** The place of an element, which is the same in a map and in the map of its conditions. */
function placeOf({ set, key }: Element): string {
  return `${valueMap(set)} ${key.join()}`;
}

function ownKeys(elements: readonly Element[], owner: string): string[] {
  return elements.filter((element) => ownerOf(element) === owner).map(placeOf);
}

/** Another program changes the table: an element that cannot come stays out, and CHECK tells of it. */
function oneByOne(socket: NetlinkSocket, gone: Element[], coming: readonly Element[]): void {
  deleteElements(socket, gone);
  for (const element of coming) {
    const error = firstRefusal(socket, [addElementMessage(element)]);
    if (error !== undefined && !isErrno(error, "EEXIST", "ENOTEMPTY", "ENOENT")) throw error;
  }
}
