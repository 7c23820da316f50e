// The MTU of the interface with an address.
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";

/** The MTU of the interface that has this address; undefined where none has it, or /sys does not say it. */
export function mtuOf(address: string): number | undefined {
  for (const [name, addresses] of Object.entries(networkInterfaces()))
    if (addresses?.some((each) => each.address === address)) return read(name);
  return undefined;
}

function read(name: string): number | undefined {
  try {
    const mtu = Number(readFileSync(`/sys/class/net/${name}/mtu`, "utf8"));
    return Number.isSafeInteger(mtu) && mtu > 0 ? mtu : undefined;
  } catch {
    return undefined;
  }
}
