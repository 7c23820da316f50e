// Looking at links with the eyes of `ip`.
import type { Place } from "./place.ts";
import { waitFor } from "./wait.ts";
import type { Pod, World } from "./world.ts";

export interface Link {
  ifname: string;
  ifindex: number;
  flags: string[];
  operstate: string;
  /** The other end of a veth pair. */
  link_index?: number;
  mtu: number;
  txqlen: number;
  address: string;
  promiscuity: number;
  group: string;
  ifalias?: string;
  altnames?: string[];
  num_tx_queues: number;
  linkinfo?: { info_slave_data?: { hairpin: boolean } };
}

/** What `ip` shows of a link. */
export async function linkOf(place: Place, name: string): Promise<Link> {
  const [found] = await place.json<Link[]>(`ip -j -d link show ${name}`);
  return found!;
}

/** The name of a pod's link on the host's side, by the kernel's own word for the other end of `name`. */
export async function hostLinkOf(world: World, pod: Place, name = "eth0"): Promise<string> {
  const { link_index } = await linkOf(pod, name);
  const links = await world.host.json<Link[]>("ip -j link show");
  const found = links.find(({ ifindex }) => ifindex === link_index);
  if (found === undefined) throw new Error(`The other end of ${name} in ${pod.name} is not in the host.`);
  return found.ifname;
}

/**
 * The pod's namespace goes, and nobody says DEL. Returns when the kernel has cleared it away, and the end
 * `name` of a veth pair in `place` with it.
 */
export async function diesWith(world: World, pod: Pod, name: string, place: Place): Promise<void> {
  await world.removePod(pod);
  await waitFor(
    `${name} has gone with the namespace of ${pod.name}`,
    async () => (await place.exec(`ip link show ${name}`)).status !== 0,
  );
}

/**
 * The pod's namespace goes, and nobody says DEL. Returns when the kernel, which clears it away when it comes
 * to it, has taken its link on the host too.
 */
export async function dies(world: World, pod: Pod): Promise<void> {
  const name = await hostLinkOf(world, pod);
  await world.removePod(pod);
  await waitFor(
    `${name} has gone with its namespace`,
    async () => (await world.host.exec(`ip link show ${name}`)).status !== 0,
  );
}
