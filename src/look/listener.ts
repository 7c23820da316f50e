// Host ports on which a process of the node listens: a mapping would silently take its connections.
import { type HostPortConfig, type PortMapping, PROTOCOLS } from "../cni/host-port-config.ts";
import { type Listener, listListeners } from "../net/listener.ts";
import { NetlinkSocket } from "../netlink/socket.ts";
import { NETLINK_SOCK_DIAG } from "../netlink/uapi/sock_diag.ts";
import { PROTOCOLS as NUMBERS } from "../nft/port-mapping.ts";
import type { PortListener } from "../plan/listener.ts";
import { findHolders } from "./process.ts";

/**
 * The listeners on ports that are asked for. The processes are looked for when there is such a listener, and
 * not before. Throws SystemError.
 */
export function observeListeners(config: HostPortConfig | undefined): PortListener[] {
  if (config === undefined || config.allowListening) return [];
  using socket = NetlinkSocket.open(NETLINK_SOCK_DIAG);
  const found: (Listener & Pick<PortListener, "protocol">)[] = [];
  for (const protocol of PROTOCOLS) {
    const mappings = config.mappings.filter((mapping) => mapping.protocol === protocol);
    if (mappings.length === 0) continue;
    const isAsked = ({ port }: Listener): boolean =>
      mappings.some(({ hostPort, hostPortEnd }) => hostPort <= port && port <= hostPortEnd);
    for (const listener of listListeners(socket, NUMBERS[protocol], onlyPort(mappings)))
      if (isAsked(listener)) found.push({ ...listener, protocol });
  }
  if (found.length === 0) return [];
  const holders = findHolders(new Set(found.map(({ inode }) => inode)));
  return found.map(({ inode, ...listener }) => ({ ...listener, holders: holders.get(inode) ?? [] }));
}

/** The only port in the mappings; 0 when there are several. */
function onlyPort(mappings: readonly PortMapping[]): number {
  let port: number | undefined;
  for (const { hostPort, hostPortEnd } of mappings) {
    if (hostPort !== hostPortEnd || (port !== undefined && port !== hostPort)) return 0;
    port = hostPort;
  }
  return port ?? 0;
}
