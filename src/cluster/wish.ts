// The wish: one document that says all that this node is to have for the pods of a cluster. docs/node.md has
// it as a table.

import { jsonProblem } from "../cni/json.ts";
import { isFields } from "../cni/keys.ts";
import { Problems } from "../cni/problems.ts";
import { type Address, formatAddress } from "../ip/address.ts";
import { hasFamily, type Prefix } from "../ip/prefix.ts";
import { textBytes } from "../sys/bytes.ts";
import { tellOverlaps } from "./overlap.ts";
import {
  anySubnet,
  list,
  mac,
  nodeAddress,
  object,
  type Place,
  podSubnet,
  type Read,
  text,
  whole,
} from "./reader.ts";
import { tunnelMac } from "./tunnel-mac.ts";

/** A route to the pods of another node, by an address of that node on the same segment. */
export interface WishedRoute {
  subnet: Prefix;
  via: Address;
}

/** Another node that is reached by the tunnel. */
export interface TunnelPeer {
  subnets: Prefix[];
  /** The node's own address, in the outer packets. */
  address: Address;
  /** The MAC of the node's tunnel device: where the document has none, that of the node's address. */
  mac: string;
}

/** The tunnel to nodes that are not on the same segment. */
export interface Tunnel {
  kind: "vxlan";
  vni: number;
  port: number;
  /** Bytes; undefined: the MTU of the interface with `local`, less the tunnel's own bytes. */
  mtu?: number | undefined;
  local: Address;
  peers: TunnelPeer[];
}

/** The network configuration that the runtime reads. */
export interface Conflist {
  path: string;
  content: string;
}

/** All that a node is to have. A part that is absent is taken away. */
export interface Wish {
  version: number;
  podSubnets: Prefix[];
  routes: WishedRoute[];
  tunnel?: Tunnel | undefined;
  masquerade?: { except: Prefix[] } | undefined;
  conflist?: Conflist | undefined;
}

/** A document that is no wish: a sentence for each wrong value. */
export class WrongWish extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems[0] ?? "");
    this.problems = problems;
  }
}

/** Each has a route of both families. */
const MOST_NODES = 10_000;
const MOST_SUBNETS = 16;
const PATH_BYTES = 4095;
const NAME_BYTES = 200;

const version: Read<number> = (value, { path, problems }) => {
  if (value === 1) return 1;
  problems.add(path, value, "must be 1; this program knows no other version");
  return undefined;
};

const kind: Read<"vxlan"> = (value, { path, problems }) => {
  if (value === "vxlan") return "vxlan";
  problems.add(path, value, 'must be "vxlan"');
  return undefined;
};

/** A number of bytes, or "auto", which is left out. */
interface Mtu {
  bytes: number | undefined;
}

const mtu: Read<Mtu> = (value, at) => {
  if (value === "auto") return { bytes: undefined };
  const bytes = whole(576, 65_000)(value, at);
  return bytes === undefined ? undefined : { bytes };
};

/** An absolute path of a file that runtimes read as a configuration. */
const confPath: Read<string> = (value, at) => {
  const path = text(value, at);
  if (path === undefined) return undefined;
  const problem = pathProblem(path);
  if (problem === undefined) return path;
  at.problems.add(at.path, path, problem);
  return undefined;
};

function pathProblem(path: string): string | undefined {
  const parts = path.split("/");
  const name = parts.at(-1) ?? "";
  if (!path.startsWith("/")) return "must be an absolute path";
  if (parts.some((part) => part === ".." || part === ".")) return 'must have no ".." and "." in it';
  if (path.includes("\0") || textBytes(path).length > PATH_BYTES) return "is no path of a file";
  if (name.startsWith(".") || textBytes(name).length > NAME_BYTES) return "is no name that a runtime reads";
  return /\.(conflist|conf|json)$/.test(name) ? undefined : "must end in .conflist";
}

/** The text of a configuration. */
const content: Read<string> = (value, at) => {
  const json = text(value, at);
  if (json === undefined) return undefined;
  const problem = contentProblem(json);
  if (problem === undefined) return json;
  at.problems.addAt(at.path, problem);
  return undefined;
};

