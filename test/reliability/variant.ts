// The networks that every action is hurt on: all ways of attaching, which have every feature between them.
import { deviceNetwork, LAN_RANGES, plugIn, settled } from "../support/device.ts";
import { type Network, type NetworkWishes, network } from "../support/network.ts";
import type { Place } from "../support/place.ts";
import { ptpNetwork } from "../support/ptp.ts";
import { pings } from "../support/traffic.ts";
import { PAIRS, WIRE_WITH_ALL, wireNetwork } from "../support/wire.ts";
import { PLUGIN_FOLDER, type Pod, type World } from "../support/world.ts";

export interface Variant {
  network: () => Network;
  /** Pods have ports of the host. */
  hasHostPorts: boolean;
  /** An ADD or a DEL starts other programs. */
  startsPrograms: boolean;
  /** A pod's interface outlives the pod's namespace. The devices here are virtual, and die with it. */
  canLoseNamespace: boolean;
  /**
   * Before an ADD the resident has lost its wire with another pod's namespace. Other actions are those of
   * wire.
   */
  losesWire: boolean;
  /** Plugs in the devices that a host has before the first call. */
  plugIn?: (world: World) => Promise<void>;
  /** A line for each of these devices, by its name. */
  devices?: (host: Place) => Promise<Map<string, string>>;
  /**
   * Lines of what the resident reaches, and of what a snapshot leaves out. They are the same as before for as
   * long as nobody touches the resident.
   */
  facts: (host: Place, resident: Pod) => Promise<string[]>;
}

const FAMILIES = ["10.1.0.0/24", "fd01::/64"];

/** Keys of all networks with a gateway on the node. */
const COMMON: NetworkWishes = {
  subnets: FAMILIES,
  capabilities: { portMappings: true },
  isDefaultGateway: true,
  ingressRate: 20_000_000,
  mtu: 1400,
  sourceBasedRouting: true,
  sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1" },
  txQLen: 500,
  allmulti: true,
};

/** The devices of a host, one for the resident and one for the pod that is hurt. */
const CARDS = ["eth7", "eth88"];

const ON_THE_NODE = {
  hasHostPorts: true,
  startsPrograms: true,
  canLoseNamespace: true,
  losesWire: false,
  facts: (_: Place, resident: Pod) => reached(resident, ["10.1.0.1", "fd01::1"]),
};

const WIRE: Variant = {
  hasHostPorts: false,
  startsPrograms: false,
  canLoseNamespace: true,
  losesWire: false,
  network: () => wireNetwork("pods", { ...WIRE_WITH_ALL, allmulti: true }),
  facts: (_, resident) => otherReached(resident),
};

/** A VLAN is not among them, since it needs another kernel (test/vm). */
const VARIANTS: Record<string, Variant> = {
  nftables: {
    ...ON_THE_NODE,
    startsPrograms: false,
    network: () =>
      network("pods", {
        ...COMMON,
        ipspoofchk: true,
        ingressPolicy: "isolated",
        egressRate: 20_000_000,
        promisc: true,
        hairpinMode: true,
      }),
  },
  iptables: {
    ...ON_THE_NODE,
    network: () =>
      network("pods", {
        ...COMMON,
        macspoofchk: true,
        ipMasqBackend: "iptables",
        ingressPolicy: "same-bridge",
        egressRate: 20_000_000,
        egressInPod: true,
        promiscMode: true,
        compat: { iptablesHostPortChains: true },
      }),
  },
  ptp: {
    ...ON_THE_NODE,
    network: () =>
      ptpNetwork("pods", {
        ...COMMON,
        ipspoofchk: true,
        ingressPolicy: "same-bridge",
        egressRate: 20_000_000,
      }),
  },
  foreign: {
    ...ON_THE_NODE,
    network: () => {
      const ranges = FAMILIES.map((subnet) => [{ subnet }]);
      // On the node's /run, as its documentation asks for: the program itself does not see a reboot.
      const ipam = { type: `${PLUGIN_FOLDER}/host-local`, ranges, dataDir: "/run/leases" };
      return network("pods", { ...COMMON, ipspoofchk: true, ipam });
    },
  },
  wire: WIRE,
  "lost-wire": { ...WIRE, losesWire: true },
  device: {
    hasHostPorts: false,
    startsPrograms: false,
    canLoseNamespace: false,
    losesWire: false,
    network: () =>
      deviceNetwork("pods", {
        devices: CARDS,
        mtu: 1300,
        txQLen: 50,
        promisc: true,
        allmulti: true,
        sourceBasedRouting: true,
        sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1" },
        ipam: { type: "host-local", ranges: LAN_RANGES, routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }] },
      }),
    plugIn: async (world) => {
      for (const name of CARDS) await plugIn(world, name);
    },
    devices: cards,
    facts: async (host, resident) => [
      ...(await reached(resident, ["10.5.0.1", "fd05::1"])),
      ...(await cards(host)).values(),
    ],
  },
};

export const VARIANT_NAMES = Object.keys(VARIANTS);

/** The variant of that name, of those in {@link VARIANT_NAMES}. */
export function variantNamed(name: string): Variant {
  return VARIANTS[name]!;
}

/** Those of `actions` that are played with a variant. */
export function actionsOf<A extends string>(variant: string, actions: readonly A[]): A[] {
  return actions.filter((action) => !variantNamed(variant).losesWire || action === "ADD");
}

/** What the resident reaches, by a line for each address; a pod that has no interface reaches none. */
async function reached(resident: Pod, addresses: string[]): Promise<string[]> {
  const are = await Promise.all(addresses.map((address) => pings(resident, address)));
  return addresses.map((address, at) => `resident reaches ${address}: ${are[at]}`);
}

/** As {@link reached}, of the other end of the resident's wire while there is one. */
async function otherReached(resident: Pod): Promise<string[]> {
  const { stdout } = await resident.exec("ip -o address show dev eth0 scope global");
  const { stdout: link } = await resident.exec("ip link show dev eth0");
  if (!link.includes("LOWER_UP")) return ["resident has nobody at the other end"];
  const own = new Set(stdout.split(/[\s/]+/));
  const all = PAIRS.map((subnet) => subnet.split("/")[0]!).flatMap((first) => [
    first,
    first.endsWith("::") ? `${first}1` : first.replace(/0$/, "1"),
  ]);
  return reached(
    resident,
    all.filter((address) => !own.has(address)),
  );
}

/** All that `ip` tells of each card on the node. */
async function cards(host: Place): Promise<Map<string, string>> {
  const line = async (name: string): Promise<string> => {
    const isThere = (await host.exec(`ip link show dev ${name}`)).status === 0;
    return isThere ? `card ${name} ${JSON.stringify(await settled(host, name))}` : `card ${name} is away`;
  };
  return new Map(await Promise.all(CARDS.map(async (name) => [name, await line(name)] as const)));
}
