// The wish of this node: what `pontoon node apply` reads (docs/node.md), out of the cluster and the settings.
// Pure.
import { type Address, type Family, formatAddress } from "../../src/ip/address.ts";
import { formatPrefix, type Prefix, wholeOf } from "../../src/ip/prefix.ts";
import type { Settings } from "../settings.ts";
import { BRIDGE, conflistText } from "./conflist.ts";
import { addressOf, type Cluster, type Member } from "./members.ts";
import type { Problem } from "./problem.ts";
import { tunnelMac } from "./tunnel-mac.ts";

/** Another node behind the tunnel. */
interface Peer {
  subnets: string[];
  address: string;
}

/** The document of docs/node.md. */
export interface Wish {
  version: 1;
  podSubnets: string[];
  routes: { subnet: string; via: string }[];
  tunnel?: {
    kind: "vxlan";
    vni: number;
    port: number;
    mtu: number | "auto";
    local: string;
    peers: Peer[];
  };
  masquerade?: { except: string[] };
  conflist?: { path: string; content: string };
}

/** What the node's kernel says of the ways to other nodes. */
export interface Ways {
  /** True where packets to the address need no router. */
  isDirect(address: string): boolean;
  /** The MTU of the interface with this address; undefined where none has it. */
  mtuOf(address: string): number | undefined;
  /** True where a port of the bridge, which has the MTU of its pod, takes more than so many bytes. */
  hasPortAbove(bridge: string, mtu: number): boolean;
}

/** The wish, or the reason why there is none: then nothing on the node is changed. */
export interface Decision {
  wish: Wish | undefined;
  problems: Problem[];
  /** The one of the problems that is the reason. */
  none?: Problem | undefined;
}

/** The most subnets of a peer in the document. */
const MOST_SUBNETS = 16;

/** Bytes that each link of IPv6 takes (RFC 8200, section 5). */
const IPV6_LEAST_MTU = 1280;

/** The bytes of the outer headers of VXLAN (RFC 7348, section 5), by the family of the outer packets. */
const OVERHEAD: Record<Family, number> = { 4: 50, 6: 70 };

/**
 * The wish by which the executable says which nodes need no router: all subnets as routes. It is for a dry
 * run.
 */
export function probeOf(own: Member, { others }: Cluster): Wish {
  return {
    version: 1,
    podSubnets: own.subnets.map(formatPrefix),
    routes: others.flatMap((peer) => directRoutes(peer).routes),
  };
}

/** Decides what this node is to have. */
export function decide(cluster: Cluster, settings: Settings, ways: Ways): Decision {
  const { own } = cluster;
  const problems = [...cluster.problems];
  const paths = cluster.others.map((peer) => pathTo(peer, settings, ways));
  const none = ownProblem(cluster, settings, paths);
  if (own === undefined || none !== undefined)
    return { wish: undefined, problems: none === undefined ? problems : [...problems, none], none };
  const tunnel = tunnelOf(own, settings, paths, problems);
  const routes = paths.flatMap(({ kind, peer }) => (kind === "direct" ? routesTo(peer, problems) : []));
  if (settings.backend === "routes")
    problems.push(...paths.filter(({ kind }) => kind === "unreachable").map(({ peer }) => notDirect(peer)));
  const ownSubnets = own.subnets.map(formatPrefix);
  const all = [ownSubnets, ...(tunnel?.peers ?? []).map(({ subnets }) => subnets)].flat();
  const mtu = podMtu(settings, { tunnel, has6: all.some((subnet) => subnet.includes(":")) }, ways);
  if (tunnel !== undefined) problems.push(...mtuProblems({ own, settings, mtu }, tunnel, ways));
  const wish: Wish = {
    version: 1,
    podSubnets: ownSubnets,
    routes,
    ...(tunnel && { tunnel }),
    ...(settings.masquerade && { masquerade: { except: exceptOf(own, settings, paths) } }),
    conflist: {
      path: settings.conflistPath,
      content: conflistText({
        name: settings["network-name"],
        subnets: own.subnets,
        mtu,
        patch: settings["conflist-patch"],
      }),
    },
  };
  return { wish, problems };
}

