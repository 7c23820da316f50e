// Networks of two pods that are joined directly.
import { type Network, type NetworkWishes, network } from "./network.ts";
import type { Place } from "./place.ts";
import type { World } from "./world.ts";

/** A pair of addresses of each family, all of them for pods. */
export const PAIRS = ["10.7.0.0/31", "fd07::/127"];

/** A network of two pods; without a wish each has an address of {@link PAIRS}. */
export function wireNetwork(name: string, { subnets = PAIRS, ...wishes }: NetworkWishes = {}): Network {
  const ipam = { type: "host-local", ranges: subnets.map((subnet) => [{ subnet }]) };
  const whole = network(name, { ipam, ...wishes });
  const { bridge: _, isGateway: __, ipMasq: ___, ...plugin } = whole.plugins[0];
  return { ...whole, plugins: [{ ...plugin, attach: "wire" }] };
}

/** The links of the node that are not its loopback. */
export async function hostLinks(world: World): Promise<string[]> {
  const links = await world.host.json<{ ifname: string; ifalias?: string }[]>("ip -j -d link show");
  return links
    .filter(({ ifname }) => ifname !== "lo")
    .map(({ ifname, ifalias = "" }) => `${ifname} ${ifalias}`);
}

/**
 * What a place has on an interface: addresses and routes, as `ip` shows them. Whether the kernel still asks
 * for others with the address of the link is left out, and so is its local route, which comes after that.
 */
export async function holdings(place: Place, name = "eth0"): Promise<string[]> {
  const texts = [];
  for (const what of [
    `address show dev ${name}`,
    `-4 route show dev ${name} table all`,
    `-6 route show dev ${name} table all`,
    "rule show",
  ])
    texts.push(await place.must(`ip ${what}`));
  return texts
    .join("")
    .split("\n")
    .map((line) =>
      line
        .replace(
          /^\d+: |@\S+|state \S+| tentative|link-netns\S* \S+|linkdown|qdisc \S+|NO-CARRIER,|,LOWER_UP|M-DOWN,?/g,
          "",
        )
        // The table of source based routing has the interface's index in its number.
        .replace(/\b100\d\d\b/g, "own")
        .replace(/ +/g, " ")
        .trim(),
    )
    .filter((line) => line !== "" && !line.startsWith("local fe80:"));
}

/** Everything that an attachment on a wire can have beside its addresses. */
export const WIRE_WITH_ALL = {
  mtu: 1400,
  sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1" },
  promisc: true,
  txQLen: 77,
  sourceBasedRouting: true,
  ipam: {
    type: "host-local",
    ranges: PAIRS.map((subnet) => [{ subnet }]),
    routes: [{ dst: "10.9.0.0/16" }, { dst: "fd09::/32" }],
  },
};
