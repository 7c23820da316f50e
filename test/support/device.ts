// Devices of a host that pods may get: an end of a veth pair stands for a card, and the other end, in a
// namespace of its own, for the network that the card is plugged into.
import type { FormerDevice } from "../../src/attachment/device.ts";
import type { Ipam, Network, NetworkWishes } from "./network.ts";
import type { Place } from "./place.ts";
import { waitFor } from "./wait.ts";
import type { Pod, World } from "./world.ts";

export interface Card {
  name: string;
  /** The network behind the card, with the addresses 10.5.0.1/24 and fd05::1/64. */
  lan: Pod;
}

export const LAN_RANGES = [
  [{ subnet: "10.5.0.0/24", rangeStart: "10.5.0.10", rangeEnd: "10.5.0.99" }],
  [{ subnet: "fd05::/64", rangeStart: "fd05::10", rangeEnd: "fd05::99" }],
];

/** A virtual device without addresses. */
export function formerDevice(name: string): FormerDevice {
  const [mac, mtu, txQueueLength, alias] = ["02:00:00:00:00:07", 1500, 1000, ""];
  const flags = { up: true, promiscuous: false, allMulticast: false };
  const hardware = { permanentMac: undefined, busPath: undefined };
  return { name, mac, mtu, txQueueLength, alias, ...flags, addresses: [], ...hardware };
}

/** A network whose pods get a device; `wishes` names it. */
export function deviceNetwork(
  name: string,
  { cniVersion = "1.1.0", subnets: _, ...wishes }: NetworkWishes = {},
): Network {
  const ipam: Ipam = { type: "host-local", ranges: LAN_RANGES };
  return { cniVersion, name, plugins: [{ type: "pontoon", attach: "device", ipam, ...wishes }] };
}

/** Plugs a card into the host, with settings and addresses that it has to have again after a pod. */
export async function plugIn(world: World, name = "eth7"): Promise<Card> {
  const lan = await world.pod(`lan-${name}`);
  // Link-local addresses are in use at once.
  for (const place of [world.host, lan]) await place.must("sysctl -qw net.ipv6.conf.default.accept_dad=0");
  await world.host.must(
    `ip link add ${name} mtu 1400 txqueuelen 700 type veth peer name wire netns lan-${name}`,
  );
  for (const command of [
    `link set ${name} address 02:00:00:00:0${name.length}:07 alias uplink`,
    `address add 192.0.2.7/24 broadcast 192.0.2.255 dev ${name}`,
    `address add 198.51.100.7 peer 198.51.100.8/32 dev ${name} label ${name}:p2p scope link`,
    `-6 address add 2001:db8::7/64 dev ${name} nodad`,
    `link set ${name} up`,
  ])
    await world.host.must(`ip ${command}`);
  for (const command of [
    "address add 10.5.0.1/24 dev wire",
    "-6 address add fd05::1/64 dev wire nodad",
    "link set wire up",
  ])
    await lan.must(`ip ${command}`);
  return { name, lan };
}

/** The facts of a device when no address of it waits for an answer any more. */
export async function settled(place: Place, name: string): Promise<unknown> {
  const isSettled = async () => !JSON.stringify(await factsOf(place, name)).includes("tentative");
  await waitFor(`the addresses of ${name} are in use`, isSettled);
  return factsOf(place, name);
}

/** All that `ip` tells of a device, but for what counts packets or time. */
export async function factsOf(place: Place, name: string): Promise<unknown> {
  const [link] = await place.json<Record<string, unknown>[]>(`ip -j -d link show dev ${name}`);
  const [addresses] = await place.json<{ addr_info: unknown[] }[]>(`ip -j -d address show dev ${name}`);
  return { link, addresses: addresses?.addr_info };
}
