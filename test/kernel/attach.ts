// Steps of an ADD on a scene: the host's and the pod's namespaces as src/host sees them.
import { Machine } from "../../src/host/machine.ts";
import type { AnnounceStep, PodRoute, PodStep, VethStep } from "../../src/plan/step.ts";
import { prefix } from "../support/ip.ts";
import { BRIDGE, HOST_END, POD_END, type Scene } from "./scene.ts";

/** Runs `action` in the host's namespace, with a machine that has opened the pod's. */
export function onMachine<T>(scene: Scene, action: (machine: Machine) => T): T {
  return scene.host.inside(() => {
    using machine = Machine.open();
    machine.enterPod(scene.pod.path);
    return action(machine);
  });
}

export const VETH: VethStep = {
  kind: "veth",
  bridge: BRIDGE.name,
  host: { ...HOST_END, alias: "pontoon net c1 eth0" },
  pod: POD_END,
  mtu: 1400,
  hairpin: false,
  isolated: false,
  raised: true,
  hostRaised: false,
};

export function podStep(addresses: string[], routes: PodRoute[] = []): PodStep {
  return {
    kind: "pod",
    interfaceName: POD_END.name,
    addresses: addresses.map(prefix),
    routes,
    detectThrough: undefined,
  };
}

export function announceStep(more: Partial<AnnounceStep> = {}): AnnounceStep {
  return {
    kind: "announce",
    bridge: BRIDGE.name,
    hostInterface: HOST_END.name,
    interfaceName: POD_END.name,
    mac: POD_END.mac,
    addresses: ["10.1.0.2/24", "fd01::2/64"].map(prefix),
    macFollows: false,
    goesBeyond: false,
    ...more,
  };
}

export function podRoute(dst: string, more: Partial<PodRoute> = {}): PodRoute {
  const none = {
    gateway: undefined,
    onLink: false,
    mtu: undefined,
    advmss: undefined,
    priority: undefined,
    table: undefined,
    scope: undefined,
  };
  return { dst: prefix(dst), ...none, ...more };
}
