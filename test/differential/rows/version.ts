// Every version of the specification: the result document, and CHECK where it exists.

import { CNI_VERSIONS } from "../../support/network.ts";
import { type Difference, DUAL, ipamOf, type Row } from "../row.ts";
import { LAYER_2 } from "./link.ts";

const L2 = { ipam: undefined, isGateway: false };
const RICH = {
  ipMasq: true,
  dns: {
    nameservers: ["10.1.0.53", "fd01::53"],
    domain: "pods.example",
    search: ["a.example"],
    options: ["ndots:5"],
  },
  ipam: {
    ...ipamOf(...DUAL),
    routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0", gw: "fd01::1" }, { dst: "10.9.0.0/16", gw: "10.1.0.1" }],
  },
};

export const VERSION_ROWS: Row[] = [
  ...CNI_VERSIONS.map((cniVersion) => ({
    name: `${cniVersion}: dual stack, routes and dns`,
    cniVersion,
    config: RICH,
  })),
  ...CNI_VERSIONS.map((cniVersion) => ({
    name: `${cniVersion}: one address, no routes, no dns`,
    cniVersion,
    config: { ipam: { type: "host-local", ranges: [[{ subnet: "10.1.0.0/24" }]] } },
  })),
  ...CNI_VERSIONS.map((cniVersion) => ({
    name: `${cniVersion}: layer 2`,
    cniVersion,
    config: L2,
    differences: layer2(cniVersion),
  })),
  { name: "no version", cniVersion: undefined, config: RICH },
  { name: "an empty version", cniVersion: "", config: RICH },
  { name: "a version that nobody knows", cniVersion: "9.9.9" },
  { name: "a version that is no version", cniVersion: "new" },
  {
    name: "0.2.0: two addresses of one family",
    cniVersion: "0.2.0",
    config: { ipam: ipamOf("10.1.0.0/24", "10.2.0.0/24") },
  },
];

/** Before 0.3.0 it is refused, CHECK came with 0.4.0. */
function layer2(cniVersion: string): Difference[] {
  if (cniVersion < "0.3.0") return [];
  return cniVersion < "0.4.0" ? LAYER_2.filter(({ where }) => where !== "CHECK") : LAYER_2;
}
