// The host ports of one attachment, and what stands for them in the table: elements, and chains that it shares
// with other attachments.
import { type Address, addressBytes, sameAddress } from "../ip/address.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import { ownerComment } from "./comment.ts";
import { type Element, listElements } from "./element.ts";
import { type HairpinChain, sharedHairpinChain } from "./hairpin-chain.ts";
import { PORT_TABLE } from "./host-port-layout.ts";
import { type ConditionChain, sharedConditionChain } from "./port-condition.ts";
import { conditionMap, mappingPlaces } from "./port-element.ts";
import { portMapNames } from "./port-map.ts";
import type { PortMapping } from "./port-mapping.ts";
import type { SharedChain } from "./table-layout.ts";

/** The host ports of one attachment. */
export interface HostPorts {
  /** The attachment's digest: the owner of its elements. */
  owner: string;
  /** For people who list the rules: network, container, interface. */
  label: string;
  /** At least one. */
  mappings: PortMapping[];
  /** Who gets the node's address; undefined: nobody. */
  chain: HairpinChain | undefined;
  /** What connections have to be like: for each family one chain at most. */
  conditions: ConditionChain[];
  /** Number of the bit that marks packets on their way to a host port; one for the whole node. */
  markBit: number;
}

/** The chains that an attachment needs besides those of the table. */
export function chainsFor({ chain, conditions }: Pick<HostPorts, "chain" | "conditions">): SharedChain[] {
  const chains = conditions.map(sharedConditionChain);
  return chain === undefined ? chains : [sharedHairpinChain(chain), ...chains];
}

/** What stands for an attachment in the maps, in the order in which it is put in. */
export function elementsOf({ mappings, chain, conditions, ...ports }: HostPorts): Element[] {
  const comment = ownerComment(ports);
  const elements: Element[] = [];
  for (const mapping of mappings) {
    const where = conditions.find(({ family }) => family === mapping.family);
    for (const place of mappingPlaces(mapping)) {
      // First, so that no port leads anywhere without its conditions.
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

/** The pod's addresses that ports lead to, each one once. */
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
  return portMapNames().flatMap((name) => listElements(socket, PORT_TABLE, name));
}
