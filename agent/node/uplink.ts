// The MTUs of interfaces of the node: of the one by which its packets go, and of the ports of a bridge.
import { closeSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { networkInterfaces } from "node:os";

/** The name of the interface that had an address when it was seen last. */
const seen = new Map<string, string>();

/**
 * The MTU of the interface that has this address; undefined where none has had it, or /sys does not say it.
 * Node lists no interface without a carrier, so one that was seen with the address counts until another has
 * it. An address on the loopback is left by the way out: 1500 without one, as the executable has it.
 */
export function mtuOf(address: string): number | undefined {
  const found = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.flatMap((each) => (each.address === address ? [{ name, isLoopback: each.internal }] : [])),
  )[0];
  if (found?.isLoopback === true) return read(wayOut(address.includes(":") ? 6 : 4)) ?? DEFAULT_MTU;
  const name = found?.name ?? seen.get(address);
  if (name === undefined) return undefined;
  seen.clear();
  seen.set(address, name);
  return read(name);
}

const DEFAULT_MTU = 1500;

/** How the kernel's table of routes names a default route, and the columns of its metric and interface. */
const TABLES = {
  4: { path: "/proc/net/route", isDefault: /^\S+\s+0{8}\s(\S+\s+){5}0{8}\s/, metric: 6, radix: 10, name: 0 },
  6: { path: "/proc/net/ipv6_route", isDefault: /^0{32} 00 0{32} 00 /, metric: 5, radix: 16, name: 9 },
} as const;

/** The interface of the best default route of the main table; "" without one. */
function wayOut(family: 4 | 6): string {
  const { path, isDefault, metric, radix, name } = TABLES[family];
  const routes = linesIn(path)
    .filter((line) => isDefault.test(line))
    .map((line) => line.trim().split(/\s+/))
    .map((columns) => ({ name: columns[name] ?? "", metric: Number.parseInt(columns[metric] ?? "", radix) }))
    // The kernel's own route of those without a way.
    .filter((route) => route.name !== "lo");
  return routes.sort((a, b) => a.metric - b.metric)[0]?.name ?? "";
}

/** Bytes that are read of a table: a router has a million lines, and those of default routes come first. */
const MOST_OF_TABLE = 1 << 18;

function linesIn(path: string): string[] {
  try {
    const file = openSync(path, "r");
    try {
      const bytes = Buffer.alloc(MOST_OF_TABLE);
      let length = 0;
      for (let part = -1; part !== 0 && length < bytes.length; length += part)
        part = readSync(file, bytes, length, bytes.length - length, null);
      return bytes.toString("latin1", 0, length).split("\n");
    } finally {
      closeSync(file);
    }
  } catch {
    return [];
  }
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
