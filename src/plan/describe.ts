// The description of an attachment, made from the request, the reservation and the observations. Pure.
import type {
  Attachment,
  BridgePortLink,
  HostIdentity,
  NamespaceIdentity,
  PodAddress,
  PortVlans,
} from "../attachment/attachment.ts";
import { VERSION } from "../attachment/attachment.ts";
import type { AttachedHostPorts } from "../attachment/host-ports.ts";
import { macOfAddresses, ownerOfMac } from "../attachment/mac.ts";
import { hostInterfaceName } from "../attachment/name.ts";
import type { AttachmentKey } from "../cni/attachment-key.ts";
import { needsIfb } from "../cni/bandwidth.ts";
import type { Netconf } from "../cni/config.ts";
import { CniError } from "../cni/error.ts";
import type { Route } from "../cni/result.ts";
import { formatAddress } from "../ip/address.ts";
import { type FilteredFamilies, planHostPorts } from "./host-port.ts";
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
  /** Bytes: the largest MTU that the bridge allows a port; undefined where it is not known. */
  bridgeMtu: number | undefined;
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
  const { containerId } = key;
  const hostPorts =
    config && planHostPorts({ config, netconf, addresses, isFiltered, listeners, containerId });
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

function linkOf({ netconf, key, addresses, bridgeMtu, macs, hostPorts }: DescribeInput): BridgePortLink {
  const { bridge, promiscMode, hasVlans, gatewayInterface, foreignIpam, disableContainerInterface } = netconf;
  return {
    kind: "bridgePort",
    bridge: { name: bridge, promiscuous: promiscMode, filtersVlans: hasVlans },
    gatewayInterface,
    host: {
      name: hostInterfaceName(key),
      mac: macs.host,
      // The plugin dhcp sends by the pod's end before Pontoon raises it.
      isRaisedFirst: disableContainerInterface || foreignIpam !== undefined,
    },
    pod: {
      name: key.interfaceName,
      mac: podMac(netconf, addresses) ?? macs.pod,
      isRaised: !disableContainerInterface,
    },
    mtu: portMtu(netconf, bridgeMtu),
    hairpin: netconf.hairpinMode || hostPorts?.hairpin === true,
    isolated: netconf.portIsolation || netconf.ingressPolicy === "isolated",
    hasFixedMac: netconf.macspoofchk,
    vlans: hasVlans ? portVlans(netconf) : undefined,
  };
}

function gatewayOf(netconf: Netconf, addresses: PodAddress[]): Attachment["gateway"] {
  if (!netconf.isGateway) return undefined;
  const others = otherGateways(netconf, addresses);
  return { force: netconf.forceAddress, ...(others.length === 0 ? {} : { ofOtherRanges: others }) };
}

/** The MTU of the port, at most what the bridge allows: other ports would lose larger packets. */
function portMtu({ mtu }: Netconf, bridgeMtu: number | undefined): number | undefined {
  return mtu > 0 && bridgeMtu !== undefined && mtu < bridgeMtu ? mtu : bridgeMtu;
}

/** The VLAN of a trunk for packets without a tag, as in the reference. */
const TRUNK_NATIVE_VLAN = 1;

function portVlans({ vlan, vlanTrunk, preserveDefaultVlan }: Netconf): PortVlans {
  const native = vlan === 0 ? TRUNK_NATIVE_VLAN : vlan;
  return { native, tagged: vlanTrunk, keepOthers: preserveDefaultVlan };
}

/** The masquerading of a pod; none without an address. */
function masqueradeOf({ netconf, addresses }: DescribeInput): Attachment["masquerade"] {
  const { ipMasq, ipMasqBackend: backend, disableContainerInterface } = netconf;
  if (!ipMasq || addresses.length === 0 || disableContainerInterface) return undefined;
  return { backend, subnets: networkSubnets(netconf, addresses) };
}

/** The MAC that is requested, or that follows the addresses; undefined: a random MAC will do. */
function podMac(netconf: Netconf, addresses: PodAddress[]): string | undefined {
  const { mac } = netconf;
  if (mac === undefined) return macOfAddresses(addresses);
  const owner = ownerOfMac(mac, netconf, addresses);
  if (owner === undefined) return mac;
  // Two pods of a bridge with one MAC would take each other's frames.
  throw new CniError("invalidConfig", {
    about: `the MAC ${mac} belongs to the pod with the address ${formatAddress(owner)}`,
    cause: "a pod's MAC is 0a:58 and its IPv4 address unless another one is asked for",
    hint: `Ask for a MAC that begins otherwise, or for the address ${formatAddress(owner)} too`,
  });
}
