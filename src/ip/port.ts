// Ports of addresses, for people.

/** A range of ports: `tcp port 8080`, `udp ports 5000 to 5100 of 192.168.50.1`. */
export function portsText(
  protocol: string,
  { first, last }: { first: number; last: number },
  hostAddress: string | undefined,
): string {
  const ports = first === last ? `port ${first}` : `ports ${first} to ${last}`;
  return `${protocol} ${ports}${hostAddress === undefined ? "" : ` of ${hostAddress}`}`;
}
