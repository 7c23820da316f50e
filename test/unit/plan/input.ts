// Input for the plans: a pod of a dual-stack network, and whatever a test wants to be different.
import type { Netconf } from "../../../src/cni/config.ts";
import type { Route } from "../../../src/cni/result.ts";
import type { AddInput, PodAddress } from "../../../src/plan/add.ts";
import type { Step } from "../../../src/plan/step.ts";
import { address, prefix } from "../../support/ip.ts";

export const KEY = { network: "net", containerId: "c1", interfaceName: "eth0" };
const OWNER = "1".repeat(32);

/** `10.1.0.2/24 10.1.0.1` or `10.1.0.2/24`: address and perhaps a gateway. */
export function podAddress(text: string): PodAddress {
  const [own = "", gateway] = text.split(" ");
  return { address: prefix(own), gateway: gateway === undefined ? undefined : address(gateway) };
}

/**
 * `0.0.0.0/0` or `0.0.0.0/0 10.1.0.7`: destination and perhaps a gateway, with what else a route may have.
 */
export function route(text: string, more: Partial<Route> = {}): Route {
  const [dst = "", gw] = text.split(" ");
  return { dst: prefix(dst), ...(gw === undefined ? {} : { gw: address(gw) }), ...more };
}

export const V4 = "10.1.0.2/24 10.1.0.1";
export const V6 = "fd01::2/64 fd01::1";

export function netconf({
  routes = [],
  subnets = [],
  ...more
}: Partial<Netconf> & { routes?: Route[]; subnets?: string[] } = {}): Netconf {
  const range = (text: string) => {
    const subnet = prefix(text);
    return { subnet, first: subnet.address, last: subnet.address, gateway: subnet.address };
  };
  return {
    cniVersion: "1.1.0",
    name: "net",
    bridge: "br0",
    isGateway: true,
    isDefaultGateway: false,
    forceAddress: false,
    ipMasq: false,
    mtu: 0,
    hairpinMode: false,
    promiscMode: false,
    portIsolation: false,
    macspoofchk: false,
    ingressPolicy: undefined,
    enabledad: false,
    disableContainerInterface: false,
    vlan: 0,
    vlanTrunk: [],
    hasVlans: false,
    gatewayInterface: more.bridge ?? "br0",
    preserveDefaultVlan: false,
    ipMasqBackend: "nftables",
    foreignIpam: undefined,
    requestedAddresses: [],
    mac: undefined,
    bandwidth: undefined,
    tuning: undefined,
    sourceBasedRouting: false,
    dns: undefined,
    prevResult: undefined,
    hostPorts: undefined,
    ipam: {
      type: "host-local",
      rangeSets: subnets.map((text) => [range(text)]),
      routes,
      dataDir: "/d",
      resolvConf: undefined,
      statusWhenFull: false,
    },
    ...more,
  };
}

export function addInput(config: Netconf, addresses: string[], more: Partial<AddInput> = {}): AddInput {
  return {
    netconf: config,
    key: KEY,
    owner: OWNER,
    namespacePath: "/run/netns/c1",
    pod: undefined,
    addresses: addresses.map(podAddress),
    routes: config.ipam?.routes ?? [],
    ipamDns: {},
    bridge: { mac: "0a:00:00:00:00:01", mtu: 1500, found: undefined },
    hostInterface: { name: "veth1", mac: "0a:00:00:00:00:02" },
    mac: "0a:00:00:00:00:03",
    mtu: 1500,
    ifb: undefined,
    hostPorts: undefined,
    isFilteredVlan: false,
    ...more,
  };
}

/** The step of a kind, which has to be there exactly once. */
export function stepOf<K extends Step["kind"]>(steps: Step[], kind: K): Extract<Step, { kind: K }> {
  const found = steps.filter((step): step is Extract<Step, { kind: K }> => step.kind === kind);
  if (found.length !== 1 || found[0] === undefined)
    throw new Error(`There are ${found.length} steps of kind ${kind}.`);
  return found[0];
}
