// Scenes of pictures as values, with as many pods as a test wants.
import type { Interface, Network, Pod, Scene, Segment } from "../../src/picture/scene.ts";

/** A pod with an address of its own, by its number. */
export function podNumber(number: number, changes: Partial<Pod> = {}): Pod {
  return {
    name: `default/web-${number}`,
    id: `id-${number}`,
    interface: "eth0",
    addresses: [`10.222.${(number + 2) >> 8}.${(number + 2) & 255}`],
    hostEnd: `veth${String(number).padStart(11, "0")}`,
    hostPorts: [],
    facts: [],
    state: "ok",
    problems: [],
    ...changes,
  };
}

/** So many pods. */
export function podNumbers(count: number): Pod[] {
  return Array.from({ length: count }, (_, number) => podNumber(number));
}

/** A pod of which something is broken. */
export function brokenPod(number: number, changes: Partial<Pod> = {}): Pod {
  return podNumber(number, {
    state: "wrong",
    problems: ["the host's end of its veth pair is down"],
    ...changes,
  });
}

export function networkOf(pods: Pod[], changes: Partial<Network> = {}): Network {
  return { name: "pods", facts: ["policy open"], pods, problems: [], ...changes };
}

/** The bridge cni0 with a network of these pods. */
export function bridgeWith(pods: Pod[], changes: Partial<Segment> = {}): Segment {
  const addresses = ["10.222.0.1/16"];
  return {
    ...{ kind: "bridge", title: "bridge cni0", addresses, facts: ["mtu 1500"] },
    networks: [networkOf(pods)],
    problems: [],
    ...changes,
  };
}

/** An interface of the node. */
export function endNamed(name: string, changes: Partial<Interface> = {}): Interface {
  return { name, kind: "", addresses: [], mtu: 1500, isUp: true, problems: [], ...changes };
}

/** A node with these segments and one way out. */
export function sceneWith(segments: Segment[], changes: Partial<Scene> = {}): Scene {
  const pods = segments.flatMap(({ networks }) => networks.flatMap((network) => network.pods));
  return {
    node: "worker-1",
    ways: [{ ...endNamed("uplink0", { addresses: ["192.0.2.10/24"] }), gateways: ["192.0.2.1"] }],
    forwarding: ["forwards IPv4, not IPv6"],
    masquerades: [{ network: "pods", as: ["192.0.2.10"] }],
    hostPorts: pods.flatMap(({ name, hostPorts }) => hostPorts.map((mapping) => ({ mapping, pod: name }))),
    segments,
    interfaces: [],
    problems: [],
    ...changes,
  };
}

const long = "kube-system/a-deployment-with-a-rather-long-name-6d4cf56db6-x7k2p";
const sentence = "its namespace is gone, and no DEL came, so its address is not given out to any other pod";

/** Scenes of all kinds, by what they are about. */
export const SCENES: Record<string, Scene> = {
  "an empty node": sceneWith([], { ways: [], masquerades: [] }),
  "three pods": sceneWith([
    bridgeWith([podNumber(0, { hostPorts: ["8080->80/tcp"] }), podNumber(1), podNumber(2)]),
  ]),
  "twenty pods": sceneWith([bridgeWith(podNumbers(20))]),
  "250 pods": sceneWith([
    bridgeWith([
      ...podNumbers(248),
      brokenPod(248),
      podNumber(249, { hostPorts: ["443->8443/tcp", "53->53/udp"] }),
    ]),
  ]),
  "250 broken pods": sceneWith([
    bridgeWith(podNumbers(250).map((pod, number) => brokenPod(number, { name: pod.name }))),
  ]),
  "both families": sceneWith(
    [
      bridgeWith(
        [
          podNumber(1, {
            addresses: ["10.222.0.5", "fd00:222::5"],
            hostPorts: ["[2001:db8::10]:8443->443/tcp"],
          }),
          podNumber(2, {
            name: long,
            addresses: ["2001:db8:1234:5678:9abc:def0:1234:5678"],
            interface: "a-long-name-eth",
          }),
        ],
        { addresses: ["10.222.0.1/16", "2001:db8:1234:5678:9abc:def0:1234:1/64"] },
      ),
    ],
    {
      ways: [
        { ...endNamed("uplink0", { addresses: ["192.0.2.10/24"] }), gateways: ["192.0.2.1"] },
        {
          ...endNamed("uplink6", { addresses: ["2001:db8::10/64"], kind: "vlan on uplink0" }),
          gateways: ["fe80::1"],
        },
      ],
      masquerades: [{ network: "pods", as: ["192.0.2.10", "2001:db8::10"] }],
    },
  ),
  "each way of attaching": sceneWith([
    bridgeWith([podNumber(1), podNumber(2, { facts: ["also net1 in fast", "VLAN 100"] })]),
    bridgeWith([podNumber(3, { state: "foreign", name: "3f2a91b07c55" })], { title: "bridge docker0" }),
    {
      ...bridgeWith([podNumber(4), podNumber(5)]),
      kind: "ptp",
      title: "point to point",
      addresses: [],
      facts: [],
    },
    {
      ...bridgeWith([podNumber(6, { hostEnd: "" }), podNumber(7, { hostEnd: "" })]),
      kind: "wire",
      title: "wire",
    },
    {
      ...bridgeWith([
        podNumber(8, { hostEnd: "" }),
        podNumber(9, { hostEnd: "", state: "free", name: "wire0123456789a" }),
      ]),
      ...{ kind: "wire", title: "wire", addresses: [], facts: [] },
    },
    {
      ...bridgeWith([podNumber(10, { hostEnd: "eth1" })]),
      kind: "device",
      title: "devices in pods",
      addresses: [],
    },
    {
      ...bridgeWith([podNumber(11, { state: "foreign" })]),
      kind: "pair",
      title: "pairs of others",
      addresses: [],
    },
    {
      ...bridgeWith([podNumber(12, { state: "odd", problems: [sentence], hostEnd: "" })]),
      kind: "nothing",
      title: "leases",
    },
  ]),
  "many faults": sceneWith(
    [
      bridgeWith(
        [
          brokenPod(1, { problems: [sentence, sentence] }),
          podNumber(2, { state: "starting" }),
          brokenPod(3, { name: long }),
        ],
        {
          problems: ["the bridge cni0 is down"],
          facts: ["mtu 1500", "down", "port bond0", "port a-port-of-it (down)"],
        },
      ),
      bridgeWith([], { title: "bridge empty0", networks: [] }),
    ],
    {
      problems: [sentence],
      interfaces: ["eth1", "eth2", "eth3", "eth4"].map((name) =>
        endNamed(name, { isUp: false, problems: [sentence] }),
      ),
      forwarding: [
        "forwards neither IPv4 nor IPv6",
        "chain FORWARD of table ip filter drops what no rule accepts",
      ],
    },
  ),
};
