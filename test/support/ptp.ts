// Networks without a bridge.
import { type Network, type NetworkWishes, network } from "./network.ts";

/** A network as most scenes want it, with a veth pair from each pod to the node and no bridge. */
export function ptpNetwork(name: string, wishes: NetworkWishes = {}): Network {
  const whole = network(name, wishes);
  const { bridge: _, ...plugin } = whole.plugins[0];
  return { ...whole, plugins: [{ ...plugin, attach: "ptp" }] };
}
