// Host ports in the tests: asked for through cnitool, as runtimes do it, and tried from everywhere.
import { add, type CniResult } from "./cni.ts";
import { install, type Network, type NetworkWishes, network } from "./network.ts";
import type { Place } from "./place.ts";
import { ask, connect } from "./traffic.ts";
import type { Pod, World } from "./world.ts";

export interface PortWish {
  hostPort: number;
  hostPortEnd?: number;
  containerPort: number;
  protocol?: string;
  hostIP?: string;
}

/** A network whose pods may have host ports. */
export function portNetwork(world: World, name: string, wishes: NetworkWishes = {}): Network {
  return install(world, network(name, { capabilities: { portMappings: true }, ...wishes }));
}

/** What a runtime adds for these ports: for cnitool, and for a call of the executable itself. */
export const portArgs = (portMappings: PortWish[]) => ({ CAP_ARGS: JSON.stringify({ portMappings }) });
export const portConfig = (portMappings: PortWish[]) => ({ runtimeConfig: { portMappings } });

/** ADD with host ports; it has to succeed. */
export async function addWithPorts(
  world: World,
  pods: Network,
  pod: Pod,
  ports: PortWish[],
): Promise<CniResult> {
  return add(world, pods, pod, portArgs(ports));
}

/** What the server behind a port says over both protocols; it has to be the same. */
export async function talk(from: Place, address: string, port: number): Promise<string | undefined> {
  const [tcp, udp] = await Promise.all([connect(from, address, port), ask(from, address, port)]);
  return tcp === udp ? tcp : `tcp: ${tcp}, udp: ${udp}`;
}

/** TCP and UDP of one port. */
export const both = (ports: Omit<PortWish, "protocol">): PortWish[] =>
  ["tcp", "udp"].map((protocol) => ({ ...ports, protocol }));
