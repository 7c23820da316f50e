// The reference `ptp`, and ours with "attach": "ptp": a pair of interfaces and no bridge.
import { CNI_VERSIONS } from "../../support/network.ts";
import { DUAL, ipamOf, NOTHING, onlyOurs, type Row, V6 } from "../row.ts";

const ipam = (...subnets: string[]) => ({ ipam: ipamOf(...subnets) });
const routes = (...list: object[]) => ({ ipam: { ...ipamOf("10.1.0.0/24"), routes: list } });
const fixed = (...addresses: object[]) => ({ ipam: { type: "static", addresses } });
const FIXED_4 = { address: "10.1.0.7/24", gateway: "10.1.0.1" };
const FIXED_6 = { address: "fd01::7/64", gateway: "fd01::1" };
const DNS = {
  nameservers: ["10.1.0.53", "fd01::53"],
  domain: "pods.example",
  search: ["a.example"],
  options: ["ndots:5"],
};
const RICH = {
  ipMasq: true,
  dns: DNS,
  ipam: { ...ipamOf(...DUAL), routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0", gw: "fd01::1" }] },
};

const ROWS: Row[] = [
  { name: "IPv4" },
  { name: "IPv6", config: ipam(V6) },
  { name: "dual stack", config: ipam(...DUAL) },
  ...CNI_VERSIONS.map((cniVersion) => ({
    name: `${cniVersion}: dual stack, masqueraded, routes and dns`,
    cniVersion,
    config: RICH,
  })),
  ...CNI_VERSIONS.map((cniVersion) => ({
    name: `${cniVersion}: one address, no routes, no dns`,
    cniVersion,
    config: { ipam: { type: "host-local", ranges: [[{ subnet: "10.1.0.0/24" }]] } },
  })),
  {
    name: "two IPv4 subnets, and each gateway hears the address of its subnet",
    config: ipam("10.1.0.0/24", "10.2.0.0/24"),
    acts: ["10.1.0", "10.2.0"].map((net) => ({
      what: `the way to ${net}.1 begins at ${net}.2`,
      place: "red" as const,
      command: `ip route get ${net}.1 | grep -q 'src ${net}.2'`,
    })),
  },
  {
    name: "two IPv6 subnets, and each gateway hears the address of its subnet",
    config: ipam(V6, "fd02::/64"),
    acts: ["fd01", "fd02"].map((net) => ({
      what: `the way to ${net}::1 begins at ${net}::2`,
      place: "red" as const,
      command: `ip route get ${net}::1 | grep -q 'src ${net}::2'`,
    })),
  },
  { name: "another gateway", config: { ipam: gatewayed("10.1.0.254") } },
  { name: "mtu", config: { mtu: 1400 } },
  { name: "mtu 0", config: { mtu: 0 } },
  { name: "mtu, IPv6", config: { mtu: 1300, ...ipam(V6) } },
  { name: "an mtu that is text", config: { mtu: "1400" } },
  { name: "no ipam", config: { ipam: undefined } },
  { name: "ipMasq", config: { ipMasq: true } },
  { name: "ipMasq, IPv6", config: { ipMasq: true, ...ipam(V6) } },
  { name: "ipMasq, dual stack", config: { ipMasq: true, ...ipam(...DUAL) } },
  { name: "ipMasq off", config: { ipMasq: false, ...ipam(...DUAL) } },
  ...(["iptables", "nftables"] as const).flatMap((ipMasqBackend) => [
    { name: `ipMasq by ${ipMasqBackend}`, config: { ipMasq: true, ipMasqBackend } },
    {
      name: `ipMasq by ${ipMasqBackend}, dual stack`,
      config: { ipMasq: true, ipMasqBackend, ...ipam(...DUAL) },
    },
  ]),
  { name: "a backend that nobody knows", config: { ipMasq: true, ipMasqBackend: "pf" } },
  { name: "no routes", config: routes() },
  { name: "a route without a gateway", config: routes({ dst: "10.9.0.0/16" }) },
  { name: "a route with a gateway", config: routes({ dst: "10.9.0.0/16", gw: "10.1.0.1" }) },
  {
    name: "a route by another address of the subnet",
    config: routes({ dst: "10.9.0.0/16", gw: "10.1.0.77" }),
    differences: [
      {
        where: "red.route.main unicast 10.9.0.0/16*",
        ours: "flags=onlink gateway=10.1.0.77 protocol=boot scope=global",
        why: "The subnet is never on the link, so the route says it of its gateway.",
      },
    ],
  },
  {
    name: "a route by an address outside of the subnet",
    config: routes({ dst: "10.9.0.0/16", gw: "10.55.0.1" }),
    differences: onlyOurs(
      "The next hop is on the link, where else; the reference does not tell the kernel so.",
    ),
  },
  { name: "priority of a route", config: routes({ dst: "10.9.0.0/16", priority: 77 }) },
  {
    name: "mtu of a route",
    config: routes({ dst: "10.9.0.0/16", mtu: 1300 }),
    differences: [
      {
        where: "red.route.main unicast 10.9.0.0/16*",
        why: "D7: the reference reads mtu and advmss of a route and does nothing with them.",
      },
    ],
  },
  {
    name: "table of a route",
    config: routes({ dst: "10.9.0.0/16", table: 100 }),
    differences: [
      {
        where: "CHECK",
        ours: "done",
        reference: "refused",
        why: "D5: the reference looks for the route in the main table.",
      },
    ],
  },
  {
    name: "scope of a route: on the link",
    config: routes({ dst: "10.9.0.0/16", scope: 253 }),
    differences: onlyOurs("A route whose scope is the link has no gateway; the reference gives it one."),
  },
  { name: "dns", config: { dns: DNS } },
  { name: "dns of the configuration without IPAM's", config: { dns: { domain: "pods.example" } } },
  { name: "an empty dns", config: { dns: {} } },
  {
    name: "resolvConf",
    node: ["printf 'nameserver 10.0.0.53\\nsearch a.example\\n' > /run/resolv.conf"],
    config: { ipam: { ...ipamOf("10.1.0.0/24"), resolvConf: "/run/resolv.conf" } },
  },
  { name: "static: an address", config: fixed(FIXED_4), alone: true },
  { name: "static: an IPv6 address", config: fixed(FIXED_6), alone: true },
  {
    name: "static: both families, masqueraded",
    config: { ipMasq: true, ...fixed(FIXED_4, FIXED_6) },
    alone: true,
  },
  {
    name: "static: an address without a gateway",
    config: fixed({ address: "10.1.0.7/24" }),
    alone: true,
    differences: onlyOurs("The gateway is the first address of the subnet, as on a bridge."),
  },
  {
    name: "static: a whole address",
    config: fixed({ address: "10.1.0.7/32", gateway: "10.1.0.1" }),
    alone: true,
    differences: onlyOurs("A whole address has no route of the kernel's that one could take away."),
  },
  {
    name: "static: a whole IPv6 address",
    config: fixed({ address: "fd01::7/128", gateway: "fd01::1" }),
    alone: true,
    differences: [
      {
        where: "red.route.main unicast fd01::7 dev eth0*",
        ours: NOTHING,
        why: "The reference sends what the pod has for itself to the gateway.",
      },
    ],
  },
  {
    name: "static: a whole address without a gateway",
    config: fixed({ address: "10.1.0.7/32" }),
    alone: true,
  },
  {
    name: "static: two addresses of one family",
    config: fixed(FIXED_4, { address: "10.2.0.7/24", gateway: "10.2.0.1" }),
    alone: true,
  },
  { name: "an address that the pod asks for", args: { ips: ["10.1.0.50"] } },
  { name: "an address by runtimeConfig", runtimeConfig: { ips: ["10.1.0.50"] } },
  {
    name: "the node filters the reverse path",
    node: [
      "echo 1 > /proc/sys/net/ipv4/conf/all/rp_filter; echo 1 > /proc/sys/net/ipv4/conf/default/rp_filter",
    ],
    config: { ipMasq: true, ...ipam(...DUAL) },
  },
];

export const PTP_ROWS: Row[] = ROWS.map((row) => ({ ...row, reference: "ptp" }));

function gatewayed(gateway: string): object {
  return {
    type: "host-local",
    ranges: [[{ subnet: "10.1.0.0/24", gateway }]],
    routes: [{ dst: "0.0.0.0/0" }],
  };
}
