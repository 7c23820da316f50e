// An attachment with everything that one can have.
import { VERSION } from "../../src/attachment/attachment.ts";
import { hostInterfaceName } from "../../src/attachment/name.ts";
import { address, prefix } from "./ip.ts";
import type { OnBridge } from "./on-bridge.ts";

const KEY = { network: "net", containerId: "c1", interfaceName: "eth0" };
const LIMIT = { rate: 8_000_000, burst: 800_000 };

/**
 * A pod of both families on bridge `br0`, its network in VLAN 100, with every part that an attachment can
 * have. Masquerading is that by nftables: it excludes that by iptables.
 */
export function attachmentWithEverything(): OnBridge {
  return {
    version: VERSION,
    key: KEY,
    host: { bootId: "11111111-2222-3333-4444-555555555555", hostCookie: "4097" },
    namespace: { path: "/run/netns/test", cookie: "8193" },
    pod: "default/web",
    leaseDirectory: "/leases/net",
    link: {
      kind: "bridgePort",
      bridge: { name: "br0", promiscuous: true, filtersVlans: true },
      gatewayInterface: "br0.100",
      host: { name: hostInterfaceName(KEY), mac: "0a:00:00:00:00:02", isRaisedFirst: false },
      pod: { name: KEY.interfaceName, mac: "0a:58:0a:01:00:02", isRaised: true },
      mtu: 1400,
      hairpin: true,
      isolated: true,
      hasFixedMac: true,
      vlans: { native: 100, tagged: [{ first: 200, last: 202 }], keepOthers: false },
    },
    addresses: [
      { address: prefix("10.1.0.2/24"), gateway: address("10.1.0.1") },
      { address: prefix("fd01::2/64"), gateway: address("fd01::1") },
    ],
    routes: [
      { dst: prefix("0.0.0.0/0"), gw: address("10.1.0.1") },
      { dst: prefix("10.9.0.0/16"), gw: address("10.1.0.1"), mtu: 1300, advmss: 1200, priority: 7 },
      { dst: prefix("fd09::/32"), gw: address("fd01::1"), table: 1000 },
    ],
    detectsDuplicates: true,
    gateway: { force: true, ofOtherRanges: [prefix("10.2.0.1/24")] },
    masquerade: { backend: "nftables", subnets: [prefix("10.1.0.0/24"), prefix("fd01::/64")] },
    spoofCheck: true,
    addressCheck: { asksDhcp: true },
    ingressPolicy: "isolated",
    bandwidth: { ingress: LIMIT, egress: LIMIT, egressInPod: false, ifbMac: "0a:00:00:00:00:04" },
    sourceRouting: true,
    tuning: {
      sysctls: [
        { key: "net.core.somaxconn", name: "core/somaxconn", value: "500" },
        {
          key: "net.ipv4.conf.IFNAME.arp_filter",
          name: "ipv4/conf/IFNAME/arp_filter",
          value: "1",
        },
      ],
      txQueueLength: 500,
      promiscuous: true,
      allMulticast: true,
    },
    hostPorts: {
      mappings: [
        { protocol: "tcp", hostPort: 8080, hostPortEnd: 8081, containerPort: 80, address: "10.1.0.2" },
        { protocol: "udp", hostPort: 8053, hostPortEnd: 8053, containerPort: 53, address: "fd01::2" },
      ],
      kept: [{ protocol: "tcp", port: 8080, address: "127.0.0.1" }],
      masquerade: "own",
      subnets: ["10.1.0.0/24", "fd01::/64"],
      markBit: 13,
      gatewayInterface: "br0.100",
      allowListening: undefined,
      iptablesChains: true,
      conditions4: [{ field: "saddr", value: "192.168.0.0/16", not: false }],
      conditions6: undefined,
      hairpin: true,
    },
  };
}
