// Routes and dns.
import { type Difference, DUAL, ipamOf, onlyOurs, type Row, V6 } from "../row.ts";

const routes = (...list: object[]) => ({ ipam: { ...ipamOf("10.1.0.0/24"), routes: list } });
const routes6 = (...list: object[]) => ({ ipam: { ...ipamOf(V6), routes: list } });
const RESOLV =
  "printf 'nameserver 10.0.0.53\\nnameserver fd00::53\\ndomain old.example\\nsearch a.example b.example\\noptions ndots:5 timeout:1\\n# x\\n' > /run/resolv.conf";
const METRICS: Difference = {
  where: "red.route.*",
  why: "D7: the reference reads mtu and advmss of a route and does nothing with them.",
};
const OTHER_TABLE: Difference = {
  where: "CHECK",
  ours: "done",
  reference: "refused",
  why: "D5: the reference looks for the route in the main table.",
};

export const ROUTE_ROWS: Row[] = [
  { name: "no routes", config: routes() },
  { name: "a route without a gateway", config: routes({ dst: "10.9.0.0/16" }) },
  { name: "a route with a gateway", config: routes({ dst: "10.9.0.0/16", gw: "10.1.0.77" }) },
  {
    name: "a route with a gateway outside of the subnet",
    config: routes({ dst: "10.9.0.0/16", gw: "10.55.0.1" }),
    differences: onlyOurs(
      "The next hop is on the link, where else; the reference does not tell the kernel so.",
    ),
  },
  {
    name: "a destination with host bits",
    config: routes({ dst: "10.9.0.7/16" }),
    differences: onlyOurs("The kernel takes destinations without host bits only, so they are left out."),
  },
  {
    name: "mtu and advmss of a route",
    config: routes({ dst: "10.9.0.0/16", mtu: 1300, advmss: 1200 }),
    differences: [METRICS],
  },
  { name: "priority of a route", config: routes({ dst: "10.9.0.0/16", priority: 77 }) },
  {
    name: "table of a route",
    config: routes({ dst: "10.9.0.0/16", table: 100 }),
    differences: [OTHER_TABLE],
  },
  { name: "table 0 of a route", config: routes({ dst: "10.9.0.0/16", table: 0 }) },
  {
    name: "scope of a route: on the link",
    config: routes({ dst: "10.9.0.0/16", scope: 253 }),
    differences: onlyOurs("A route whose scope is the link has no gateway; the reference gives it one."),
  },
  { name: "scope of a route: global", config: routes({ dst: "10.9.0.0/16", scope: 0 }) },
  { name: "one route twice", config: routes({ dst: "10.9.0.0/16" }, { dst: "10.9.0.0/16" }) },
  {
    name: "one destination by two gateways",
    config: routes({ dst: "10.9.0.0/16", gw: "10.1.0.7" }, { dst: "10.9.0.0/16", gw: "10.1.0.8" }),
  },
  {
    name: "one IPv6 destination by two gateways",
    config: routes6({ dst: "fd09::/64", gw: "fd01::7" }, { dst: "fd09::/64", gw: "fd01::8" }),
    differences: [
      {
        where: "CHECK",
        ours: "done",
        reference: "refused",
        why: "D5: the kernel makes one route of the two, which the reference does not know again.",
      },
    ],
  },
  {
    name: "one destination in two tables",
    config: routes({ dst: "10.9.0.0/16" }, { dst: "10.9.0.0/16", table: 100 }),
  },
  {
    name: "one route twice, with two priorities",
    config: routes({ dst: "10.9.0.0/16", priority: 1 }, { dst: "10.9.0.0/16", priority: 2 }),
  },
  {
    name: "an IPv6 route with a gateway and a priority",
    config: routes6({ dst: "fd09::/64", gw: "fd01::77", priority: 77 }),
  },
  {
    name: "mtu and table of an IPv6 route",
    config: routes6({ dst: "fd09::/64", mtu: 1300, table: 100 }),
    differences: [METRICS, OTHER_TABLE],
  },
  { name: "an IPv6 route of a pod without IPv6", config: routes({ dst: "fd09::/64" }) },
  {
    name: "routes of both families",
    config: {
      ipam: {
        ...ipamOf(...DUAL),
        routes: [{ dst: "10.9.0.0/16" }, { dst: "fd09::/64" }, { dst: "0.0.0.0/0", gw: "10.1.0.1" }],
      },
    },
  },
  {
    name: "dns",
    config: {
      dns: {
        nameservers: ["10.1.0.53"],
        domain: "pods.example",
        search: ["a.example"],
        options: ["ndots:5"],
      },
    },
  },
  { name: "dns, one key of it", config: { dns: { search: ["a.example"] } } },
  { name: "an empty dns", config: { dns: {} } },
  {
    name: "resolvConf",
    node: [RESOLV],
    config: { ipam: { ...ipamOf("10.1.0.0/24"), resolvConf: "/run/resolv.conf" } },
  },
  {
    name: "dns and resolvConf",
    node: [RESOLV],
    config: {
      dns: { domain: "new.example" },
      ipam: { ...ipamOf("10.1.0.0/24"), resolvConf: "/run/resolv.conf" },
    },
  },
  {
    name: "an empty dns and resolvConf",
    node: [RESOLV],
    config: { dns: { nameservers: [] }, ipam: { ...ipamOf("10.1.0.0/24"), resolvConf: "/run/resolv.conf" } },
  },
  {
    name: "a resolvConf that is not there",
    config: { ipam: { ...ipamOf("10.1.0.0/24"), resolvConf: "/run/nothing" } },
  },
];
