// The table of all kinds of steps.
import { type ORDER, STEP_NAMES } from "../plan/order.ts";
import type { Step, StepName, StepOf } from "../plan/step.ts";
import { announce } from "./kind/announce/announce.ts";
import { bandwidth } from "./kind/bandwidth/bandwidth.ts";
import { bridge } from "./kind/bridge/bridge.ts";
import { device } from "./kind/device/device.ts";
import { forwarding } from "./kind/forwarding/forwarding.ts";
import { gateway } from "./kind/gateway/gateway.ts";
import { hostPorts } from "./kind/host-port/host-port.ts";
import { hostRoute } from "./kind/host-route/host-route.ts";
import { ingressPolicy } from "./kind/ingress/ingress.ts";
import { iptablesMasquerade } from "./kind/masquerade/iptables.ts";
import { masquerade } from "./kind/masquerade/nftables.ts";
import { pod } from "./kind/pod/pod.ts";
import { portMac } from "./kind/port-mac/port-mac.ts";
import { sourceRouting } from "./kind/source-routing/source-routing.ts";
import { arpCheck, nodeSpoofCheck, spoofCheck } from "./kind/spoof-check/spoof-check.ts";
import { tuning } from "./kind/tuning/tuning.ts";
import { veth } from "./kind/veth/veth.ts";
import { portVlan } from "./kind/vlan/port-vlan.ts";
import { vlanGateway } from "./kind/vlan/vlan-gateway.ts";
import { wireCarrier } from "./kind/wire/carrier.ts";
import { wire } from "./kind/wire/wire.ts";
import type { StayingKind, StepKind } from "./kind.ts";

/** What the kind of one name fills. */
type KindOf<Name extends StepName> = (typeof ORDER)[Name] extends { stays: true }
  ? StayingKind<StepOf<Name>>
  : StepKind<StepOf<Name>>;

/** A kind that is missing here does not compile, nor does one that stays and has `remove`. */
const KINDS: { readonly [Name in StepName]: KindOf<Name> } = {
  bridge,
  vlanGateway,
  gateway,
  forwarding,
  ingressPolicy,
  spoofCheck,
  nodeSpoofCheck,
  arpCheck,
  veth,
  wire,
  device,
  bandwidth,
  portVlan,
  portMac,
  pod,
  sourceRouting,
  tuning,
  masquerade,
  iptablesMasquerade,
  hostPorts,
  hostRoute,
  wireCarrier,
  announce,
};

/** The kind of a step. */
export function kindOf<S extends Step>(step: S): StepKind<S> {
  return KINDS[step.kind] as unknown as StepKind<S>;
}

/** The kinds whose steps are taken back, in the order of an ADD. */
export const REMOVABLE: readonly StepName[] = STEP_NAMES.filter((name) => KINDS[name].remove !== undefined);

/** The kinds with settings that a restore puts back, in the order of an ADD. */
export const RENEWABLE: readonly StepName[] = STEP_NAMES.filter((name) => renewalOf(name) !== undefined);

/** The way in which a kind puts back settings; undefined: it has none. */
export function renewalOf(name: StepName): StepKind<Step>["renew"] {
  const kind = KINDS[name] as Pick<StepKind<Step>, "renew">;
  return kind.renew;
}

/** The kinds with steps that other programs may flush, in the order of an ADD. */
export const RESTORABLE: readonly StepName[] = STEP_NAMES.filter(
  (name) => KINDS[name].restoration !== undefined,
);

/** The kinds with rules of which all pods of a network share a part, in the order of an ADD. */
export const SHARING: readonly StepName[] = RESTORABLE.filter((name) => {
  const kind = KINDS[name] as Pick<StepKind<Step>, "restoration">;
  return kind.restoration?.isSharedLost !== undefined;
});
