// Input for the plans: a pod of a dual-stack network, and what a test wants to be different.
import type { Attachment, PodAddress } from "../../../src/attachment/attachment.ts";
import { type Netconf, parseNetconf } from "../../../src/cni/config.ts";
import type { Route } from "../../../src/cni/result.ts";
import { describe, type Given, type Known } from "../../../src/plan/describe.ts";
import type { StepName, StepOf } from "../../../src/plan/step.ts";
import { stepOf, stepsOf } from "../../../src/plan/steps.ts";
import { address, prefix } from "../../support/ip.ts";
import { type OnBridge, onBridge } from "../../support/on-bridge.ts";

export const KEY = { network: "net", containerId: "c1", interfaceName: "eth0" };

/** `10.1.0.2/24 10.1.0.1` or `10.1.0.2/24`: address and perhaps a gateway. */
export function podAddress(text: string): PodAddress {
  const [own = "", gateway] = text.split(" ");
  return { address: prefix(own), gateway: gateway === undefined ? undefined : address(gateway) };
}

/**
 * `0.0.0.0/0` or `0.0.0.0/0 10.1.0.7`: destination and perhaps a gateway, with what else a route may have.
 */
export function route(text: string, more: Partial<Route> = {}): Route {
  const [dst = "", gw] = text.split(" ");
  return { dst: prefix(dst), ...(gw === undefined ? {} : { gw: address(gw) }), ...more };
}

export const V4 = "10.1.0.2/24 10.1.0.1";
export const V6 = "fd01::2/64 fd01::1";

/** A configuration without any key of its own. */
const PLAIN = parseNetconf('{ "cniVersion": "1.1.0", "name": "net" }', "ADD");

/** What a test wants a configuration to say: fields, routes of `ipam`, and the subnet of each range set. */
export type Wishes = Partial<Netconf> & { routes?: Route[]; subnets?: string[] };

/** A network whose bridge is its gateway, with built-in IPAM. */
export function netconf({ routes = [], subnets = [], ...more }: Wishes = {}): Netconf {
  const { attach = "bridge", bridge = "br0", isGateway = true, vlan = 0, vlanTrunk = [] } = more;
  const entry = vlan === 0 || !isGateway ? bridge : `${bridge}.${vlan}`;
  const range = (text: string) => {
    const subnet = prefix(text);
    return { subnet, first: subnet.address, last: subnet.address, gateway: subnet.address };
  };
  return {
    ...PLAIN,
    bridge,
    isGateway,
    gatewayInterface: attach === "bridge" ? entry : undefined,
    hasVlans: vlan !== 0 || vlanTrunk.length > 0,
    ipam: {
      type: "host-local",
      rangeSets: subnets.map((text) => [range(text)]),
      routes,
      dataDir: "/d",
      resolvConf: undefined,
      statusWhenFull: false,
    },
    ...more,
  };
}

/** What is known of the attachment before its addresses are, on a bridge with an MTU of 1500. */
export function known(wishes: Wishes = {}, more: Partial<Known> = {}): Known {
  return {
    netconf: netconf(wishes),
    key: KEY,
    host: { bootId: "b", hostCookie: "1" },
    namespace: { path: "/run/netns/c1", cookie: "2" },
    pod: undefined,
    leaseDirectory: "/d/net",
    bridgeMtu: 1500,
    macs: { host: "0a:00:00:00:00:02", pod: "0a:00:00:00:00:03", ifb: "0a:00:00:00:00:04" },
    isFiltered: { 4: false, 6: false },
    ...more,
  };
}

/** The attachment that an ADD describes for such a network, with the routes of its configuration. */
export function anyAttachmentOf(
  wishes: Wishes = {},
  addresses: readonly string[] = [V4],
  more: Partial<Known & Given> = {},
): Attachment {
  const { routes = wishes.routes ?? [], ...rest } = more;
  return describe(known(wishes, rest), { addresses: addresses.map(podAddress), routes });
}

/** The attachment of a network with a bridge. */
export function attachmentOf(...facts: Parameters<typeof anyAttachmentOf>): OnBridge {
  return onBridge(anyAttachmentOf(...facts));
}

/** The step of a kind, which has to be there. */
export function theStep<Name extends StepName>(name: Name, attachment: Attachment): StepOf<Name> {
  const step = stepOf(name, attachment);
  if (step === undefined) throw new Error(`The attachment has no step ${name}.`);
  return step;
}

/** The kinds of the attachment's steps, in their order. */
export function kindsOf(attachment: Attachment): StepName[] {
  return stepsOf(attachment).map(({ kind }) => kind);
}
