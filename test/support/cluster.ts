// Nodes of a cluster without a cluster: namespaces on segments, each with a pod on a bridge, and wishes for
// them.
import type { Place } from "./place.ts";
import type { Outcome, RunOptions } from "./process.ts";
import { PLUGIN_FOLDER, type Pod, type World } from "./world.ts";

/** A wish as JSON. Tests change it as they like. */
// biome-ignore lint/suspicious/noExplicitAny: hostile documents have anything anywhere.
export type WishJson = Record<string, any>;

/** What `pontoon node apply --json` prints. */
export interface Applied {
  changed: { what: string; action: string }[];
  refused: { what: string; code: string; reason: string }[];
  notes: { code: string; text: string }[];
  dryRun: boolean;
}

/** Runs `pontoon node` with these words; `wish` is its stdin, `through` stands before it. */
export function pontoonNode(
  place: Place,
  words: string[],
  { wish, through = [], ...options }: RunOptions & { wish?: WishJson; through?: string[] } = {},
): Promise<Outcome> {
  return place.exec([...through, `${PLUGIN_FOLDER}/pontoon`, "node", ...words], {
    ...options,
    ...(wish === undefined ? {} : { stdin: JSON.stringify(wish) }),
  });
}

/** Applies a wish; gives what it printed, and its exit status. */
export async function apply(
  place: Place,
  wish: WishJson,
  ...words: string[]
): Promise<Applied & { status: number | undefined }> {
  const { status, stdout, stderr } = await pontoonNode(place, ["apply", "--json", ...words], { wish });
  if (stdout === "") throw new Error(`pontoon node apply printed nothing: ${stderr}`);
  return { ...(JSON.parse(stdout) as Applied), status };
}

/** Applies a wish that has to be made so wholly; gives the changes as lines. */
export async function mustApply(place: Place, wish: WishJson, ...words: string[]): Promise<string[]> {
  const { status, changed, refused } = await apply(place, wish, ...words);
  if (status !== 0) throw new Error(`refused, with status ${status}: ${JSON.stringify(refused)}`);
  return changed.map(({ what, action }) => `${what}: ${action}`);
}

/** A node of a cluster and its pod. The n-th has pods in 10.244.n.0/24 and fd01:n::/64. */
export interface ClusterNode {
  number: number;
  place: Pod;
  pod: Pod;
  subnets: string[];
  /** The node's own addresses. */
  ipv4: string;
  ipv6: string;
}

/** The addresses of the n-th node's pod. */
export function podAddresses(number: number): { ipv4: string; ipv6: string } {
  return { ipv4: `10.244.${number}.5`, ipv6: `fd01:${number}::5` };
}

/** A switch: a bridge in a namespace, with an address of each family where `gateway` is given. */
export async function segment(world: World, name: string, gateway?: { ipv4: string; ipv6: string }) {
  const place = await world.pod(name);
  await addBridge(place, "br0", gateway);
  return place;
}

/** Adds a bridge with these addresses to a place. */
export async function addBridge(
  place: Place,
  bridge: string,
  gateway?: { ipv4: string; ipv6: string },
): Promise<void> {
  await place.must(`ip link add ${bridge} type bridge`);
  await place.must(`ip link set ${bridge} up`);
  if (gateway === undefined) return;
  await place.must(`ip address add ${gateway.ipv4}/24 dev ${bridge}`);
  await place.must(`ip address add ${gateway.ipv6}/64 dev ${bridge} nodad`);
}

/** Joins a place to a bridge of another by a veth pair; its end is eth0, with an address of each family. */
export async function join(
  place: Pod,
  to: { place: Pod; bridge: string },
  { ipv4, ipv6 }: { ipv4: string; ipv6: string },
): Promise<void> {
  await place.must(`ip link add eth0 type veth peer name p-${place.name} netns ${to.place.name}`);
  await to.place.must(`ip link set p-${place.name} master ${to.bridge} up`);
  await place.must("ip link set eth0 up");
  await place.must(`ip address add ${ipv4}/24 dev eth0`);
  await place.must(`ip address add ${ipv6}/64 dev eth0 nodad`);
}

/** Sets the default routes of a place. */
export async function goBy(place: Place, { ipv4, ipv6 }: { ipv4: string; ipv6: string }): Promise<void> {
  await place.must(`ip route replace default via ${ipv4}`);
  await place.must(`ip -6 route replace default via ${ipv6}`);
}

/** Makes the n-th node on a segment, with a pod. */
export async function clusterNode(
  world: World,
  number: number,
  { place: lan, bridge = "br0", net = 90 }: { place: Pod; bridge?: string; net?: number },
): Promise<ClusterNode> {
  const place = await world.pod(`node${number}`);
  const own = { ipv4: `10.${net}.0.1${number}`, ipv6: `fd${net}::1${number}` };
  await join(place, { place: lan, bridge }, own);
  const gateway = { ipv4: `10.244.${number}.1`, ipv6: `fd01:${number}::1` };
  await addBridge(place, "cni0", gateway);
  const pod = await world.pod(`pod${number}`);
  await join(pod, { place, bridge: "cni0" }, podAddresses(number));
  await goBy(pod, gateway);
  return { number, place, pod, subnets: subnetsOf(number), ...own };
}

export function subnetsOf(number: number): string[] {
  return [`10.244.${number}.0/24`, `fd01:${number}::/64`];
}

/** The wish of a node for routes to others on its segment, and masquerading of all but nodes and pods. */
export function routedWish(own: ClusterNode, others: readonly ClusterNode[]): WishJson {
  return {
    version: 1,
    podSubnets: own.subnets,
    routes: others.flatMap(({ subnets: [four, six], ipv4, ipv6 }) => [
      { subnet: four, via: ipv4 },
      { subnet: six, via: ipv6 },
    ]),
    masquerade: { except: [own, ...others].flatMap(({ ipv4, ipv6 }) => [`${ipv4}/32`, `${ipv6}/128`]) },
  };
}
