// The host ports of one attachment, and their objects in the table: elements, and chains that it shares with
// other attachments.
import { type Address, addressBytes, sameAddress } from "../ip/address.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import { ownerComment } from "./comment.ts";
import { type Element, listElementsOfTable } from "./element.ts";
import { type HairpinChain, sharedHairpinChain } from "./hairpin-chain.ts";
import { PORT_TABLE, UNMARK } from "./host-port-layout.ts";
import { type ConditionChain, sharedConditionChain } from "./port-condition.ts";
import { conditionMap, mappingPlaces, portKey } from "./port-element.ts";
import { portMapNames } from "./port-map.ts";
import type { PortClaim, PortMapping } from "./port-mapping.ts";
import type { SharedChain } from "./table-layout.ts";

/** The host ports of one attachment. */
export interface HostPorts {
  /** The attachment's digest: the owner of its elements. */
  owner: string;
  /** The attachment in words, for people who list the rules: network, container, interface. */
  label: string;
  /** The mappings, at least one. */
  mappings: PortMapping[];
  /** Ports that stay with processes of the node, each of one address. */
  kept?: readonly PortClaim[] | undefined;
  /** The chain that masquerades connections to the pod; undefined: none is masqueraded. */
  chain: HairpinChain | undefined;
  /** Conditions that connections have to meet: at most one chain for each family. */
  conditions: ConditionChain[];
  /** Number of the bit that marks packets on their way to a host port. The whole node has one. */
  markBit: number;
  /** Other attachments of the same container; undefined: there is none. */
  siblings?: Siblings | undefined;
}

/** The other attachments of a container. All of them share its host ports, and the first holds a port. */
export interface Siblings {
  /** True for an element of a sibling that lives. */
  hold(element: Element): boolean;
  /** Notes that the owner of this element has to leave its ports to a sibling when it goes. */
  note(element: Element): void;
  /** Runs `remove`, which takes out the attachment's elements, with the host ports of siblings that wait. */
  inherit(remove: (heirs: HostPorts[]) => void): void;
}

/** The chains that an attachment needs besides those of the table. */
export function chainsFor({ chain, conditions }: Pick<HostPorts, "chain" | "conditions">): SharedChain[] {
  const chains = conditions.map(sharedConditionChain);
  return chain === undefined ? chains : [sharedHairpinChain(chain), ...chains];
}

/** The elements of an attachment, in the order in which an ADD puts them in. */
export function elementsOf({ mappings, kept = [], chain, conditions, ...ports }: HostPorts): Element[] {
  const comment = ownerComment(ports);
  const elements: Element[] = kept.map((claim) => keptElement(claim, comment));
  for (const mapping of mappings) {
    const where = conditions.find(({ family }) => family === mapping.family);
    for (const place of mappingPlaces(mapping)) {
      // Conditions come first, so that no port leads to the pod without them.
      if (where !== undefined)
        elements.push({
          ...place,
          set: conditionMap(place.set),
          value: undefined,
          table: PORT_TABLE,
          chain: where.name,
          comment,
        });
      elements.push({ ...place, table: PORT_TABLE, chain: "", comment });
    }
  }
  if (chain === undefined) return elements;
  for (const target of targetsOf(mappings))
    elements.push({
      table: PORT_TABLE,
      set: `hairpin${target.family}`,
      key: addressBytes(target),
      chain: chain.name,
      comment,
    });
  return elements;
}

/** The element that leaves a port of one address alone: of all maps its map is asked first. */
function keptElement(claim: PortClaim, comment: string): Element {
  const set = `one${claim.family}`;
  const key = portKey(set, claim, claim.first);
  return { table: PORT_TABLE, set: conditionMap(set), key, value: undefined, chain: UNMARK, comment };
}

/** The pod's addresses that ports lead to, without repetitions. */
function targetsOf(mappings: PortMapping[]): Address[] {
  const targets: Address[] = [];
  next: for (const { target } of mappings) {
    for (const known of targets) if (sameAddress(known, target)) continue next;
    targets.push(target);
  }
  return targets;
}

/** Every element of every attachment on the node; none when there is no table. Throws SystemError. */
export function listPortElements(socket: NetlinkSocket): Element[] {
  return listElementsOfTable(socket, PORT_TABLE, portMapNames());
}
