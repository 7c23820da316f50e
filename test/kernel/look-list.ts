// All looks at a node and a pod that there are: each function of src/look, and what the kinds of steps
// compare.
import type { DeviceChoice } from "../../src/cni/device-config.ts";
import type { PortMapping } from "../../src/cni/host-port-config.ts";
import type { Place } from "../../src/host/kind.ts";
import { kindOf } from "../../src/host/kinds.ts";
import { present } from "../../src/host/link.ts";
import type { Node } from "../../src/host/node.ts";
import { checkAllowList } from "../../src/look/allow-list.ts";
import {
  checkIsBridge,
  isOnWayOut,
  networkFamilies,
  observeBridge,
  observeWayOut,
  saysMacsFollow,
  uplinkMtu,
  withoutNode,
} from "../../src/look/bridge.ts";
import {
  describeDevice,
  deviceNameOf,
  findDevices,
  fits,
  freeDevice,
  isMeant,
  stays,
  unknownDevice,
  whyItStays,
} from "../../src/look/device.ts";
import { hasNetworkDevice, refuseUserDriver, wayToBus } from "../../src/look/device-bus.ts";
import { listDroppingChains } from "../../src/look/drop.ts";
import { observeListeners } from "../../src/look/listener.ts";
import { addProcesses, namedNamespaces, namespaceAt } from "../../src/look/namespaces.ts";
import { observe, observeLink } from "../../src/look/observed.ts";
import { filterSees, observeFilter } from "../../src/look/packet-filter.ts";
import { findHolders, readProcess } from "../../src/look/process.ts";
import { checkBridge, checkNftables } from "../../src/look/status.ts";
import { listRoutedPods, listSubnetOwners } from "../../src/look/subnet-owner.ts";
import { verifyVlanFiltering, vlanHint } from "../../src/look/vlan-filtering.ts";
import { type Device, getDevice } from "../../src/net/device.ts";
import { getLink } from "../../src/net/link.ts";
import type { Step } from "../../src/plan/step.ts";
import { errnoOf, SystemError } from "../../src/sys/errno.ts";
import { prefix } from "../support/ip.ts";
import { netconf } from "../unit/plan/input.ts";

/** One look. */
export interface Look {
  name: string;
  /** The function, where it is one of src/look. */
  of?: { name: string };
  look(place: Place): unknown;
}

const HOST_PORTS = {
  mappings: [],
  snat: true,
  masqAll: false,
  markMasqBit: 13,
  allowListening: false,
  iptablesChains: false,
  conditions4: undefined,
  conditions6: undefined,
};
const MAPPING: PortMapping = {
  protocol: "tcp",
  hostAddress: undefined,
  hostPort: 8080,
  hostPortEnd: 8080,
  containerPort: 80,
};
const NO_SYSCTL = { sysctls: [], txQueueLength: 500, promiscuous: false, allMulticast: false };
const SYSCTL = { ...NO_SYSCTL, sysctls: [{ key: "net.core.somaxconn", name: "core/somaxconn", value: "5" }] };
const subnets = ["10.1.0.0/24", "fd01::/64"];
const VLAN = { subnets, vlan: 100, hasVlans: true, gatewayInterface: "br0.100", ipMasq: true };

const WITH_PORTS = netconf({ subnets, hostPorts: HOST_PORTS });
const CONFIGS = {
  "a network whose bridge has to be made": netconf({ subnets, bridge: "new0" }),
  "a network whose bridge was made by half": netconf({ subnets, bridge: "half0" }),
  "a network whose bridge is there": netconf({ subnets }),
  "a network whose bridge is another link": netconf({ bridge: "plain0" }),
  "a network in a VLAN": netconf(VLAN),
  "a network in a VLAN whose bridge has to be made": netconf({ ...VLAN, bridge: "new0" }),
  "a network with host ports": WITH_PORTS,
  "a network with settings in the pod": netconf({ tuning: SYSCTL }),
};

function lookOf(of: { name: string }, about: string, look: (node: Node) => unknown): Look {
  return { of, name: `${of.name}: ${about}`, look: ({ node }) => look(node) };
}

