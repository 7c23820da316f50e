// Addresses from another plugin: the reference's own `static`, and ones that fail.
import { onlyOurs, type Row } from "../row.ts";

const one = (...addresses: object[]) => ({ ipam: { type: "static", addresses } });
const V4 = { address: "10.1.0.7/24", gateway: "10.1.0.1" };
const V6 = { address: "fd01::7/64", gateway: "fd01::1" };

const ROWS: Row[] = [
  { name: "static: an address", config: one(V4) },
  { name: "static: an IPv6 address", config: one(V6) },
  { name: "static: both families", config: one(V4, V6) },
  { name: "static: an address without a gateway", config: one({ address: "10.1.0.7/24" }) },
  {
    name: "static: an address without a gateway, and the bridge is none",
    config: { isGateway: false, ...one({ address: "10.1.0.7/24" }) },
  },
  {
    name: "static: routes and dns",
    config: {
      ipam: {
        ...one(V4).ipam,
        routes: [{ dst: "0.0.0.0/0" }, { dst: "10.9.0.0/16", gw: "10.1.0.9" }],
        dns: { nameservers: ["10.1.0.53"], search: ["a.example"] },
      },
    },
  },
  {
    name: "static: dns of both",
    config: {
      dns: { domain: "pods.example" },
      ipam: { ...one(V4).ipam, dns: { nameservers: ["10.1.0.53"] } },
    },
  },
  { name: "static: masqueraded", config: { ipMasq: true, ...one(V4, V6) } },
  { name: "static: isDefaultGateway", config: { isDefaultGateway: true, ...one(V4) } },
  {
    name: "static: isDefaultGateway and a default route",
    config: {
      isDefaultGateway: true,
      ipam: { ...one(V4).ipam, routes: [{ dst: "0.0.0.0/0", gw: "10.1.0.77" }] },
    },
  },
  {
    name: "static: a gateway that is not the first address",
    config: { isDefaultGateway: true, ...one({ address: "10.1.0.7/24", gateway: "10.1.0.254" }) },
  },
  {
    name: "static: a whole address",
    config: one({ address: "10.1.0.7/32" }),
    differences: [
      {
        where: "CHECK",
        ours: "done",
        reference: "refused",
        why: "D5: the reference looks for a route to the subnet, which a whole address has none of.",
      },
    ],
  },
  {
    name: "static: a route without a next hop",
    config: {
      isGateway: false,
      ipam: { type: "static", addresses: [{ address: "10.1.0.7/24" }], routes: [{ dst: "10.9.0.0/16" }] },
    },
    differences: [
      {
        where: "red.route.main unicast 10.9.0.0/16*",
        ours: "flags= protocol=boot scope=link",
        why: "Such a route is one on the link, as `ip route` makes it.",
      },
    ],
  },
  {
    name: "static: two subnets, and the bridge is their gateway",
    config: one({ address: "10.1.0.7/24" }, { address: "10.2.0.7/24" }),
    differences: onlyOurs("Two gateways of one netconf do not stand in each other's way."),
  },
  { name: "static: no addresses", config: { isGateway: false, ipam: { type: "static" } } },
  { name: "static: an address that is none", config: one({ address: "ten" }), errorOfOthers: true },
  {
    name: "static: addresses in runtimeConfig",
    config: { ipam: { type: "static" } },
    runtimeConfig: { ips: ["10.1.0.50/24"] },
  },
  {
    name: "static: an address in CNI_ARGS",
    config: { ipam: { type: "static" } },
    cniArgs: "IgnoreUnknown=1;IP=10.1.0.50/24;GATEWAY=10.1.0.1",
  },
  {
    name: "static: two addresses of one family",
    config: { isGateway: false, ...one(V4, { address: "10.2.0.7/24" }) },
  },
  { name: "static: 0.2.0", cniVersion: "0.2.0", config: one(V4) },
  { name: "static: 0.4.0", cniVersion: "0.4.0", config: one(V4, V6) },
  { name: "static: 1.1.0", cniVersion: "1.1.0", config: one(V4, V6) },
  {
    name: "dhcp, and its daemon does not run",
    config: { isGateway: false, ipam: { type: "dhcp" } },
    errorOfOthers: true,
  },
  { name: "a plugin that is not there", config: { ipam: { type: "nowhere" } } },
  { name: "a plugin's name with a slash", config: { ipam: { type: "../static" } } },
];

export const FOREIGN_IPAM_ROWS: Row[] = ROWS.map((row) => ({ ...row, alone: true }));
