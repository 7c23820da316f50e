// What a runtime or a person asks for this one pod: addresses, a MAC, ranges.
import { type Difference, DUAL, ipamOf, onlyOurs, type Row } from "../row.ts";
import { LAYER_2 } from "./link.ts";

const MAC = "02:11:22:33:44:55";
const OTHER = "02:11:22:33:44:66";
const THIRD = "02:11:22:33:44:77";
const dual = { ipam: ipamOf(...DUAL) };
const LEASES = "/var/lib/cni/networks/pods";

/** A request that one half of the reference knows and the other does not. */
const HALF_KNOWN: Difference[] = [
  ...onlyOurs("We are both halves, bridge and IPAM, and know both keys of CNI_ARGS."),
  { where: "DEL", ours: "done", reference: "refused", why: "The same for DEL." },
];

export const REQUEST_ROWS: Row[] = [
  { name: "a MAC in runtimeConfig", runtimeConfig: { mac: MAC } },
  { name: "a MAC in runtimeConfig, in Pascal's case", runtimeConfig: { Mac: MAC } },
  { name: "a MAC in args", args: { mac: MAC } },
  { name: "a MAC in CNI_ARGS", cniArgs: `IgnoreUnknown=1;MAC=${MAC}` },
  { name: "a MAC in CNI_ARGS alone", cniArgs: `MAC=${MAC}`, differences: HALF_KNOWN },
  { name: "a MAC in runtimeConfig and in args", runtimeConfig: { mac: MAC }, args: { mac: OTHER } },
  { name: "a MAC in args and in CNI_ARGS", args: { mac: MAC }, cniArgs: `IgnoreUnknown=1;MAC=${OTHER}` },
  {
    name: "a MAC in all three places",
    runtimeConfig: { mac: MAC },
    args: { mac: OTHER },
    cniArgs: `IgnoreUnknown=1;MAC=${THIRD}`,
  },
  { name: "a MAC with capital letters and dashes", runtimeConfig: { mac: "02-AA-BB-CC-DD-EE" } },
  {
    name: "a MAC of a layer 2 network",
    config: { isGateway: false, ipam: undefined },
    runtimeConfig: { mac: MAC },
    differences: LAYER_2,
  },
  { name: "a MAC for all receivers", runtimeConfig: { mac: "03:11:22:33:44:55" } },
  { name: "a MAC that is none", runtimeConfig: { mac: "zz" } },
  { name: "a MAC of eight bytes", runtimeConfig: { mac: "02:11:22:33:44:55:66:77" } },
  { name: "an empty MAC", runtimeConfig: { mac: "" } },
  { name: "an address in runtimeConfig", runtimeConfig: { ips: ["10.1.0.50"] } },
  { name: "an address with a length in runtimeConfig", runtimeConfig: { ips: ["10.1.0.50/16"] } },
  {
    name: "addresses of both families in runtimeConfig",
    config: dual,
    runtimeConfig: { ips: ["fd01::50/64", "10.1.0.50/24"] },
  },
  { name: "one address of a dual-stack network", config: dual, runtimeConfig: { ips: ["fd01::50/64"] } },
  { name: "an address in args", args: { ips: ["10.1.0.50"] } },
  { name: "an address in CNI_ARGS", cniArgs: "IP=10.1.0.50;IgnoreUnknown=1" },
  { name: "an address in CNI_ARGS alone", cniArgs: "IP=10.1.0.50", differences: HALF_KNOWN },
  {
    name: "addresses in two places, one for each family",
    config: dual,
    args: { ips: ["fd01::50"] },
    cniArgs: "IP=10.1.0.50;IgnoreUnknown=1",
  },
  { name: "one address in two places", args: { ips: ["10.1.0.50"] }, runtimeConfig: { ips: ["10.1.0.50"] } },
  { name: "an address and a MAC", runtimeConfig: { ips: ["10.1.0.50"], mac: MAC } },
  { name: "no addresses in a list", runtimeConfig: { ips: [] } },
  { name: "two addresses of one range", runtimeConfig: { ips: ["10.1.0.50", "10.1.0.51"] } },
  { name: "an address outside of all ranges", runtimeConfig: { ips: ["10.9.0.50"] } },
  {
    name: "an address of the subnet outside of the range",
    config: { ipam: { type: "host-local", ranges: [[{ subnet: "10.1.0.0/24", rangeEnd: "10.1.0.9" }]] } },
    runtimeConfig: { ips: ["10.1.0.50"] },
  },
  { name: "the gateway's address", runtimeConfig: { ips: ["10.1.0.1"] } },
  {
    name: "an address that is taken",
    node: [`mkdir -p ${LEASES}`, `printf 'someone\\r\\neth0' > ${LEASES}/10.1.0.50`],
    runtimeConfig: { ips: ["10.1.0.50"] },
  },
  { name: "an address that is none", runtimeConfig: { ips: ["fifty"] } },
  { name: "an address in CNI_ARGS that is none", cniArgs: "IgnoreUnknown=1;IP=fifty" },
  { name: "addresses that are text", runtimeConfig: { ips: "10.1.0.50" } },
  {
    name: "ranges in runtimeConfig, beside others",
    runtimeConfig: { ipRanges: [[{ subnet: "10.7.0.0/24" }]] },
    config: { isGateway: false },
  },
  {
    name: "ranges in runtimeConfig alone",
    config: { ipam: { type: "host-local" } },
    runtimeConfig: { ipRanges: [[{ subnet: "10.7.0.0/24" }]] },
    differences: [
      {
        where: "DEL of blue",
        ours: "done",
        reference: "refused",
        why: "D20: blue's ADD came without ranges and was refused; its DEL has nothing to refuse.",
      },
    ],
  },
  {
    name: "ranges in runtimeConfig that are wrong",
    runtimeConfig: { ipRanges: [[{ subnet: "10.7.0.7/24" }]] },
  },
  {
    name: "ranges in runtimeConfig that overlap the network's own",
    runtimeConfig: { ipRanges: [[{ subnet: "10.1.0.0/16" }]] },
  },
  {
    name: "dns in runtimeConfig",
    runtimeConfig: { dns: { servers: ["10.1.0.53"], searches: ["a.example"], options: ["ndots:5"] } },
    differences: [
      {
        where: "result.dns.*",
        reference: "nothing",
        why: "The capability dns of the CNI conventions; the reference does not have it.",
      },
    ],
  },
  {
    name: "requests that nobody knows",
    runtimeConfig: { shape: { corners: 4 }, colour: "red" },
    args: { colour: "red" },
  },
];
