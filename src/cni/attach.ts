// The way in which pods are attached (key `attach`), and the keys that make no sense for some ways.
import type { Shape } from "./netconf-keys.ts";
import type { Problems } from "./problems.ts";

/**
 * `bridge`: a veth pair with the host's end as a port of a bridge. `ptp`: a veth pair between pod and node
 * without a bridge. `wire`: a veth pair between the two pods of a network. `device`: a device of the node
 * that is moved into the pod.
 */
export type Way = "bridge" | "ptp" | "wire" | "device";

const WAYS: readonly Way[] = ["bridge", "ptp", "wire", "device"];

/** The way that a value of the key names; bridge where it names none, or is wrong. */
export function wayOf(value: unknown): Way {
  return WAYS.find((each) => each === value) ?? "bridge";
}

/** The way that the configuration names; bridge where it names none. Reports any other. */
export function readWay(shape: Shape, problems: Problems): Way {
  const { attach } = shape;
  const way = wayOf(attach);
  if (attach !== undefined && way !== attach) problems.add("attach", attach, `must be ${listed(WAYS)}`);
  return way;
}

function listed(words: readonly string[]): string {
  const quoted = words.map((word) => JSON.stringify(word));
  return `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
}

type Refused = { readonly [Key in keyof Shape]?: string };

const NO_BRIDGE = "there is no bridge";
const NO_NODE = "the node is not on the wire, so it cannot be the gateway; give ipam.routes a gw instead";
const NOT_SEEN = "no packet passes the node, so it can neither translate nor drop any";
const NO_HOST_PORTS = "no packet passes the node, so no port of it leads to the pod";
const NO_LIMITS = "no packet passes the node, where a limit would be";

const STAYS = 'the node\'s devices stay where they are; "attach": "device" moves one into the pod';

/** The keys that name a device, for the ways that make an interface of their own. */
const NO_DEVICE = {
  device: STAYS,
  devices: STAYS,
  hwaddr: STAYS,
  kernelpath: STAYS,
  pciBusID: STAYS,
  force: "no device is taken from the node",
} as const satisfies Refused;

const NODE_IS_PAST = "packets of the pod pass by its device and not through the node";
const NO_END = "the pod's interface has no end on the node where that could be done";
const NO_PORTS = "packets to a host port cannot get from the node to the pod";

/** The keys that are refused, by way, with the reason. A flag that is false is absent. */
const REFUSED: { readonly [Each in Way]: Refused } = {
  bridge: NO_DEVICE,
  device: {
    bridge: NO_BRIDGE,
    isGateway: NODE_IS_PAST,
    isDefaultGateway: `${NODE_IS_PAST}; a default route stands in ipam.routes`,
    forceAddress: "only addresses of a bridge can stand in the way",
    ipMasq: NODE_IS_PAST,
    ipMasqBackend: NODE_IS_PAST,
    hairpinMode: NO_BRIDGE,
    promiscMode: `${NO_BRIDGE}; "promisc" makes the pod's interface promiscuous`,
    portIsolation: NO_BRIDGE,
    macspoofchk: NO_END,
    ipspoofchk: NO_END,
    ingressPolicy: NODE_IS_PAST,
    vlan: NO_BRIDGE,
    vlanTrunk: NO_BRIDGE,
    preserveDefaultVlan: NO_BRIDGE,
    ingressRate: NO_END,
    ingressBurst: NO_END,
    egressRate: NO_END,
    egressBurst: NO_END,
    egressInPod: NO_END,
    snat: NO_PORTS,
    masqAll: NO_PORTS,
    markMasqBit: NO_PORTS,
    externalSetMarkChain: NO_PORTS,
    conditionsV4: NO_PORTS,
    conditionsV6: NO_PORTS,
    allowListening: NO_PORTS,
    compat: NO_PORTS,
  },
  ptp: {
    ...NO_DEVICE,
    bridge: NO_BRIDGE,
    forceAddress: "only addresses of a bridge can stand in the way",
    hairpinMode: "a pod reaches itself by the node, which needs no setting",
    promiscMode: NO_BRIDGE,
    portIsolation: 'pods reach each other by the node alone; "ingressPolicy": "isolated" keeps them apart',
    enabledad: "nobody but the node is on the pair, so an address cannot be there twice",
    disableContainerInterface: "the node routes to the addresses of the pod, so the interface must be up",
    vlan: NO_BRIDGE,
    vlanTrunk: NO_BRIDGE,
    preserveDefaultVlan: NO_BRIDGE,
  },
  wire: {
    ...NO_DEVICE,
    bridge: NO_BRIDGE,
    isGateway: NO_NODE,
    isDefaultGateway: NO_NODE,
    forceAddress: "only addresses of a bridge can stand in the way",
    ipMasq: NOT_SEEN,
    ipMasqBackend: NOT_SEEN,
    hairpinMode: "there is no port by which a pod's packets could come back",
    promiscMode: NO_BRIDGE,
    portIsolation: "a wire joins its two pods and nobody else",
    macspoofchk: NOT_SEEN,
    ipspoofchk: NOT_SEEN,
    ingressPolicy: NOT_SEEN,
    enabledad: "the first pod of a wire has nobody yet to ask whether an address is taken",
    vlan: NO_BRIDGE,
    vlanTrunk: NO_BRIDGE,
    preserveDefaultVlan: NO_BRIDGE,
    ingressRate: NO_LIMITS,
    ingressBurst: NO_LIMITS,
    egressRate: NO_LIMITS,
    egressBurst: NO_LIMITS,
    egressInPod: NO_LIMITS,
    snat: NO_HOST_PORTS,
    masqAll: NO_HOST_PORTS,
    markMasqBit: NO_HOST_PORTS,
    externalSetMarkChain: NO_HOST_PORTS,
    conditionsV4: NO_HOST_PORTS,
    conditionsV6: NO_HOST_PORTS,
    allowListening: NO_HOST_PORTS,
    compat: NO_HOST_PORTS,
  },
};