function contentProblem(json: string): string | undefined {
  try {
    const value = JSON.parse(json) as unknown;
    return isFields(value) && typeof value["name"] === "string" ? undefined : "is no network configuration";
  } catch (error) {
    return `is no JSON: ${jsonProblem(json, error)}`;
  }
}

const peerAsRead = object<Omit<TunnelPeer, "mac"> & { mac?: string }>(
  { subnets: list(podSubnet, MOST_SUBNETS), address: nodeAddress, mac },
  ["mac"],
);

const peer: Read<TunnelPeer> = (value, at) => {
  const read = peerAsRead(value, at);
  return read && { ...read, mac: read.mac ?? tunnelMac(read.address) };
};

const tunnelAsRead = object<Omit<Tunnel, "mtu"> & { mtu?: Mtu }>(
  {
    kind,
    vni: whole(1, 0xff_ffff),
    port: whole(1, 65_535),
    mtu,
    local: nodeAddress,
    peers: list(peer, MOST_NODES),
  },
  ["mtu"],
);

const tunnel: Read<Tunnel> = (value, at) => {
  const read = tunnelAsRead(value, at);
  return read && { ...read, mtu: read.mtu?.bytes };
};

const wish = object<Wish>(
  {
    version,
    podSubnets: list(podSubnet, MOST_SUBNETS),
    routes: list(object<WishedRoute>({ subnet: podSubnet, via: nodeAddress }), 2 * MOST_NODES),
    tunnel,
    masquerade: object<{ except: Prefix[] }>({ except: list(anySubnet, 4 * MOST_NODES) }),
    conflist: object<Conflist>({ path: confPath, content }),
  },
  ["tunnel", "masquerade", "conflist"],
);

/** The wish that a JSON text holds. Throws WrongWish, which names every wrong value by its place. */
export function readWish(json: string): Wish {
  const problems = new Problems();
  const read = wish(parse(json), { path: "", problems });
  if (read !== undefined && problems.isEmpty) tellContradictions(read, problems);
  if (read === undefined || !problems.isEmpty) throw new WrongWish(problems.texts);
  return read;
}

function parse(json: string): unknown {
  if (json.trim() === "") throw new WrongWish(["the document is empty"]);
  try {
    return JSON.parse(json) as unknown;
  } catch (error) {
    throw new WrongWish([`the document is no JSON: ${jsonProblem(json, error)}`]);
  }
}

/** Tells values that are right alone, and do not go together. */
function tellContradictions(read: Wish, problems: Problems): void {
  tellOverlaps(read, problems);
  for (const [at, { subnet, via }] of read.routes.entries())
    if (subnet.address.family !== via.family)
      problems.add(`routes[${at}].via`, formatAddress(via), "is of another family than the subnet");
  if (read.tunnel !== undefined) tellOfTunnel(read.tunnel, { path: "tunnel", problems });
}

/** Tells peers that the tunnel could not tell apart. */
function tellOfTunnel({ local, mtu: bytes, peers }: Tunnel, { path, problems }: Place): void {
  if (bytes !== undefined && bytes < 1280 && peers.some(({ subnets }) => hasFamily(subnets, 6)))
    problems.add(`${path}.mtu`, bytes, "must be 1280 at least for IPv6");
  const owners = new Map([
    [formatAddress(local), `${path}.local`],
    [tunnelMac(local), "this node"],
  ]);
  for (const [at, each] of peers.entries()) {
    const place = `${path}.peers[${at}]`;
    if (each.address.family !== local.family)
      problems.add(`${place}.address`, formatAddress(each.address), "is of another family than tunnel.local");
    for (const [key, value] of [
      ["address", formatAddress(each.address)],
      ["mac", each.mac],
    ] as const) {
      const owner = owners.get(value);
      if (owner === undefined) owners.set(value, place);
      else problems.add(`${place}.${key}`, value, `is that of ${owner} too`);
    }
  }
}
