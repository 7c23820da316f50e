// The same network twice: five plugins in a chain, and one entry of ours.
import type { Plugin } from "../differential/row.ts";
import { addPlugins } from "../support/ipam.ts";
import { install, type Network, network, type PluginConfig } from "../support/network.ts";
import type { World } from "../support/world.ts";
import type { ChainScene } from "./scene.ts";

/** What bandwidth is limited to, in bit/s and bit. */
export const LIMITS = {
  ingressRate: 80_000_000,
  ingressBurst: 8_000_000,
  egressRate: 160_000_000,
  egressBurst: 8_000_000,
};
const SYSCTL = { "net.core.somaxconn": "500", "net.ipv4.ip_local_port_range": "20000 60000" };

/** What the runtime asks for, for pod red alone. */
export const WISHES = {
  CAP_ARGS: JSON.stringify({
    portMappings: ["tcp", "udp"].map((protocol) => ({ hostPort: 8080, containerPort: 80, protocol })),
    bandwidth: LIMITS,
  }),
};

/** Puts the network where cnitool looks for it; of two names one has an address space of its own. */
export function installNetwork(
  world: World,
  plugin: Plugin,
  { bridge = {}, portmap = {}, firewall = {}, ours = {} }: ChainScene,
  name: "pods" | "others",
): Network {
  const subnets = name === "pods" ? ["10.1.0.0/24", "fd01::/64"] : ["10.3.0.0/24", "fd03::/64"];
  const conflist = network(name, {
    subnets,
    ...(plugin === "ours" ? { ingressPolicy: "open", ...ours } : bridge),
  });
  const [first] = conflist.plugins;
  if (plugin === "ours")
    return install(world, {
      ...conflist,
      plugins: [{ ...first, capabilities: { portMappings: true, bandwidth: true }, sysctl: SYSCTL }],
    });
  const behind: PluginConfig[] = [
    { type: "portmap", capabilities: { portMappings: true }, ...portmap },
    { type: "firewall", ...firewall },
    { type: "bandwidth", capabilities: { bandwidth: true } },
    { type: "tuning", sysctl: SYSCTL },
  ];
  return install(world, { ...conflist, plugins: [{ ...first, type: "bridge" }, ...behind] });
}

/** Puts the plugins of the chain where ours is. */
export function addChain(world: World): void {
  addPlugins(world, "bridge", "host-local", "portmap", "firewall", "bandwidth", "tuning");
}