/** The requests of a runtime for a pod that are refused, by way, with the reason. */
const REFUSED_REQUESTS: {
  readonly [Each in Way]: { readonly [Key in keyof NonNullable<Shape["runtimeConfig"]>]?: string };
} = {
  bridge: { deviceID: STAYS },
  ptp: { deviceID: STAYS },
  wire: { deviceID: STAYS, bandwidth: NO_LIMITS, portMappings: NO_HOST_PORTS },
  device: { portMappings: NO_PORTS, bandwidth: NO_END },
};

/** True for a way on which ranges have no gateway, so that all of their addresses are for pods. */
export function isWithoutGateway(way: unknown): boolean {
  return way === "wire";
}

/** Reports keys that make no sense for the way. */
export function refuseSenselessKeys(way: Way, shape: Shape, problems: Problems): void {
  const refuse = (path: string, value: unknown, why: string): void => {
    if (!isAbsent(value))
      problems.add(path, value, `makes no sense with "attach": "${way}": ${why}; take one of the two out`);
  };
  for (const [key, why] of Object.entries(REFUSED[way])) refuse(key, shape[key as keyof Shape], why);
  const requests: { readonly [key: string]: unknown } = shape.runtimeConfig ?? {};
  for (const [key, why] of Object.entries(REFUSED_REQUESTS[way]))
    refuse(`runtimeConfig.${key}`, requests[key], why);
}

function isAbsent(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.values(value).every(isAbsent);
  return value === undefined || value === null || value === false || value === 0 || value === "";
}

/** The plugin that asks a server on the bridge, in the pod's name. */
const DHCP = "dhcp";

/** The reasons why a way needs an IPAM, and why it cannot have that plugin. */
const IPAM_REFUSED: { readonly [Each in Way]: { withoutAny?: string; withDhcp?: string } } = {
  bridge: {},
  device: {},
  ptp: {
    withoutAny: "the node routes to the addresses of pods",
    withDhcp: "no DHCP server is on the pair",
  },
  wire: { withDhcp: "the first pod of a wire has nobody yet who could answer" },
};

/** Reports an IPAM that does not fit the way. */
export function checkIpamOfWay(
  way: Way,
  { hasIpam, foreignIpam }: { hasIpam: boolean; foreignIpam: string | undefined },
  problems: Problems,
): void {
  if (problems.concern("ipam")) return;
  const { withoutAny, withDhcp } = IPAM_REFUSED[way];
  if (withoutAny !== undefined && !hasIpam && foreignIpam === undefined)
    problems.addAt("ipam", `is missing: with "attach": "${way}" ${withoutAny}`);
  if (withDhcp !== undefined && foreignIpam === DHCP)
    problems.add("ipam.type", DHCP, `makes no sense with "attach": "${way}": ${withDhcp}`);
}
