// Whether every value of a configuration is of its type: a plain answer for the plain case. The schema next
// door says the same and can explain what is wrong; a test holds the two together.
import { type Fields, isFields } from "./keys.ts";
import {
  type ArgsShape,
  type BandwidthShape,
  type DnsShape,
  explainShape,
  type IpamShape,
  type PortShape,
  type RangeShape,
  type RouteShape,
  type RuntimeShape,
  type Shape,
  type TrunkShape,
} from "./netconf-schema.ts";
import type { Problems } from "./problems.ts";

type Test = (value: unknown) => boolean;

const text: Test = (value) => typeof value === "string";
const flag: Test = (value) => typeof value === "boolean";
const whole: Test = (value) => Number.isSafeInteger(value);

const texts = listOf(text);

const RANGE: Record<keyof RangeShape, Test> = {
  subnet: text,
  rangeStart: text,
  rangeEnd: text,
  gateway: text,
};
const RANGES = listOf(listOf(objectOf(RANGE)));
const ROUTE: Record<keyof RouteShape, Test> = {
  dst: text,
  gw: text,
  mtu: whole,
  advmss: whole,
  priority: whole,
  table: whole,
  scope: whole,
};
const DNS: Record<keyof DnsShape, Test> = { nameservers: texts, domain: text, search: texts, options: texts };
const TRUNK: Record<keyof TrunkShape, Test> = { id: whole, minID: whole, maxID: whole };

const BANDWIDTH: Record<keyof BandwidthShape, Test> = {
  ingressRate: whole,
  ingressBurst: whole,
  egressRate: whole,
  egressBurst: whole,
};

const IPAM: Record<keyof IpamShape, Test> = {
  ...RANGE,
  type: text,
  ranges: RANGES,
  routes: listOf(objectOf(ROUTE)),
  dataDir: text,
  resolvConf: text,
  statusWhenFull: flag,
};

const ARGS: Record<keyof ArgsShape, Test> = { mac: text, ips: texts, sysctl: isFields };
const RUNTIME_DNS: Record<keyof NonNullable<RuntimeShape["dns"]>, Test> = {
  servers: texts,
  searches: texts,
  options: texts,
};
const PORT: Record<keyof PortShape, Test> = {
  hostPort: whole,
  hostPortEnd: whole,
  containerPort: whole,
  protocol: text,
  hostIP: text,
};
const RUNTIME: Record<keyof RuntimeShape, Test> = {
  mac: text,
  ips: texts,
  ipRanges: RANGES,
  dns: objectOf(RUNTIME_DNS),
  bandwidth: objectOf(BANDWIDTH),
  portMappings: listOf(objectOf(PORT)),
};

const NETCONF: Record<keyof Shape, Test> = {
  bridge: text,
  isGateway: flag,
  isDefaultGateway: flag,
  forceAddress: flag,
  ipMasq: flag,
  ipMasqBackend: text,
  mtu: whole,
  hairpinMode: flag,
  promiscMode: flag,
  portIsolation: flag,
  macspoofchk: flag,
  ingressPolicy: text,
  enabledad: flag,
  disableContainerInterface: flag,
  vlan: whole,
  vlanTrunk: listOf(objectOf(TRUNK)),
  preserveDefaultVlan: flag,
  ...BANDWIDTH,
  egressInPod: flag,
  sysctl: isFields,
  txQLen: whole,
  promisc: flag,
  allmulti: flag,
  mac: text,
  sourceBasedRouting: flag,
  snat: flag,
  masqAll: flag,
  markMasqBit: whole,
  externalSetMarkChain: text,
  conditionsV4: texts,
  conditionsV6: texts,
  allowListening: flag,
  compat: objectOf({ iptablesHostPortChains: flag }),
  ipam: objectOf(IPAM),
  dns: objectOf(DNS),
  args: objectOf({ cni: objectOf(ARGS) }),
  runtimeConfig: objectOf(RUNTIME),
};

const isShape = objectOf(NETCONF);

/** The fields with known types. A value of a wrong type is reported and left out of the answer. */
export function parseShape(fields: Fields, problems: Problems): Shape {
  if (isShape(fields)) return fields as Shape;
  return explainShape(fields, problems);
}

function listOf(test: Test): Test {
  return (value) => Array.isArray(value) && value.every(test);
}

/** Fields that are absent pass, and so do unknown ones. */
function objectOf(tests: { readonly [key: string]: Test }): Test {
  const keys = Object.keys(tests);
  return (value) =>
    isFields(value) && keys.every((key) => value[key] === undefined || tests[key]?.(value[key]));
}
