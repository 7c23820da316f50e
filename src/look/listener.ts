// Host ports on which a process of the node listens: a mapping would silently take its connections.
import { CniError } from "../cni/error.ts";
import { formatAddress } from "../ip/address.ts";
import { type Listener, listListeners } from "../net/listener.ts";
import { NetlinkSocket } from "../netlink/socket.ts";
import { NETLINK_SOCK_DIAG } from "../netlink/uapi/sock_diag.ts";
import { claimText, type PortMapping } from "../nft/port-mapping.ts";

/**
 * Throws CniError hostPort when a process listens on one of the ports, SystemError when the system refuses.
 */
export function refuseListeners(mappings: PortMapping[]): void {
  using socket = NetlinkSocket.open(NETLINK_SOCK_DIAG);
  const protocols: number[] = [];
  for (const { protocol } of mappings) if (!protocols.includes(protocol)) protocols.push(protocol);
  for (const protocol of protocols) {
    for (const listener of listListeners(socket, protocol, onlyPort(mappings, protocol))) {
      for (const mapping of mappings)
        if (mapping.protocol === protocol && isInTheWay(listener, mapping)) throw taken(listener, mapping);
    }
  }
}

/** The only port in the mappings of a protocol; 0 when there are several. */
function onlyPort(mappings: PortMapping[], wanted: number): number {
  let port: number | undefined;
  for (const { protocol, first, last } of mappings) {
    if (protocol !== wanted) continue;
    if (first !== last || (port !== undefined && port !== first)) return 0;
    port = first;
  }
  return port ?? 0;
}

function isInTheWay(
  { address, port, isForBoth }: Listener,
  { family, hostAddress, first, last }: PortMapping,
): boolean {
  if (port < first || port > last) return false;
  if (address.family !== family) return isForBoth;
  return address.value === 0n || hostAddress === undefined || hostAddress.value === address.value;
}

function taken({ address, port }: Listener, mapping: PortMapping): CniError {
  const where =
    address.family === 4 ? `${formatAddress(address)}:${port}` : `[${formatAddress(address)}]:${port}`;
  return new CniError("hostPort", {
    about: `a process of this node listens on ${where}`,
    attempted: `Tried to take ${claimText(mapping)}`,
    hint: `Look with "ss -lntup" who listens on port ${port}, or choose another host port; "allowListening": true takes the port all the same`,
  });
}
