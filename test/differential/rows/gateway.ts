// The gateway: addresses of the bridge, default routes, forwarding.
import { DUAL, ipamOf, onlyOurs, type Row, V6 } from "../row.ts";
import { FOREIGN_BRIDGE } from "./link.ts";

const OLD_BRIDGE = ["ip link add name pods0 type bridge", "ip link set pods0 up"];
const range = (more: object) => ({
  type: "host-local",
  ranges: [[{ subnet: "10.1.0.0/24", ...more }]],
  routes: [{ dst: "0.0.0.0/0" }],
});

export const GATEWAY_ROWS: Row[] = [
  { name: "isGateway off", config: { isGateway: false } },
  { name: "isGateway off, IPv6", config: { isGateway: false, ipam: ipamOf(V6) } },
  {
    name: "isGateway off, dual stack, and no routes",
    config: { isGateway: false, ipam: { ...ipamOf(...DUAL), routes: undefined } },
  },
  {
    name: "isDefaultGateway alone",
    config: { isGateway: undefined, isDefaultGateway: true, ipam: { ...ipamOf("10.1.0.0/24"), routes: [] } },
  },
  { name: "isDefaultGateway, IPv6", config: { isDefaultGateway: true, ipam: { ...ipamOf(V6), routes: [] } } },
  {
    name: "isDefaultGateway, dual stack",
    config: { isDefaultGateway: true, ipam: { ...ipamOf(...DUAL), routes: [] } },
  },
  {
    name: "isDefaultGateway beats isGateway",
    config: { isGateway: false, isDefaultGateway: true, ipam: { ...ipamOf("10.1.0.0/24"), routes: [] } },
  },
  {
    name: "isDefaultGateway, and a default route with a gateway",
    config: {
      isDefaultGateway: true,
      ipam: { ...ipamOf("10.1.0.0/24"), routes: [{ dst: "0.0.0.0/0", gw: "10.1.0.9" }] },
    },
  },
  {
    name: "isDefaultGateway, and a default route without a gateway",
    config: { isDefaultGateway: true },
    differences: onlyOurs("D8: the reference sets two default routes, and the kernel takes one."),
  },
  {
    name: "isDefaultGateway, and other routes",
    config: {
      isDefaultGateway: true,
      ipam: {
        ...ipamOf("10.1.0.0/24"),
        routes: [{ dst: "10.9.0.0/16" }, { dst: "10.8.0.0/16", gw: "10.1.0.7" }],
      },
    },
  },
  { name: "a gateway of its own", config: { ipam: range({ gateway: "10.1.0.254" }) } },
  {
    name: "a gateway outside of the subnet",
    config: { ipam: range({ gateway: "10.2.0.1" }) },
  },
  {
    name: "a gateway in the middle of the range",
    config: { ipam: range({ rangeStart: "10.1.0.2", gateway: "10.1.0.3" }) },
  },
  {
    name: "the bridge has the gateway's address already",
    node: [...OLD_BRIDGE, "ip address add 10.1.0.1/24 dev pods0"],
    differences: FOREIGN_BRIDGE,
  },
  {
    name: "the bridge has the gateway's address with another length",
    node: [...OLD_BRIDGE, "ip address add 10.1.0.1/16 dev pods0"],
  },
  { name: "the bridge has another address", node: [...OLD_BRIDGE, "ip address add 10.7.0.1/24 dev pods0"] },
  {
    name: "forceAddress: the bridge has another address",
    node: [...OLD_BRIDGE, "ip address add 10.7.0.1/24 dev pods0"],
    config: { forceAddress: true },
  },
  {
    name: "the bridge has another IPv6 address",
    node: [...OLD_BRIDGE, "ip address add fd07::1/64 dev pods0 nodad"],
    config: { ipam: ipamOf(V6) },
  },
  {
    name: "the bridge has another IPv6 address of the same subnet",
    node: [...OLD_BRIDGE, "ip address add fd01::7/64 dev pods0 nodad"],
    config: { ipam: ipamOf(V6) },
  },
  {
    name: "forceAddress: the bridge has another IPv6 address of the same subnet",
    node: [...OLD_BRIDGE, "ip address add fd01::7/64 dev pods0 nodad"],
    config: { forceAddress: true, ipam: ipamOf(V6) },
  },
  {
    name: "forceAddress: the bridge has another IPv6 address",
    node: [...OLD_BRIDGE, "ip address add fd07::1/64 dev pods0 nodad"],
    config: { forceAddress: true, ipam: ipamOf(V6) },
  },
  {
    name: "forwarding is on already",
    node: ["sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"],
    config: { ipam: ipamOf(...DUAL) },
  },
];
