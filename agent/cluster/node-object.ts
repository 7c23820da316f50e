// What the agent keeps of a Node object: some hundred bytes of some ten thousand.
import { z } from "zod";
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

const schema = z.object({
  metadata: z.object({ name: z.string().min(1), uid: z.string(), creationTimestamp: z.string().nullish() }),
  spec: z.object({ podCIDR: z.string().nullish(), podCIDRs: z.array(z.string()).nullish() }).nullish(),
  status: z
    .object({ addresses: z.array(z.object({ type: z.string(), address: z.string() })).nullish() })
    .nullish(),
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
    podCIDRs,
    internalIPs: (status?.addresses ?? [])
      .filter(({ type }) => type === "InternalIP")
      .map(({ address }) => address),
  };
  return { name: value.name, value };
}
