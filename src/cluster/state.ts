// What a node has of a wish, for people and for the agent.
import type { Node } from "../host/node.ts";
import { formatAddress } from "../ip/address.ts";
import { formatPrefix } from "../ip/prefix.ts";
import { rangeText } from "../ip/union.ts";
import { getLink } from "../net/link.ts";
import { TUNNEL_DEVICE } from "../net/node-tunnel.ts";
import { listStaticNeighbours } from "../net/static-neighbour.ts";
import { hasNodeTable, listExceptions, listSources } from "../nft/node-layout.ts";
import { type MarkedConflist, markedIn } from "./conflist.ts";
import { ownDevice } from "./device.ts";
import { ownRoutes } from "./route.ts";

/** The state of the node, as `pontoon node show --json` prints it. */
export interface NodeState {
  routes: { subnet: string; via?: string | undefined; interface: string }[];
  /** Absent without a tunnel device. */
  tunnel?: TunnelState | undefined;
  /** Absent where nothing is masqueraded by a wish. */
  masquerade?: { from: string[]; except: string[] } | undefined;
  conflists: MarkedConflist[];
}

/** The tunnel device, and the nodes behind it by their MACs. */
export interface TunnelState {
  name: string;
  mac: string;
  mtu: number;
  isUp: boolean;
  vni?: number | undefined;
  port?: number | undefined;
  local?: string | undefined;
  peers: { mac: string; address: string }[];
}

/** Looks at the node. Throws SystemError. */
export function readState(node: Node, confFolder: string): NodeState {
  const names = new Map<number, string>();
  const nameOf = (index: number): string => {
    const name = names.get(index) ?? getLink(node.links, { index })?.name ?? "";
    names.set(index, name);
    return name;
  };
  const routes = ownRoutes(node).map(({ dst, gateway, index }) => ({
    subnet: formatPrefix(dst),
    via: gateway && formatAddress(gateway),
    interface: nameOf(index),
  }));
  return {
    routes,
    tunnel: tunnelState(node),
    masquerade: masqueradeState(node),
    conflists: markedIn([confFolder]),
  };
}

function tunnelState(node: Node): TunnelState | undefined {
  const device = ownDevice(node);
  if (device === undefined) return undefined;
  const { settings, mac, mtu, up, index } = device;
  const peers = listStaticNeighbours(node.links, index)
    .filter(({ table }) => table === "fdb")
    .map((entry) => ({ mac: entry.mac, address: formatAddress(entry.address) }));
  return {
    name: TUNNEL_DEVICE,
    mac,
    mtu,
    isUp: up,
    vni: settings?.vni,
    port: settings?.port,
    local: settings && formatAddress(settings.local),
    peers,
  };
}

function masqueradeState({ rules }: Node): NodeState["masquerade"] {
  if (!hasNodeTable(rules)) return undefined;
  const except = listExceptions(rules).map(rangeText);
  return { from: listSources(rules).map(formatPrefix), except };
}
