// The link of an attachment, made from its configuration. Pure.
import type { PodAddress } from "../attachment/attachment.ts";
import type { FormerDevice } from "../attachment/device.ts";
import type { AttachedHostPorts } from "../attachment/host-ports.ts";
import type {
  BridgePortLink,
  DeviceLink,
  HostEnd,
  Link,
  PodInterface,
  PortVlans,
} from "../attachment/link.ts";
import { macOfAddresses, ownerOfMac } from "../attachment/mac.ts";
import { hostInterfaceName } from "../attachment/name.ts";
import type { Way } from "../cni/attach.ts";
import type { AttachmentKey } from "../cni/attachment-key.ts";
import type { Netconf } from "../cni/config.ts";
import { CniError } from "../cni/error.ts";
import { formatAddress } from "../ip/address.ts";

/** The facts that decide a link. */
export interface LinkInput {
  netconf: Netconf;
  key: AttachmentKey;
  addresses: PodAddress[];
  /** As in Known. */
  bridgeMtu: number | undefined;
  /** As in Known. */
  device?: FormerDevice | undefined;
  macs: { host: string; pod: string };
  hostPorts: AttachedHostPorts | undefined;
}

/** The link of the attachment. Throws CniError 7 for a requested MAC that belongs to another pod. */
export function linkOf(input: LinkInput): Link {
  const { netconf, bridgeMtu } = input;
  const ofPod = { pod: podInterfaceOf(input), mtu: linkMtu(netconf, bridgeMtu) };
  return LINKS[netconf.attach](input, ofPod);
}

/** The link of each way, with what all of them have. */
const LINKS: { readonly [Each in Way]: (input: LinkInput, ofPod: Pick<Link, "pod" | "mtu">) => Link } = {
  bridge: (input, ofPod) => ({ ...bridgePortOf(input), host: hostEndOf(input), ...ofPod }),
  ptp: (input, ofPod) => ({ kind: "routedPair", host: hostEndOf(input), ...ofPod }),
  wire: (_, ofPod) => ({ kind: "wire", ...ofPod }),
  device: (input) => deviceLinkOf(input),
};

/** The device keeps MAC and MTU, unless others are asked for. */
function deviceLinkOf({ netconf, key, device, macs }: LinkInput): DeviceLink {
  const former = device ?? { ...UNKNOWN_DEVICE, mac: macs.pod };
  const pod = {
    name: key.interfaceName,
    mac: netconf.mac ?? former.mac,
    isRaised: !netconf.disableContainerInterface,
  };
  const mtu = netconf.mtu > 0 ? netconf.mtu : device?.mtu;
  return { kind: "device", pod, mtu, former };
}

/** The device of an attachment that another program made, of which only the result tells. */
const UNKNOWN_DEVICE: FormerDevice = {
  name: "",
  mac: "",
  mtu: 0,
  up: false,
  promiscuous: false,
  allMulticast: false,
  txQueueLength: 0,
  alias: "",
  addresses: [],
  permanentMac: undefined,
  busPath: undefined,
};

/** The interface of the node where packets of the pod to others come in. */
export function entryName(netconf: Netconf, key: AttachmentKey): string {
  return netconf.gatewayInterface ?? hostInterfaceName(key);
}

function hostEndOf({ netconf, key, macs }: LinkInput): HostEnd {
  const { attach, foreignIpam, disableContainerInterface } = netconf;
  // The plugin dhcp sends by the pod's end before Pontoon raises it.
  const isRaisedFirst = attach === "bridge" && (disableContainerInterface || foreignIpam !== undefined);
  return { name: hostInterfaceName(key), mac: macs.host, isRaisedFirst };
}

function podInterfaceOf({ netconf, key, addresses, macs }: LinkInput): PodInterface {
  return {
    name: key.interfaceName,
    mac: podMac(netconf, addresses) ?? macs.pod,
    isRaised: !netconf.disableContainerInterface,
  };
}

function bridgePortOf({ netconf, key, hostPorts }: LinkInput): Omit<BridgePortLink, "host" | "pod" | "mtu"> {
  const { bridge, promiscMode, hasVlans } = netconf;
  return {
    kind: "bridgePort",
    bridge: { name: bridge, promiscuous: promiscMode, filtersVlans: hasVlans },
    gatewayInterface: entryName(netconf, key),
    hairpin: netconf.hairpinMode || hostPorts?.hairpin === true,
    isolated: netconf.portIsolation || netconf.ingressPolicy === "isolated",
    hasFixedMac: netconf.macspoofchk,
    vlans: hasVlans ? portVlans(netconf) : undefined,
  };
}

/** The MTU of the link, at most what the bridge allows: other ports would lose larger packets. */
function linkMtu({ mtu }: Netconf, bridgeMtu: number | undefined): number | undefined {
  return mtu > 0 && bridgeMtu !== undefined && mtu < bridgeMtu ? mtu : bridgeMtu;
}

/** The VLAN of a trunk for packets without a tag, as in the reference. */
const TRUNK_NATIVE_VLAN = 1;

function portVlans({ vlan, vlanTrunk, preserveDefaultVlan }: Netconf): PortVlans {
  const native = vlan === 0 ? TRUNK_NATIVE_VLAN : vlan;
  return { native, tagged: vlanTrunk, keepOthers: preserveDefaultVlan };
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
