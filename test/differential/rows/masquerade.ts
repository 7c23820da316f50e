// Masquerading: what address a neighbour of the node sees.
import { DUAL, ipamOf, onlyOurs, type Row, V6 } from "../row.ts";

export const MASQUERADE_ROWS: Row[] = [
  { name: "ipMasq", config: { ipMasq: true } },
  { name: "ipMasq, IPv6", config: { ipMasq: true, ipam: ipamOf(V6) } },
  { name: "ipMasq, dual stack", config: { ipMasq: true, ipam: ipamOf(...DUAL) } },
  { name: "ipMasq off", config: { ipMasq: false, ipam: ipamOf(...DUAL) } },
  { name: "ipMasq, and no gateway", config: { ipMasq: true, isGateway: false } },
  {
    name: "ipMasq, two IPv4 subnets",
    config: { ipMasq: true, ipam: ipamOf("10.1.0.0/24", "10.2.0.0/24") },
    differences: onlyOurs(
      "A gateway of the same network stands in nobody's way; the reference stumbles over its own.",
    ),
  },
  { name: "ipMasq by nftables", config: { ipMasq: true, ipMasqBackend: "nftables" } },
  {
    name: "ipMasq by nftables, dual stack",
    config: { ipMasq: true, ipMasqBackend: "nftables", ipam: ipamOf(...DUAL) },
  },
  { name: "ipMasq by iptables", config: { ipMasq: true, ipMasqBackend: "iptables" } },
  {
    name: "ipMasq by iptables, dual stack",
    config: { ipMasq: true, ipMasqBackend: "iptables", ipam: ipamOf(...DUAL) },
  },
  { name: "ipMasqBackend without ipMasq", config: { ipMasqBackend: "nftables" } },
  { name: "a backend that nobody knows", config: { ipMasq: true, ipMasqBackend: "pf" } },
];
