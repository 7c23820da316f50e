// The MTUs of interfaces of the node: of the one with an address, and of the ports of a bridge.
import { readdirSync, readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";

/** The name of the interface that had an address when it was seen last. */
const seen = new Map<string, string>();

/**
 * The MTU of the interface that has this address; undefined where none has had it, or /sys does not say it.
 * Node lists no interface without a carrier, so one that was seen with the address counts until another has
 * it.
 */
export function mtuOf(address: string): number | undefined {
  const [name] = Object.entries(networkInterfaces()).find(([, addresses]) =>
    addresses?.some((each) => each.address === address),
  ) ?? [seen.get(address)];
  if (name === undefined) return undefined;
  seen.clear();
  seen.set(address, name);
  return read(name);
}

/** True where a port of the bridge has a larger MTU. A bridge that is not there has none. */
export function hasPortAbove(bridge: string, mtu: number): boolean {
  return portsOf(bridge).some((name) => (read(name) ?? 0) > mtu);
}

function portsOf(bridge: string): string[] {
  try {
    return readdirSync(`/sys/class/net/${bridge}/brif`);
  } catch {
    return [];
  }
}

function read(name: string): number | undefined {
  try {
    const mtu = Number(readFileSync(`/sys/class/net/${name}/mtu`, "utf8"));
    return Number.isSafeInteger(mtu) && mtu > 0 ? mtu : undefined;
  } catch {
    return undefined;
  }
}
