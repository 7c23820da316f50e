// What the mutations start from.
const IPAM = { type: "host-local", ranges: [[{ subnet: "10.1.0.0/16", rangeStart: "10.1.0.5", rangeEnd: "10.1.0.50", gateway: "10.1.0.1" }], [{ subnet: "fd6a:2f1c:9b40::/64" }]], routes: [{ dst: "0.0.0.0/0", gw: "10.1.0.1", mtu: 1400, priority: 5, table: 100, scope: 253 }, { dst: "::/0" }], dataDir: "/run/leases", statusWhenFull: true, resolvConf: "/etc/resolv.conf" };

export const RESULTS: readonly object[] = [
  { cniVersion: "1.0.0", interfaces: [{ name: "cni0", mac: "02:00:00:00:00:01", mtu: 1500 }, { name: "eth0", sandbox: "/run/netns/a", socketPath: "/s", pciID: "0" }], ips: [{ address: "10.1.0.5/16", gateway: "10.1.0.1", interface: 1 }, { address: "fd00::5/64" }], routes: [{ dst: "0.0.0.0/0", gw: "10.1.0.1", mtu: 1400, advmss: 1300, priority: 1, table: 5, scope: 0 }], dns: { nameservers: ["10.1.0.1"], domain: "x", search: ["a", "b"], options: ["ndots:5"] } },
  { cniVersion: "0.2.0", ip4: { ip: "10.1.0.5/16", gateway: "10.1.0.1", routes: [{ dst: "0.0.0.0/0" }] }, ip6: { ip: "fd00::5/64", routes: [] }, dns: {} },
];

export const CONFIGS: readonly object[] = [
  { bridge: "cni0", isDefaultGateway: true, ipMasq: true, ipMasqBackend: "nftables", mtu: 1500, hairpinMode: true, ingressPolicy: "open", ipam: IPAM },
  { bridge: "br-1", isGateway: true, forceAddress: true, vlan: 100, vlanTrunk: [{ id: 5 }, { minID: 10, maxID: 20 }, { minID: 15, maxID: 40 }], preserveDefaultVlan: false, macspoofchk: true, enabledad: true, portIsolation: true, ipam: { type: "host-local", subnet: "10.2.0.0/24", rangeStart: "10.2.0.9", routes: [] } },
  { ipam: IPAM, runtimeConfig: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp", hostIP: "10.0.0.1" }, { hostPort: 8080, containerPort: 81, protocol: "udp" }], bandwidth: { ingressRate: 1e6, ingressBurst: 1e6, egressRate: 8, egressBurst: 8e3 }, mac: "02:58:0a:01:00:05", ips: ["10.1.0.9/16"], ipRanges: [[{ subnet: "10.9.0.0/24" }]], dns: { servers: ["1.1.1.1"], searches: ["a"], options: [] } }, capabilities: { portMappings: true, ipRanges: true }, snat: true, masqAll: false, markMasqBit: 5, conditionsV4: ["!", "-d", "10.0.0.0/8"], conditionsV6: ["-i", "eth0"] },
  { ipam: { type: "static", addresses: [{ address: "10.1.0.5/16" }] }, sysctl: { "net.ipv4.conf.IFNAME.rp_filter": "2", "net.core.somaxconn": "5" }, txQLen: 100, promisc: true, allmulti: true, sourceBasedRouting: true, dns: { nameservers: ["1.1.1.1"] } },
  { ipam: IPAM, prevResult: RESULTS[0], args: { cni: { ips: ["10.1.0.6"], labels: [{ key: "a", value: "b" }] } }, disableContainerInterface: false },
  { prevResult: RESULTS[0], ipam: {}, "cni.dev/valid-attachments": [{ containerID: "c1", ifname: "eth0" }, { containerID: "c2", ifname: "net1" }], disableCheck: true },
];

export const RECORD = {
  version: 1, key: { network: "net", containerId: "c1", interfaceName: "eth0" }, host: { bootId: "11111111-2222-3333-4444-555555555555", hostCookie: "4097" }, namespace: { path: "/run/netns/test", cookie: "8193" }, leaseDirectory: "/leases/net", bridge: "cni0", gatewayInterface: "cni0.5",
  hostInterface: "veth0", hostMac: "0a:00:00:00:00:f0", mac: "0a:00:00:00:00:01", mtu: 1500, addresses: ["10.1.2.3/16"], pod: "default/web", masqueradeSubnets: ["10.1.0.0/16"], foreignRoutes: ["10.0.0.0/8"], masqueradeBackend: "iptables", spoofCheck: true, ingressPolicy: "isolated", bandwidth: { egressInPod: true, ingress: { rate: 1, burst: 2 } },
  hostPorts: { mappings: [{ protocol: "tcp", hostPort: 1, hostPortEnd: 2, containerPort: 80, address: "10.1.2.3" }], masquerade: "own", subnets: [], markBit: 13, gatewayInterface: "cni0", hairpin: true, conditions4: [{ field: "saddr", value: "1", not: false }] },
};

export const NUMBER_TEXTS = ["1e400", "-0", "0.1", "1E+2", "9007199254740993", "18446744073709551616", "1.0", "1e-400", "123456789012345678901234567890", "4.35", "0.000001", "1e21", "2.5e-7", "5e-324", "2.2250738585072011e-308", "8.41e21", "9.5e-3", "100000000000000000000000"];

export const WORDS = ["__proto__", "constructor", "toString", "0", "1", "-1", "4294967295", "CNIVERSION", "cniVersion", "name", "type", "ipam", "Ipam", "subnet", "ranges", "rangeStart", "RANGEEND", "gateway", "dst", "gw", "mac", "mtu", "vlan", "id", "minID", "host-local", "dhcp", "10.1.0.0/16", "10.1.0.1", "fd00::1/64", "::ffff:10.1.0.1", "0.0.0.0/0", "eth0", "open", "isolated", "iptables", "tcp", "sctp", "x".repeat(90), "\u{1f600}".repeat(45), "02:58:0a:01:00:05", "/var/lib/x", "", " ", "1.0.0", "0.1.0", "9.9.9", "address", "interface", "version", "ſubnet", "\u212a", "İpam", "TRUE", "null"];
