// The steps of a network in VLANs. Pure.
import type { Netconf } from "../cni/config.ts";
import type { Step } from "./step.ts";

/** A trunk alone has this one for packets without a tag, as in the reference. */
const NATIVE_VLAN = 1;

export function vlanGatewayStep({ bridge, gatewayInterface, vlan, preserveDefaultVlan }: Netconf): Step {
  return { kind: "vlanGateway", bridge, name: gatewayInterface, vlan, keepDefaultVlan: preserveDefaultVlan };
}

export function portVlanStep({ vlan, vlanTrunk, preserveDefaultVlan }: Netconf, hostInterface: string): Step {
  return {
    kind: "portVlan",
    hostInterface,
    native: vlan === 0 ? NATIVE_VLAN : vlan,
    tagged: vlanTrunk,
    keepOthers: preserveDefaultVlan,
  };
}
