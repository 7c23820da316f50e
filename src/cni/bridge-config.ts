// The keys of the reference `bridge`: the bridge itself, its ports, masquerading and the ingress policy.
import { readWay, refuseSenselessKeys, type Way } from "./attach.ts";
import { checkBridge, isBridgeName } from "./netconf-check.ts";
import { BRIDGE, DEFAULT_BRIDGE, type Shape } from "./netconf-keys.ts";
import type { Problems } from "./problems.ts";
import { checkVlan, parseVlanTrunk, type VlanRange } from "./vlan.ts";

/** The flags of the group BRIDGE, each under its own name. */
type BridgeFlags = {
  -readonly [Key in keyof typeof BRIDGE as (typeof BRIDGE)[Key] extends "flag" ? Key : never]: boolean;
};

/** The settings of the bridge and its ports. */
export interface BridgeConfig extends BridgeFlags {
  attach: Way;
  /** The name of the bridge; of no use where pods are attached in another way. */
  bridge: string;
  /**
   * The node's interface where packets of all pods come in, with the gateway's addresses: the bridge, or in a
   * VLAN an interface above it. Undefined without a bridge: they come in by an interface for each pod, or not
   * at all.
   */
  gatewayInterface: string | undefined;
  ipMasqBackend: MasqueradeBackend;
  /** Bytes; 0: Pontoon chooses. */
  mtu: number;
  /** Undefined: pods reach each other freely, and the node's firewalls are left alone. */
  ingressPolicy: IngressPolicy | undefined;
  /** The VLAN that the pod is in without a tag; 0: none. */
  vlan: number;
  /** The VLANs that the pod sees with their tags: ranges apart from each other, in order. */
  vlanTrunk: VlanRange[];
  /** True when there is a `vlan` or a `vlanTrunk`. */
  hasVlans: boolean;
}

/**
 * The program that masquerades: nftables with a table of Pontoon's, or iptables for people who read its
 * rules.
 */
export type MasqueradeBackend = "nftables" | "iptables";

/**
 * The pods that reach each other: with `open` all; with `same-bridge`, of the networks with a policy, the
 * pods of one network; with `isolated` none.
 */
export type IngressPolicy = (typeof INGRESS_POLICIES)[number];

export const INGRESS_POLICIES = ["open", "same-bridge", "isolated"] as const;

/**
 * The keys with their defaults. Every wrong value is reported but for the MTU, whose limits depend on the
 * addresses.
 */
export function readBridge(shape: Shape, problems: Problems): BridgeConfig {
  const flags = readFlags(shape);
  const vlan = shape.vlan ?? 0;
  const vlanTrunk = shape.vlanTrunk === undefined ? [] : parseVlanTrunk(shape.vlanTrunk, problems);
  const bridge = shape.bridge ?? DEFAULT_BRIDGE;
  const attach = readWay(shape, problems);
  refuseSenselessKeys(attach, shape, problems);
  // Without a bridge the node is the one way out of the pod.
  const isGateway = flags.isDefaultGateway || flags.isGateway || attach === "ptp";
  const entry = vlan === 0 || !isGateway ? bridge : `${bridge}.${vlan}`;
  checkBridge(shape.bridge, problems);
  if (vlan !== 0) checkVlan(vlan, problems);
  checkTogether(flags, problems);
  return {
    ...flags,
    attach,
    bridge,
    gatewayInterface: attach === "bridge" ? entry : undefined,
    isGateway,
    macspoofchk: flags.macspoofchk || flags.ipspoofchk,
    ipMasqBackend:
      shape.ipMasqBackend === undefined ? "nftables" : readBackend(shape.ipMasqBackend, problems),
    mtu: shape.mtu ?? 0,
    ingressPolicy:
      shape.ingressPolicy === undefined ? undefined : readPolicy(shape.ingressPolicy, bridge, problems),
    vlan,
    vlanTrunk,
    hasVlans: vlan !== 0 || vlanTrunk.length > 0,
  };
}

const FLAGS = (Object.keys(BRIDGE) as (keyof typeof BRIDGE)[]).filter(isFlag);

function isFlag(key: keyof typeof BRIDGE): key is keyof BridgeFlags {
  return BRIDGE[key] === "flag";
}

/** The flags of the bridge; an absent flag is false. */
function readFlags(shape: Shape): BridgeFlags {
  const flags: Partial<BridgeFlags> = {};
  for (const key of FLAGS) flags[key] = shape[key] ?? false;
  return flags as BridgeFlags;
}

function checkTogether({ hairpinMode, promiscMode }: BridgeFlags, problems: Problems): void {
  if (!hairpinMode || !promiscMode) return;
  problems.add(
    "hairpinMode",
    true,
    "cannot set hairpin mode and promiscuous mode at the same time; take one of them out",
  );
}

function readBackend(name: string, problems: Problems): MasqueradeBackend {
  if (name === "nftables" || name === "iptables") return name;
  problems.add("ipMasqBackend", name, 'unknown ipmasq backend; it must be "nftables" or "iptables"');
  return "nftables";
}

/**
 * The ingress policy. Reports a bridge name that rules of iptables cannot hold: there a plus stands for any
 * ending, and a name may not start with a dash.
 */
function readPolicy(name: string, bridge: string, problems: Problems): IngressPolicy {
  if (!/^[A-Za-z0-9_.][A-Za-z0-9_.-]*$/.test(bridge) && isBridgeName(bridge))
    problems.add(
      "bridge",
      bridge,
      "must consist of letters, digits, _, . and -, and not start with -, where there is an ingressPolicy",
    );
  if (name === "open" || name === "same-bridge" || name === "isolated") return name;
  problems.add(
    "ingressPolicy",
    name,
    'unknown ingress policy; it must be "open", "same-bridge" or "isolated"',
  );
  return "open";
}
