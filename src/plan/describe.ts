// The description of an attachment, made from the request, the reservation and the observations. Pure.
import type { Attachment, HostIdentity, NamespaceIdentity, PodAddress } from "../attachment/attachment.ts";
import { VERSION } from "../attachment/attachment.ts";
import type { FormerDevice } from "../attachment/device.ts";
import type { AttachedHostPorts } from "../attachment/host-ports.ts";
import type { AttachmentKey } from "../cni/attachment-key.ts";
import { needsIfb } from "../cni/bandwidth.ts";
import type { Netconf } from "../cni/config.ts";
import type { Route } from "../cni/result.ts";
import { type FilteredFamilies, planHostPorts } from "./host-port.ts";
import { linkOf } from "./link.ts";
import type { PortListener } from "./listener.ts";
import { networkSubnets, otherGateways } from "./network.ts";
import { resultRoutes } from "./route.ts";

/** The facts about an attachment before its addresses are known. */
export interface Known {
  netconf: Netconf;
  key: AttachmentKey;
  host: HostIdentity;
  namespace: NamespaceIdentity;
  pod: string | undefined;
  leaseDirectory: string | undefined;
  /** Bytes: the largest MTU that the bridge, or without one the way out, allows; undefined: not known. */
  bridgeMtu: number | undefined;
  /** The device of the node that the pod gets; undefined: none, or not known. */
  device?: FormerDevice | undefined;
  /**
   * Random MACs, chosen once for the attachment. The pod's random MAC counts when neither a request nor an
   * address gives one.
   */
  macs: { host: string; pod: string; ifb: string };
  isFiltered: FilteredFamilies;
  /** The listeners on host ports that are asked for; undefined: there is none. */
  listeners?: readonly PortListener[] | undefined;
}

/** The IPAM plugin that asks a server on the bridge, in the pod's name, for as long as the pod lives. */
const DHCP = "dhcp";

/** The addresses, routes and other answers of IPAM. */
export interface Given {
  addresses: PodAddress[];
  routes: Route[];
}

interface DescribeInput extends Known, Given {
  hostPorts: AttachedHostPorts | undefined;
}

/**
 * The attachment. Throws CniError 7 for a requested MAC that belongs to another pod, and for host ports that
 * cannot lead anywhere.
 */
export function describe(known: Known, given: Given): Attachment {
  const { netconf, key, isFiltered, listeners } = known;
  const { addresses } = given;
  const config = netconf.hostPorts;
  const hostPorts = config && planHostPorts({ config, netconf, addresses, isFiltered, listeners, key });
  const input = { ...known, ...given, hostPorts };
  const { bandwidth } = netconf;
  return {
    version: VERSION,
    key,
    host: input.host,
    namespace: input.namespace,
    pod: input.pod,
    leaseDirectory: input.leaseDirectory,
    link: linkOf(input),
    addresses,
    routes: resultRoutes(input.routes, addresses, netconf.isDefaultGateway),
    detectsDuplicates: netconf.enabledad,
    gateway: gatewayOf(netconf, addresses),
    masquerade: masqueradeOf(input),
    spoofCheck: netconf.macspoofchk,
    addressCheck: netconf.ipspoofchk ? { asksDhcp: netconf.foreignIpam === DHCP } : undefined,
    ingressPolicy: netconf.ingressPolicy,
    bandwidth: bandwidth && { ...bandwidth, ifbMac: needsIfb(bandwidth) ? input.macs.ifb : undefined },
    sourceRouting: netconf.sourceBasedRouting,
    tuning: netconf.tuning,
    hostPorts,
  };
}

/**
 * An attachment that was begun without addresses, completed by the addresses of its foreign IPAM plugin. Its
 * link stays as it was made.
 */
export function withAddresses(begun: Attachment, known: Known, given: Given): Attachment {
  const { hostPorts, ...described } = describe(known, given);
  const hairpin = begun.hostPorts?.hairpin === true;
  return { ...described, link: begun.link, hostPorts: hostPorts && { ...hostPorts, hairpin } };
}

function gatewayOf(netconf: Netconf, addresses: PodAddress[]): Attachment["gateway"] {
  if (!netconf.isGateway) return undefined;
  const others = otherGateways(netconf, addresses);
  return { force: netconf.forceAddress, ...(others.length === 0 ? {} : { ofOtherRanges: others }) };
}

/** The masquerading of a pod; none without an address. */
function masqueradeOf({ netconf, addresses }: DescribeInput): Attachment["masquerade"] {
  const { ipMasq, ipMasqBackend: backend, disableContainerInterface } = netconf;
  if (!ipMasq || addresses.length === 0 || disableContainerInterface) return undefined;
  return { backend, subnets: networkSubnets(netconf, addresses) };
}
