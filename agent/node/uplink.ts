// The MTUs of interfaces of the node: of the one with an address, and of the ports of a bridge.
import { readdirSync, readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";

/** The MTU of the interface that has this address; undefined where none has it, or /sys does not say it. */
export function mtuOf(address: string): number | undefined {
  for (const [name, addresses] of Object.entries(networkInterfaces()))
    if (addresses?.some((each) => each.address === address)) return read(name);
  return undefined;
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
