// The keys of the reference `bridge`: the bridge itself, its ports and who masquerades.
import { checkBridge, checkTogether, readBackend, readPolicy } from "./netconf-check.ts";
import { DEFAULT_BRIDGE } from "./netconf-keys.ts";
import type { Shape } from "./netconf-schema.ts";
import type { Problems } from "./problems.ts";
import { checkVlan, parseVlanTrunk, type VlanRange } from "./vlan.ts";

export interface BridgeConfig {
  bridge: string;
  /** Which interface of the node gets the gateway's addresses: the bridge, or with a VLAN one of its own. */
  gatewayInterface: string;
  /** True as well when `isDefaultGateway` is. */
  isGateway: boolean;
  isDefaultGateway: boolean;
  forceAddress: boolean;
  ipMasq: boolean;
  ipMasqBackend: MasqueradeBackend;
  /** Bytes; 0 leaves the choice to us. */
  mtu: number;
  hairpinMode: boolean;
  promiscMode: boolean;
  portIsolation: boolean;
  macspoofchk: boolean;
  /** Undefined: as if there were no such thing. */
  ingressPolicy: IngressPolicy | undefined;
  enabledad: boolean;
  /** Only without any IPAM. */
  disableContainerInterface: boolean;
  /** 0: none. */
  vlan: number;
  /** Apart from each other and in order. */
  vlanTrunk: VlanRange[];
  /** True with one or the other. */
  hasVlans: boolean;
  preserveDefaultVlan: boolean;
}

/** Who masquerades: a table of ours, or rules for those who read the ones of iptables. */
export type MasqueradeBackend = "nftables" | "iptables";

/** Which pods reach which: all; of networks with a policy those of the same one; none. */
export type IngressPolicy = "open" | "same-bridge" | "isolated";

/**
 * The keys with their defaults. What is wrong with the MTU depends on the addresses and is not looked at
 * here.
 */
export function readBridge(shape: Shape, problems: Problems): BridgeConfig {
  const isDefaultGateway = shape.isDefaultGateway ?? false;
  const vlan = shape.vlan ?? 0;
  const vlanTrunk = shape.vlanTrunk === undefined ? [] : parseVlanTrunk(shape.vlanTrunk, problems);
  const bridge = shape.bridge ?? DEFAULT_BRIDGE;
  const isGateway = isDefaultGateway || (shape.isGateway ?? false);
  checkBridge(shape.bridge, problems);
  if (vlan !== 0) checkVlan(vlan, problems);
  checkTogether(shape, problems);
  return {
    bridge,
    gatewayInterface: vlan === 0 || !isGateway ? bridge : `${bridge}.${vlan}`,
    isGateway,
    isDefaultGateway,
    forceAddress: shape.forceAddress ?? false,
    ipMasq: shape.ipMasq ?? false,
    ipMasqBackend:
      shape.ipMasqBackend === undefined ? "nftables" : readBackend(shape.ipMasqBackend, problems),
    mtu: shape.mtu ?? 0,
    hairpinMode: shape.hairpinMode ?? false,
    promiscMode: shape.promiscMode ?? false,
    portIsolation: shape.portIsolation ?? false,
    macspoofchk: shape.macspoofchk ?? false,
    ingressPolicy:
      shape.ingressPolicy === undefined ? undefined : readPolicy(shape.ingressPolicy, bridge, problems),
    enabledad: shape.enabledad ?? false,
    disableContainerInterface: shape.disableContainerInterface ?? false,
    vlan,
    vlanTrunk,
    hasVlans: vlan !== 0 || vlanTrunk.length > 0,
    preserveDefaultVlan: shape.preserveDefaultVlan ?? false,
  };
}