function ownProblem(
  { own, problems }: Cluster,
  settings: Settings,
  paths: readonly Path[],
): Problem | undefined {
  const name = settings["node-name"];
  if (own === undefined)
    return {
      code: "no-node",
      node: name,
      text: `the cluster has no node ${name}: kubelet has not registered it, or --node-name is wrong`,
    };
  const cause = problems.find(({ node, code }) => node === name && /^(overlap|wrong-pod-cidr)$/.test(code));
  if (own.subnets.length === 0 && cause !== undefined)
    return {
      code: "no-pod-cidr",
      node: name,
      text: `node ${name} has no podCIDR that counts: ${cause.text}`,
    };
  if (own.subnets.length === 0)
    return {
      code: "no-pod-cidr",
      node: name,
      text: `node ${name} has no podCIDR: kube-controller-manager needs --allocate-node-cidrs and --cluster-cidr, or all subnets of its mask (--node-cidr-mask-size) are given out`,
    };
  // A wish without the tunnel would take away one that is there, and pods would begin with too large an MTU.
  if (own.addresses.length > 0 || !needsTunnel(settings, paths)) return undefined;
  return {
    code: "no-address",
    node: name,
    text: `node ${name} has no InternalIP, so it can have no tunnel: kubelet or the cloud's controller has not told one yet`,
  };
}

/** How packets get to another node. `unreachable`: by a router, and there is no tunnel. */
interface Path {
  peer: Member;
  kind: "direct" | "tunnel" | "unreachable" | "cloud";
}

function pathTo(peer: Member, { backend }: Settings, ways: Ways): Path {
  if (backend === "none") return { peer, kind: "cloud" };
  if (backend === "vxlan") return { peer, kind: "tunnel" };
  const { routes, missing } = directRoutes(peer);
  const isDirect = routes.every(({ via }) => ways.isDirect(via));
  if (backend === "routes") return { peer, kind: isDirect ? "direct" : "unreachable" };
  return { peer, kind: isDirect && missing.length === 0 ? "direct" : "tunnel" };
}

/** Routes to a peer's subnets by its own address of their family; `missing` have none. */
function directRoutes(peer: Member): { routes: Wish["routes"]; missing: Prefix[] } {
  const routes: Wish["routes"] = [];
  const missing: Prefix[] = [];
  for (const subnet of peer.subnets) {
    const via = addressOf(peer, subnet.address.family);
    if (via === undefined) missing.push(subnet);
    else routes.push({ subnet: formatPrefix(subnet), via: formatAddress(via) });
  }
  return { routes, missing };
}

function routesTo(peer: Member, problems: Problem[]): Wish["routes"] {
  const { routes, missing } = directRoutes(peer);
  for (const subnet of missing)
    problems.push({
      code: "no-address",
      node: peer.name,
      text: `node ${peer.name} has no InternalIP of IPv${subnet.address.family}, so there is no way to its pods in ${formatPrefix(subnet)}`,
    });
  return routes;
}

function notDirect({ name }: Member): Problem {
  return {
    code: "no-direct-way",
    node: name,
    text: `node ${name} is behind a router, so it gets no route; use --backend auto or vxlan`,
  };
}

/** True where the tunnel is wanted, or a node that has told an address is behind a router. */
function needsTunnel({ backend }: Settings, paths: readonly Path[]): boolean {
  return backend === "vxlan" || tunnelled(paths).some(({ addresses }) => addresses.length > 0);
}

function tunnelled(paths: readonly Path[]): Member[] {
  return paths.flatMap(({ kind, peer }) => (kind === "tunnel" && peer.subnets.length > 0 ? [peer] : []));
}

function tunnelOf(
  own: Member,
  { backend, vni, port, mtu }: Settings,
  paths: readonly Path[],
  problems: Problem[],
): Wish["tunnel"] {
  const local = addressOf(own, 4) ?? addressOf(own, 6);
  if (local === undefined) return undefined;
  const peers = peersOf(tunnelled(paths), local, problems);
  // A node that joins has its podCIDR before its address, where a cloud tells that: no reason for a tunnel.
  if (backend !== "vxlan" && peers.length === 0) return undefined;
  return { kind: "vxlan", vni, port, mtu, local: formatAddress(local), peers };
}

