// UDP flows that keep an old way when a host port comes or goes. All other flows stay, even those with an
// equal port elsewhere.
import { type Address, type Family, sameAddress } from "../../../ip/address.ts";
import { deleteUdpFlows, type UdpFlow } from "../../../net/conntrack.ts";
import { isLocalAddress } from "../../../net/route-look-up.ts";
import { type PortMapping, PROTOCOLS } from "../../../nft/port-mapping.ts";
import type { Node } from "../../node.ts";

/**
 * Takes out the flows that were sent to these host ports before they led to the pod, and do not go there.
 * Throws SystemError.
 */
export function forgetEarlierFlows(mappings: PortMapping[], node: Node): void {
  for (const { family, own, onlyPort } of byFamily(mappings)) {
    deleteUdpFlows(node.rules, { family, destinationPort: onlyPort }, (flow) =>
      own.some((mapping) => {
        if (!isWithin(mapping, flow) || leadsToPod(mapping, flow)) return false;
        return mapping.hostAddress === undefined
          ? isLocalAddress(node.links, flow.destination)
          : sameAddress(mapping.hostAddress, flow.destination);
      }),
    );
  }
}

/** Takes out the flows that these host ports led to the pod. Throws SystemError. */
export function forgetFlows(mappings: PortMapping[], node: Node): void {
  for (const { family, own, onlyPort, target } of byFamily(mappings)) {
    deleteUdpFlows(node.rules, { family, destinationPort: onlyPort, answerer: target }, (flow) =>
      own.some((mapping) => isWithin(mapping, flow) && leadsToPod(mapping, flow)),
    );
  }
}

/** The UDP mappings of each family, with their port and address where all of them have one. */
function byFamily(
  mappings: PortMapping[],
): { family: Family; own: PortMapping[]; onlyPort: number | undefined; target: Address | undefined }[] {
  const isUdp = ({ protocol }: PortMapping): boolean => protocol === PROTOCOLS.udp;
  let hasUdp = false;
  for (const mapping of mappings) if (isUdp(mapping)) hasUdp = true;
  if (!hasUdp) return [];
  return ([4, 6] as const).flatMap((family) => {
    const own = mappings.filter((mapping) => mapping.family === family && isUdp(mapping));
    const [mapping] = own;
    if (mapping === undefined) return [];
    const isOne = own.length === 1 && mapping.first === mapping.last;
    return [
      {
        family,
        own,
        onlyPort: isOne ? mapping.first : undefined,
        target: own.every(({ target }) => sameAddress(target, mapping.target)) ? mapping.target : undefined,
      },
    ];
  });
}

function leadsToPod({ first, containerPort, target }: PortMapping, flow: UdpFlow): boolean {
  return (
    sameAddress(target, flow.answerer) && flow.answererPort === containerPort + flow.destinationPort - first
  );
}

function isWithin({ first, last }: PortMapping, { destinationPort }: UdpFlow): boolean {
  return first <= destinationPort && destinationPort <= last;
}
