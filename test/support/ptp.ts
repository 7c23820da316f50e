// Networks without a bridge, and those that a promise has to hold for whatever the way of attaching.
import { type Network, type NetworkWishes, network } from "./network.ts";

/** Makes a network of one way of attaching. */
export type NetworkOf = typeof network;

/** A network as most scenes want it, with a veth pair from each pod to the node and no bridge. */
export function ptpNetwork(name: string, wishes: NetworkWishes = {}): Network {
  const whole = network(name, wishes);
  const { bridge: _, ...plugin } = whole.plugins[0];
  return { ...whole, plugins: [{ ...plugin, attach: "ptp" }] };
}

/** The ways of attaching of pods that the node reaches by their addresses. */
export const WAYS: { way: string; networkOf: NetworkOf }[] = [
  { way: "a bridge", networkOf: network },
  { way: "a pair of its own", networkOf: ptpNetwork },
];