/** The nodes behind the tunnel, each another for the executable, which else refuses the wish whole. */
function peersOf(members: readonly Member[], local: Address, problems: Problem[]): Peer[] {
  const peers = new Map<string, Peer>();
  const owners = new Map([[tunnelMac(formatAddress(local)), formatAddress(local)]]);
  for (const peer of members.toSorted((a, b) => a.rank - b.rank)) {
    const address = addressOf(peer, local.family);
    const tell = (code: Problem["code"], text: string): void =>
      void problems.push({ code, node: peer.name, text });
    if (address === undefined) {
      tell(
        "no-address",
        `node ${peer.name} has no InternalIP of IPv${local.family}, the family of this node's tunnel`,
      );
      continue;
    }
    const text = formatAddress(address);
    const mac = tunnelMac(text);
    const owner = owners.get(mac) ?? text;
    owners.set(mac, owner);
    if (owner !== text) {
      tell(
        "same-mac",
        `the tunnel devices of ${owner} and ${text} have one MAC, so node ${peer.name} is not reached; give it another address`,
      );
      continue;
    }
    // Nodes that share an address are one peer.
    const known = peers.get(text)?.subnets ?? [];
    const subnets = [...known, ...peer.subnets.map(formatPrefix)].slice(0, MOST_SUBNETS);
    peers.set(text, { subnets, address: text });
  }
  return [...peers.values()];
}

/**
 * The subnets where pods keep their address, beside those that routes and tunnel name. Nodes behind a router
 * are none of them: what is between would drop packets of pods, or lead the answers another way. So of a
 * node's addresses those count that the kernel was asked for: another may be of a machine outside.
 */
function exceptOf(own: Member, settings: Settings, paths: readonly Path[]): string[] {
  const addresses = [
    ...own.addresses,
    ...paths.flatMap(({ kind, peer }) => {
      if (kind === "cloud") return peer.addresses;
      return kind === "direct" ? gatewaysTo(peer) : [];
    }),
  ];
  const subnets = paths.flatMap(({ peer }) => peer.subnets);
  return [
    ...new Set([
      ...addresses.map((address) => formatPrefix(wholeOf(address))),
      ...subnets.map(formatPrefix),
      ...settings["no-masquerade"],
    ]),
  ];
}

/** The addresses by which routes lead to a peer's subnets. */
function gatewaysTo(peer: Member): Address[] {
  return peer.subnets.flatMap(({ address: { family } }) => addressOf(peer, family) ?? []);
}

/** With a tunnel, packets of pods have to fit into it, whose MTU the executable finds by the same rule. */
function podMtu(
  { mtu }: Settings,
  { tunnel, has6 }: { tunnel: Wish["tunnel"]; has6: boolean },
  ways: Ways,
): number | undefined {
  if (mtu !== "auto") return mtu;
  if (tunnel === undefined) return undefined;
  const uplink = ways.mtuOf(tunnel.local);
  if (uplink === undefined) return undefined;
  if (tunnel.local.includes(":")) return uplink - OVERHEAD[6];
  // Outer packets of IPv4 may go in fragments.
  return Math.max(uplink - OVERHEAD[4], has6 ? IPV6_LEAST_MTU : 0);
}

/** Pods that are older than the tunnel keep the MTU of their time. With care the doctor tells it. */
function mtuProblems(
  { own, settings, mtu }: { own: Member; settings: Settings; mtu: number | undefined },
  { peers }: NonNullable<Wish["tunnel"]>,
  ways: Ways,
): Problem[] {
  const { bridge = BRIDGE } = settings["conflist-patch"];
  if (settings.care || mtu === undefined || peers.length === 0 || typeof bridge !== "string") return [];
  if (!ways.hasPortAbove(bridge, mtu)) return [];
  return [
    {
      code: "mtu-above-tunnel",
      node: own.name,
      text: `pods of this node that are older than its tunnel send larger packets than the ${mtu} bytes that it takes; TCP adapts, and programs that forbid fragments may not: delete these pods so that they are made anew ("pontoon doctor" on the node names them)`,
    },
  ];
}
