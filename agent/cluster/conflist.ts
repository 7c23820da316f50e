// The network configuration of this node's pods. Pure.
import { formatPrefix, type Prefix } from "../../src/ip/prefix.ts";

/** The bridge of pods, unless --conflist-patch names another. */
export const BRIDGE = "pontoon0";

/** What the configuration follows from. */
export interface PodNetwork {
  name: string;
  /** This node's own podCIDRs. */
  subnets: readonly Prefix[];
  /** Bytes; undefined: the plugin takes that of the node's way out. */
  mtu: number | undefined;
  /** Laid over the entry of the plugin, as RFC 7396 says: null takes a key away. */
  patch: Record<string, unknown>;
}

/**
 * The text of the configuration. Its version is 1.0.0, which containerd since 1.6 and CRI-O since 1.22 know;
 * a runtime that knows 1.1.0 finds it in `cniVersions`, and asks for STATUS and GC.
 */
export function conflistText({ name, subnets, mtu, patch }: PodNetwork): string {
  const plugin = {
    type: "pontoon",
    bridge: BRIDGE,
    isDefaultGateway: true,
    hairpinMode: true,
    // Masquerading is the node's, as one rule for all pods.
    ipMasq: false,
    // Pods pass a FORWARD chain whose policy is DROP.
    ingressPolicy: "open",
    ...(mtu !== undefined && { mtu }),
    capabilities: { portMappings: true, bandwidth: true },
    ipam: { type: "host-local", ranges: subnets.map((subnet) => [{ subnet: formatPrefix(subnet) }]) },
  };
  const list = {
    cniVersion: "1.0.0",
    cniVersions: ["1.0.0", "1.1.0"],
    name,
    plugins: [merged(plugin, patch)],
  };
  return `${JSON.stringify(list, undefined, 2)}\n`;
}

/** A JSON value with a merge patch laid over it (RFC 7396, section 2). */
export function merged(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch))
    if (value === null) delete result[key];
    else if (key !== "__proto__") result[key] = merged(result[key], value);
  return result;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
