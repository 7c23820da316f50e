// The way in which pods are attached (key `attach`), and the keys that make no sense for some ways.
import type { Shape } from "./netconf-keys.ts";
import type { Problems } from "./problems.ts";

/**
 * `bridge`: a veth pair with the host's end as a port of a bridge. `ptp`: a veth pair between pod and node
 * without a bridge.
 */
export type Way = "bridge" | "ptp";

const WAYS: readonly Way[] = ["bridge", "ptp"];

/** The way that the configuration names; bridge where it names none. Reports any other. */
export function readWay(shape: Shape, problems: Problems): Way {
  const { attach } = shape;
  const way = attach === undefined ? "bridge" : WAYS.find((each) => each === attach);
  if (way === undefined) problems.add("attach", attach, `must be ${listed(WAYS)}`);
  return way ?? "bridge";
}

/**
 * True for the value of a configuration whose pods are on a bridge, however it is written: for a DEL and a GC
 * whatever names no other way is the default.
 */
export function isOnBridge(attach: unknown): boolean {
  return attach === "bridge" || !WAYS.some((way) => way === attach);
}

function listed(words: readonly string[]): string {
  return words.map((word) => JSON.stringify(word)).join(" or ");
}

const NO_BRIDGE = "there is no bridge";

/** The keys that are refused, by way, with the reason. A flag that is false is absent. */
const REFUSED: { readonly [Each in Way]: { readonly [Key in keyof Shape]?: string } } = {
  bridge: {},
  ptp: {
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
};

/** Reports keys that make no sense for the way. */
export function refuseSenselessKeys(way: Way, shape: Shape, problems: Problems): void {
  for (const [key, why] of Object.entries(REFUSED[way])) {
    const value = shape[key as keyof Shape];
    if (value === undefined || value === false || value === 0) continue;
    problems.add(key, value, `makes no sense with "attach": "${way}": ${why}; take one of the two out`);
  }
}

/** The plugin that asks a server on the bridge, in the pod's name. */
const DHCP = "dhcp";

/** Reports an IPAM that does not fit the way. */
export function checkIpamOfWay(
  way: Way,
  { hasIpam, foreignIpam }: { hasIpam: boolean; foreignIpam: string | undefined },
  problems: Problems,
): void {
  if (way === "bridge" || problems.concern("ipam")) return;
  if (!hasIpam && foreignIpam === undefined)
    problems.addAt("ipam", `is missing: with "attach": "${way}" the node routes to the addresses of pods`);
  if (foreignIpam === DHCP)
    problems.add("ipam.type", DHCP, `makes no sense with "attach": "${way}": no DHCP server is on the pair`);
}
