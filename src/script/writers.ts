// The table of all writers.
import type { Step, StepName, StepOf } from "../plan/step.ts";
import { bandwidth } from "./kind/bandwidth.ts";
import { bridge, forwarding, gateway, vlanGateway } from "./kind/bridge.ts";
import { hostPorts } from "./kind/host-port.ts";
import { hostRoute } from "./kind/host-route.ts";
import { ingressPolicy } from "./kind/ingress.ts";
import { announce, device, portMac, portVlan, veth, wire, wireCarrier } from "./kind/link.ts";
import { pod, sourceRouting, tuning } from "./kind/pod.ts";
import { arpCheck, iptablesMasquerade, masquerade, nodeSpoofCheck, spoofCheck } from "./kind/rules.ts";
import type { Writer } from "./writer.ts";

/** A kind that is missing here does not compile. */
const WRITERS: { readonly [Name in StepName]: Writer<StepOf<Name>> } = {
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

/** The writer of a step. */
export function writerOf<S extends Step>(step: S): Writer<S> {
  return WRITERS[step.kind] as unknown as Writer<S>;
}
