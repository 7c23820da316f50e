// Another machine on another wire: it knows the host's address there, and has no way back to any pod.
import type { Pod, World } from "./world.ts";

export interface Neighbour {
  place: Pod;
  /** The neighbour's own addresses. */
  v4: string;
  v6: string;
  /** The host's addresses on that wire. */
  host4: string;
  host6: string;
}

const ADDRESSES = { v4: "192.168.50.2", v6: "fd50::2", host4: "192.168.50.1", host6: "fd50::1" };

/** Connects a neighbour to the host; the wire is called `uplink` there. */
export async function addNeighbour(world: World): Promise<Neighbour> {
  const place = await world.pod("neighbour");
  await world.host.must("ip link add uplink type veth peer name wire netns neighbour");
  await world.host.must("ip link set uplink up");
  await place.must("ip link set wire up");
  await world.host.must(`ip address add ${ADDRESSES.host4}/24 dev uplink`);
  await world.host.must(`ip address add ${ADDRESSES.host6}/64 dev uplink nodad`);
  await place.must(`ip address add ${ADDRESSES.v4}/24 dev wire`);
  await place.must(`ip address add ${ADDRESSES.v6}/64 dev wire nodad`);
  return { place, ...ADDRESSES };
}

/** The wire's two addresses of the family of `address`. */
export function wireOf(
  { v4, v6, host4, host6 }: Neighbour,
  address: string,
): { theirs: string; ours: string } {
  return address.includes(":") ? { theirs: v6, ours: host6 } : { theirs: v4, ours: host4 };
}
