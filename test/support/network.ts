// Network configurations for the tests, typed, with the defaults that most scenes want.
import { CONFIG_FOLDER, type World } from "./world.ts";

export const CNI_VERSIONS = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const;

export interface Range {
  subnet: string;
  rangeStart?: string;
  rangeEnd?: string;
  gateway?: string;
}

export interface Ipam {
  type?: string;
  ranges?: Range[][];
  routes?: { dst: string; gw?: string }[];
  [key: string]: unknown;
}

/** One plugin's part of a network. */
export interface PluginConfig {
  type: string;
  bridge?: string;
  isGateway?: boolean;
  isDefaultGateway?: boolean;
  ipMasq?: boolean;
  hairpinMode?: boolean;
  mtu?: number;
  ipam?: Ipam;
  [key: string]: unknown;
}

/** A conflist. Ours comes first, unless a scene is about something else. */
export interface Network {
  cniVersion: string;
  name: string;
  plugins: [PluginConfig, ...PluginConfig[]];
}

export interface NetworkWishes extends Partial<PluginConfig> {
  cniVersion?: string;
  /** One address per subnet; the default is one IPv4 subnet. */
  subnets?: string[];
}

/** A network as most scenes want it: gateway on the bridge, default routes, masquerade. */
export function network(
  name: string,
  { cniVersion = "1.1.0", subnets = ["10.1.0.0/24"], ...wishes }: NetworkWishes = {},
): Network {
  const ipam: Ipam = {
    type: "host-local",
    ranges: subnets.map((subnet) => [{ subnet }]),
    routes: defaultRoutes(subnets),
  };
  const plugin = { type: "pontoon", bridge: `${name}0`, isGateway: true, ipMasq: true, ipam, ...wishes };
  return { cniVersion, name, plugins: [plugin] };
}

/** The three kinds of network that a promise has to hold for. */
export const FAMILIES = [
  { family: "IPv4", subnets: ["10.1.0.0/24"] },
  { family: "IPv6", subnets: ["fd01::/64"] },
  { family: "dual stack", subnets: ["10.1.0.0/24", "fd01::/64"] },
];

/** Puts a network where cnitool looks for it. Writing it again replaces it. */
export function install(world: World, conflist: Network): Network {
  world.write(`${CONFIG_FOLDER}/${conflist.name}.conflist`, JSON.stringify(conflist));
  return conflist;
}

/** What a runtime hands to the plugin on stdin: the plugin's part, with the list's name and version. */
export function pluginInput(
  { name, cniVersion, plugins }: Network,
  more: Record<string, unknown> = {},
): string {
  return JSON.stringify({ ...plugins[0], name, cniVersion, ...more });
}

function defaultRoutes(subnets: string[]): { dst: string }[] {
  const families = new Set(subnets.map((subnet) => (subnet.includes(":") ? "::/0" : "0.0.0.0/0")));
  return [...families].map((dst) => ({ dst }));
}
