// Whether a bridge's machines are told of a pod, on a bridge with so many ports that nothing is announced
// without need.
import { capture } from "./capture.ts";
import { linkOf } from "./link.ts";
import { type Network, network, type PluginConfig, type Range } from "./network.ts";
import { pings } from "./traffic.ts";
import { waitFor } from "./wait.ts";
import type { Pod, World } from "./world.ts";

/** How the kernel announces the address of a pod by ARP. */
export const ANNOUNCEMENT = /who-has 10\.1\.0\.6\b.* tell 10\.1\.0\.6\b|Announcement 10\.1\.0\.6/;

/** A MAC that follows no address of these networks. */
export const OTHER_MAC = "0a:00:00:00:00:77";

/** A network with two addresses: the first one is for the peer, the other one goes from pod to pod. */
export function twoAddresses(
  range: Range = { subnet: "10.1.0.0/24", rangeStart: "10.1.0.5", rangeEnd: "10.1.0.6" },
  more: Partial<PluginConfig> = {},
): Network {
  const pods = network("pods", more);
  pods.plugins[0].ipam!.ranges = [[range]];
  return pods;
}

/** The same network with the plugin `tuning` behind us, which gives the pod another MAC. */
export const tuned = (pods: Network): Network => ({
  ...pods,
  plugins: [pods.plugins[0], { type: "tuning", mac: OTHER_MAC }],
});

/** A bridge with so many ports that nothing is announced on it without need; what hangs on them is nobody. */
export async function crowd(world: World, bridge: string): Promise<void> {
  const pairs = Array.from(
    { length: 101 },
    (_, at) => `link add crowd${at} type veth peer name other${at}\nlink set crowd${at} master ${bridge}\n`,
  );
  await world.host.must("ip -batch -", { stdin: pairs.join("") });
}

/**
 * True while all pods of the bridge have always had the MAC that follows their addresses: what its alias
 * says.
 */
export async function saysMacsFollow(world: World, bridge: string): Promise<boolean> {
  return (await linkOf(world.host, bridge)).ifalias?.startsWith("pontoon: 0a:58") === true;
}

/**
 * Whether `action` makes 10.1.0.6 announced, by what the peer hears until it has asked for that address
 * itself.
 */
export async function isAnnounced(peer: Pod, action: () => Promise<unknown>): Promise<boolean> {
  await using arp = await capture(peer, "eth0", "arp");
  await action();
  await peer.must("ip neighbour flush dev eth0");
  if (!(await pings(peer, "10.1.0.6"))) throw new Error("10.1.0.6 does not answer.");
  await waitFor("the peer's own question was seen", () =>
    /who-has 10\.1\.0\.6 tell 10\.1\.0\.5/.test(arp.output),
  );
  return ANNOUNCEMENT.test(arp.output);
}
