// What the agent keeps of a Node object: some hundred bytes of some ten thousand.
import * as z from "zod/mini";
import type { Kept, Kind } from "../api/list-watch.ts";

/** A node of the cluster, as the API server has it. */
export interface ClusterNode {
  name: string;
  uid: string;
  /** When the object was made, in ms since 1970. */
  created: number;
  /** Texts of `spec.podCIDRs`. Nobody has checked them. */
  podCIDRs: string[];
  /** Texts of the addresses of type InternalIP. */
  internalIPs: string[];
}

/** The podCIDRs and addresses of a node that are read, and their length: a kubelet writes what it likes. */
const MOST_TEXTS = 16;
const MOST_CHARACTERS = 64;

const texts = z.nullish(z.array(z.string()));
const schema = z.object({
  metadata: z.object({
    name: z.string().check(z.minLength(1)),
    uid: z.string(),
    creationTimestamp: z.nullish(z.string()),
  }),
  spec: z.nullish(z.object({ podCIDR: z.nullish(z.string()), podCIDRs: texts })),
  status: z.nullish(
    z.object({ addresses: z.nullish(z.array(z.object({ type: z.string(), address: z.string() }))) }),
  ),
});

/** The Node objects of the core API. */
export const NODES: Kind<ClusterNode> = { plural: "nodes", path: "/api/v1/nodes", read: readNode };

/** The part of a Node object that is kept; undefined for a value that is no Node. */
export function readNode(object: unknown): Kept<ClusterNode> | undefined {
  const { success, data } = schema.safeParse(object);
  if (!success) return undefined;
  const { metadata, spec, status } = data;
  const podCIDRs = spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : []);
  const value: ClusterNode = {
    name: metadata.name,
    uid: metadata.uid,
    created: Date.parse(metadata.creationTimestamp ?? "") || 0,
    podCIDRs: bounded(podCIDRs),
    internalIPs: bounded(
      (status?.addresses ?? []).filter(({ type }) => type === "InternalIP").map(({ address }) => address),
    ),
  };
  return { name: value.name, value };
}

function bounded(all: readonly string[]): string[] {
  return all
    .slice(0, MOST_TEXTS)
    .map((text) => (text.length > MOST_CHARACTERS ? "(a text that is too long)" : text));
}
