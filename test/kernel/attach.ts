// An ADD under way on a scene: the host's and the pod's namespaces as src/host sees them, and steps to do
// there.
import { type Attachment, VERSION } from "../../src/attachment/attachment.ts";
import { Attaching } from "../../src/host/attaching.ts";
import type { BridgePlan } from "../../src/host/kind.ts";
import { Node } from "../../src/host/node.ts";
import type { AnnounceStep, PodRoute, PodStep, VethStep } from "../../src/plan/step.ts";
import { prefix } from "../support/ip.ts";
import type { Netns } from "../support/netns.ts";
import { BRIDGE, HOST_END, POD_END, type Scene } from "./scene.ts";

export const KEY = { network: "net", containerId: "c1", interfaceName: POD_END.name };

/** A scene's attachment with nothing but its link; the steps of most tests are written by hand. */
export const ATTACHMENT: Attachment = {
  version: VERSION,
  key: KEY,
  host: { bootId: "11111111-2222-3333-4444-555555555555", hostCookie: "4097" },
  namespace: { path: "/run/netns/test", cookie: "8193" },
  pod: undefined,
  leaseDirectory: undefined,
  link: {
    kind: "bridgePort",
    bridge: { name: BRIDGE.name, promiscuous: false, filtersVlans: false },
    gatewayInterface: BRIDGE.name,
    host: { ...HOST_END, isRaisedFirst: false },
    pod: { ...POD_END, isRaised: true },
    mtu: 1400,
    hairpin: false,
    isolated: false,
    hasFixedMac: false,
    vlans: undefined,
  },
  addresses: [],
  routes: [],
  detectsDuplicates: false,
  gateway: undefined,
  masquerade: undefined,
  spoofCheck: false,
  addressCheck: undefined,
  ingressPolicy: undefined,
  bandwidth: undefined,
  sourceRouting: false,
  tuning: undefined,
  hostPorts: undefined,
};

/** A bridge that has to be made. */
export const BRIDGE_PLAN: BridgePlan = { mac: BRIDGE.mac, mtu: 1400, found: undefined, macsFollow: false };

/** Runs `action` in the host's namespace, on the node as src/host sees it. */
export function onNode<T>(host: Netns, action: (node: Node) => T): T {
  return host.inside(() => {
    using node = Node.open();
    return action(node);
  });
}

/** Runs `action` in the host's namespace, with an ADD that has done no step yet. */
export function attaching<T>(
  { host, pod: { path } }: Pick<Scene, "host" | "pod">,
  action: (on: Attaching) => T,
  plan: Partial<BridgePlan> = {},
): T {
  return onNode(host, (node) => {
    using pod = node.openPod(path);
    return action(new Attaching({ node, pod, mustGoOn: () => {} }, ATTACHMENT, { ...BRIDGE_PLAN, ...plan }));
  });
}

/** {@link attaching} with an ADD that knows the scene's bridge, as if its step "bridge" had been done. */
export function onBridge<T>(scene: Scene, action: (on: Attaching) => T): T {
  return attaching(scene, (on) => {
    on.bridge = { index: scene.bridgeIndex, mac: BRIDGE.mac, mtu: 1400 };
    return action(on);
  });
}

export const VETH: VethStep = {
  kind: "veth",
  host: { ...HOST_END, alias: "pontoon net c1 eth0", isRaisedFirst: false },
  pod: { ...POD_END, isRaised: true },
  mtu: 1400,
  group: undefined,
  port: { bridge: BRIDGE.name, hairpin: false, isolated: false, learns: true },
};

export function podStep(addresses: string[], routes: PodRoute[] = []): PodStep {
  return {
    kind: "pod",
    interfaceName: POD_END.name,
    addresses: addresses.map(prefix),
    routes,
    subnetsAreOnLink: true,
    mayHearRouters: false,
    activates: false,
    detection: undefined,
  };
}

export function announceStep(more: Partial<AnnounceStep> = {}): AnnounceStep {
  return {
    kind: "announce",
    key: KEY,
    bridge: BRIDGE.name,
    hostInterface: HOST_END.name,
    interfaceName: POD_END.name,
    mac: POD_END.mac,
    addresses: ["10.1.0.2/24", "fd01::2/64"].map(prefix),
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
