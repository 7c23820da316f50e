// Listeners of the node beside host ports: the connections that stay with a listener, and the refusal where
// a listener would be cut off. Pure.
import type { AttachedPortMapping, KeptPort } from "../attachment/host-ports.ts";
import { CniError } from "../cni/error.ts";
import type { PortMapping } from "../cni/host-port-config.ts";
import { type Address, formatAddress, isLoopbackAddress } from "../ip/address.ts";
import { portsText } from "../ip/port.ts";

/** A listening socket of the node on a port that is asked for. */
export interface PortListener {
  protocol: PortMapping["protocol"];
  port: number;
  /** The value 0 stands for all addresses of the family. */
  address: Address;
  /** True for a socket of IPv6 that takes connections of IPv4, too. */
  isForBoth: boolean;
  /** The processes that have the socket open, as far as they can be seen. */
  holders: Process[];
}

/** A process of the node. */
export interface Process {
  pid: number;
  /** The name that `ps` shows. */
  name: string;
  /** The words of the command line, the program first. */
  arguments: string[];
}

/**
 * The ports that stay with their listeners: those on a loopback address, beside a mapping of all addresses.
 * What comes from outside never reaches such a listener, and what is sent to it does not go to the pod. A
 * listener whose process names the container on its command line is the runtime's own, which keeps the port
 * for this container. Throws CniError hostPort for a listener that would be cut off.
 */
export function keepListeners(
  mappings: readonly AttachedPortMapping[],
  listeners: readonly PortListener[],
  containerId: string,
): KeptPort[] {
  const kept: KeptPort[] = [];
  for (const listener of listeners) {
    if (listener.holders.some((holder) => holder.arguments.includes(containerId))) continue;
    for (const mapping of mappings) {
      if (!isMeant(listener, mapping)) continue;
      const { protocol, port, address } = listener;
      if (mapping.hostAddress !== undefined || !isLoopbackAddress(address)) throw taken(listener, mapping);
      const own: KeptPort = { protocol, port, address: formatAddress(address) };
      // The kernel translates nothing that is sent to ::1.
      if (address.family === 4 && !kept.some((each) => isSame(each, own))) kept.push(own);
    }
  }
  return kept;
}

/** True when connections to the listener could be connections of the mapping. */
function isMeant(
  { protocol, port, address, isForBoth }: PortListener,
  { protocol: wanted, hostAddress, hostPort, hostPortEnd, address: target }: AttachedPortMapping,
): boolean {
  if (protocol !== wanted || port < hostPort || port > hostPortEnd) return false;
  if (address.family !== (target.includes(":") ? 6 : 4)) return isForBoth;
  return address.value === 0n || hostAddress === undefined || hostAddress === formatAddress(address);
}

function isSame(a: KeptPort, b: KeptPort): boolean {
  return a.protocol === b.protocol && a.port === b.port && a.address === b.address;
}

function taken({ address, port, holders }: PortListener, mapping: AttachedPortMapping): CniError {
  const text = formatAddress(address);
  const where = address.family === 4 ? `${text}:${port}` : `[${text}]:${port}`;
  const [holder] = holders;
  const who = holder === undefined ? "a process of this node" : `${holder.name} (pid ${holder.pid})`;
  const { protocol, hostAddress, hostPort: first, hostPortEnd: last } = mapping;
  const claim = portsText(protocol, { first, last }, hostAddress);
  const look =
    holder === undefined ? `Look with "ss -lntup" who listens on port ${port}` : `Stop ${holder.name}`;
  return new CniError("hostPort", {
    about: `${who} listens on ${where}`,
    attempted: `Tried to take ${claim}`,
    hint: `${look}, or choose another host port; "allowListening": true takes the port all the same`,
  });
}