/** Looks by every function of src/look. A process listens on port `listenedPort` of the node. */
export function sourceLooks(listenedPort: number): Look[] {
  return [
    ...Object.entries(CONFIGS).map(([about, config]) =>
      lookOf(observe, about, ({ links }) => observe(config, links)),
    ),
    lookOf(observeLink, "a network with host ports", ({ links }) => observeLink(WITH_PORTS, links)),
    lookOf(observeBridge, "a network with host ports", ({ links }) => observeBridge(WITH_PORTS, links)),
    lookOf(observeWayOut, "a network with host ports", ({ links }) => observeWayOut(WITH_PORTS, links)),
    lookOf(withoutNode, "a network with host ports", () => withoutNode(WITH_PORTS)),
    lookOf(filterSees, "of IPv4", () => filterSees(4)),
    lookOf(observeFilter, "a network with host ports", () => observeFilter(WITH_PORTS)),
    lookOf(networkFamilies, "a network with host ports", () => networkFamilies(WITH_PORTS)),
    ...["br0", "new0", "half0", "plain0"].flatMap((bridge) => [
      lookOf(checkBridge, bridge, ({ links }) => checkBridge(bridge, links)),
      lookOf(verifyVlanFiltering, bridge, ({ links }) => verifyVlanFiltering(bridge, links)),
    ]),
    ...["half0", "plain0"].flatMap((name) => [
      lookOf(checkIsBridge, name, ({ links }) => checkIsBridge(name, getLink(links, { name })!)),
      lookOf(saysMacsFollow, name, ({ links }) => saysMacsFollow(getLink(links, { name })!)),
    ]),
    lookOf(checkAllowList, "a sysctl", () => checkAllowList(SYSCTL)),
    lookOf(checkAllowList, "no sysctl", () => checkAllowList(NO_SYSCTL)),
    lookOf(checkNftables, "the node", ({ rules }) => checkNftables(rules)),
    lookOf(vlanHint, "a refusal", () => vlanHint(new SystemError("ask", errnoOf("EOPNOTSUPP")))),
    lookOf(uplinkMtu, "a network with host ports", ({ links }) => uplinkMtu(WITH_PORTS, links)),
    lookOf(listDroppingChains, "the node", (node) => listDroppingChains(() => node.rules, [4, 6])),
    ...["10.1.0.1/24", "fd01::1/64"].flatMap((gateway) => [
      lookOf(listSubnetOwners, gateway, ({ links }) => listSubnetOwners(links, 1, prefix(gateway))),
      lookOf(listRoutedPods, gateway, ({ links }) => listRoutedPods(links, prefix(gateway))),
    ]),
    ...listenerLooks(listenedPort),
    ...deviceLooks(),
  ];
}

const CHOICES: DeviceChoice[] = [
  { by: "name", name: "plain0" },
  { by: "names", patterns: ["plain*", "none0"] },
  { by: "mac", mac: "02:00:00:00:00:01" },
  { by: "path", path: "/sys/devices/virtual" },
  { by: "pci", address: "0000:ff:1f.7" },
  { by: "id", id: "0000:ff:1f.7" },
];

function deviceLooks(): Look[] {
  const device = ({ links }: Node): Device => present(getDevice(links, { name: "plain0" }), "plain0");
  const place = { bus: "pci", address: "0000:ff:1f.7", folders: [], busPaths: [] };
  return [
    lookOf(isOnWayOut, "a device", (node) => isOnWayOut(device(node).index, node.links)),
    lookOf(describeDevice, "a device", (node) => describeDevice(device(node), node.links)),
    lookOf(whyItStays, "a device", (node) => whyItStays(device(node), false, node.links)),
    lookOf(stays, "a device", () => stays("plain0", "it does", "Take another")),
    lookOf(unknownDevice, "a device", () => unknownDevice("plain0")),
    lookOf(fits, "a pattern", () => fits("plain0", "pl*[0-9]")),
    lookOf(hasNetworkDevice, "hardware", () => hasNetworkDevice("pci/0000:ff:1f.7")),
    lookOf(refuseUserDriver, "hardware", () => refuseUserDriver(place)),
    ...CHOICES.flatMap((choice) => [
      lookOf(findDevices, choice.by, ({ links }) => findDevices(choice, links)),
      lookOf(deviceNameOf, choice.by, () => deviceNameOf(choice)),
      lookOf(freeDevice, choice.by, ({ links }) => freeDevice({ choice, force: false }, links)),
      lookOf(isMeant, choice.by, (node) => isMeant(describeDevice(device(node), node.links), choice)),
      ...(choice.by === "pci" || choice.by === "id"
        ? [lookOf(wayToBus, choice.by, () => wayToBus(choice))]
        : []),
    ]),
  ];
}

function listenerLooks(port: number): Look[] {
  const asked = (mappings: PortMapping[]) => ({ ...HOST_PORTS, mappings });
  const others = (["udp", "sctp"] as const).map((protocol) => ({ ...MAPPING, protocol }));
  const taken = { ...MAPPING, hostPort: port, hostPortEnd: port };
  return [
    lookOf(observeListeners, "no port", () => observeListeners(undefined)),
    lookOf(observeListeners, "a port", () => observeListeners(asked([MAPPING]))),
    lookOf(observeListeners, "ports", () =>
      observeListeners(asked([{ ...MAPPING, hostPortEnd: 8090 }, ...others])),
    ),
    lookOf(observeListeners, "a port on which a process listens", () => observeListeners(asked([taken]))),
    lookOf(findHolders, "no socket", () => findHolders(new Set())),
    lookOf(readProcess, "this process", () => readProcess(process.pid)),
    lookOf(namedNamespaces, "the node", namedNamespaces),
    lookOf(addProcesses, "the node", () => addProcesses(namedNamespaces())),
    lookOf(namespaceAt, "its own", () => namespaceAt("/proc/self/ns/net", new Map())),
  ];
}

/** What CHECK compares of these steps, and what restore looks for. */
export function kindLooks(steps: readonly Step[]): Look[] {
  return steps.flatMap((step) => {
    const { verify, restoration } = kindOf(step);
    const verifying: Look = { name: `${step.kind} verifies`, look: (place) => verify(step, place) };
    if (restoration === undefined) return [verifying];
    const look = ({ node }: Place): unknown => restoration.countLost([step], node);
    return [verifying, { name: `${step.kind} counts what is lost`, look }];
  });
}
