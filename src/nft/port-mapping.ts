// Ports of the node that lead to pods, as values: compared, and written for people.
import { type Address, type Family, formatAddress } from "../ip/address.ts";
import { portsText } from "../ip/port.ts";

/** A range of ports of the node, of one protocol. */
export interface PortClaim {
  family: Family;
  /** IPPROTO_… */
  protocol: number;
  /** Undefined: all of the node's addresses. */
  hostAddress: Address | undefined;
  first: number;
  last: number;
}

/**
 * Ports that lead to a pod. The n-th port of the range leads to the n-th port of the pod from `containerPort`
 * on.
 */
export interface PortMapping extends PortClaim {
  containerPort: number;
  /** The pod's address, of the same family. */
  target: Address;
}

/** True for several ports that keep their numbers: one element stands for all of them. */
export function isInterval({ first, last, containerPort }: PortMapping): boolean {
  return first !== last && first === containerPort;
}

/** True when a connection could belong to both claims. */
export function claimsOverlap(a: PortClaim, b: PortClaim): boolean {
  if (a.family !== b.family || a.protocol !== b.protocol || a.first > b.last || b.first > a.last)
    return false;
  return (
    a.hostAddress === undefined || b.hostAddress === undefined || a.hostAddress.value === b.hostAddress.value
  );
}

/** The claim for people: `tcp port 8080`, `udp ports 5000 to 5100 of 192.168.50.1`. */
export function claimText({ protocol, hostAddress, first, last }: PortClaim): string {
  const address = hostAddress === undefined ? undefined : formatAddress(hostAddress);
  return portsText(PROTOCOL_NAMES[protocol] ?? String(protocol), { first, last }, address);
}

/** Numbers of the protocols that have ports (IANA; linux/in.h: IPPROTO_TCP and so on). */
export const PROTOCOLS = { tcp: 6, udp: 17, sctp: 132 } as const;
/** The names of these numbers. */
export const PROTOCOL_NAMES: { readonly [protocol: number]: string } = { 6: "tcp", 17: "udp", 132: "sctp" };
