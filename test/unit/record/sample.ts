// A record to test with.
import { type Attachment, type HostIdentity, VERSION } from "../../../src/attachment/attachment.ts";
import { hostInterfaceName } from "../../../src/attachment/name.ts";
import { podAddress } from "../plan/input.ts";

export const HOST: HostIdentity = { bootId: "11111111-2222-3333-4444-555555555555", hostCookie: "4097" };

/** The record of a pod on the bridge cni0 with one address and nothing else. */
export function recordOf(containerId: string, network = "net"): Attachment {
  const key = { network, containerId, interfaceName: "eth0" };
  return {
    version: VERSION,
    key,
    host: HOST,
    namespace: { path: "/run/netns/test", cookie: "8193" },
    pod: "default/web",
    leaseDirectory: "/leases/net",
    link: {
      kind: "bridgePort",
      bridge: { name: "cni0", promiscuous: false, filtersVlans: false },
      gatewayInterface: "cni0",
      host: { name: hostInterfaceName(key), mac: "0a:00:00:00:00:f0", isRaisedFirst: false },
      pod: { name: "eth0", mac: "0a:00:00:00:00:01", isRaised: true },
      mtu: 1500,
      hairpin: false,
      isolated: false,
      hasFixedMac: false,
      vlans: undefined,
    },
    addresses: [podAddress("10.1.2.3/16")],
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
}
