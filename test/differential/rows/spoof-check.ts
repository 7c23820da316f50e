// macspoofchk: a pod sends with its own MAC or not at all.
import { DUAL, ipamOf, type Row } from "../row.ts";
import { LAYER_2 } from "./link.ts";

const FALSE_MAC = "ip link set eth0 address 02:66:66:66:66:66";

/** The pod is heard as itself, and not as somebody else. */
function acts(gateway: string): NonNullable<Row["acts"]> {
  return [
    { what: "red is heard", place: "red", command: `ping -n -c 1 -W 1 ${gateway}` },
    {
      what: "red is heard with a false MAC",
      place: "red",
      command: `${FALSE_MAC}; ip neighbour flush dev eth0; ping -n -c 2 -i 0.2 -W 0.5 ${gateway}`,
    },
  ];
}

export const SPOOF_CHECK_ROWS: Row[] = [
  { name: "macspoofchk", config: { macspoofchk: true }, acts: acts("10.1.0.1") },
  {
    name: "macspoofchk, dual stack",
    config: { macspoofchk: true, ipam: ipamOf(...DUAL) },
    acts: acts("fd01::1"),
  },
  {
    name: "macspoofchk and masquerading",
    config: { macspoofchk: true, ipMasq: true },
    acts: acts("10.1.0.1"),
  },
  {
    name: "macspoofchk, layer 2",
    config: { macspoofchk: true, isGateway: false, ipam: undefined },
    differences: LAYER_2,
  },
  {
    name: "macspoofchk, a MAC is asked for",
    config: { macspoofchk: true },
    runtimeConfig: { mac: "02:11:22:33:44:55" },
    acts: acts("10.1.0.1"),
  },
  {
    name: "macspoofchk and hairpinMode",
    config: { macspoofchk: true, hairpinMode: true },
    acts: acts("10.1.0.1"),
  },
  { name: "macspoofchk off", config: { macspoofchk: false }, acts: acts("10.1.0.1") },
  { name: "macspoofchk that is text", config: { macspoofchk: "yes" } },
];
