// The link of an attachment as its record has it, and back. Fields that are false or undefined are left out.
import { formatFormerDevice, readFormerDevice } from "./device-text.ts";
import { Damaged, type Fields, hasFlags, hasTexts, isCount, isFields, Unknown } from "./field.ts";
import {
  type BridgePortLink,
  type DeviceLink,
  type HostEnd,
  hostEndOf,
  type Link,
  type LinkKind,
  type PodInterface,
  type PortVlans,
  type RoutedPairLink,
  type WireLink,
} from "./link.ts";

/** The link as a plain object for JSON. */
export function formatLink(link: Link): object {
  const host = hostEndOf(link);
  return {
    ...link,
    host: host && formatHost(host),
    pod: formatPod(link.pod),
    ...OWN_FIELDS[link.kind](link),
  };
}

/** The fields that only one kind of links has, or writes in another way. */
const OWN_FIELDS: { readonly [Kind in LinkKind]: (link: Link) => object } = {
  bridgePort: (link) => (link.kind === "bridgePort" ? formatPort(link) : {}),
  routedPair: () => ({}),
  wire: () => ({}),
  device: (link) => (link.kind === "device" ? { former: formatFormerDevice(link.former) } : {}),
};

function formatPort({ bridge, hairpin, isolated, hasFixedMac }: BridgePortLink): object {
  return {
    bridge: {
      name: bridge.name,
      promiscuous: bridge.promiscuous || undefined,
      filtersVlans: bridge.filtersVlans || undefined,
    },
    hairpin: hairpin || undefined,
    isolated: isolated || undefined,
    hasFixedMac: hasFixedMac || undefined,
  };
}

function formatHost({ name, mac, isRaisedFirst }: HostEnd): object {
  return { name, mac, isRaisedFirst: isRaisedFirst || undefined };
}

function formatPod({ name, mac, isRaised }: PodInterface): object {
  return { name, mac, isDown: !isRaised || undefined };
}

/** A word that a later Pontoon may have for a kind of links. */
const KIND = /^[a-z][A-Za-z0-9]{0,30}$/;

/**
 * The link that a record has. Throws Unknown for a kind of links that is not known, and Damaged for anything
 * else.
 */
export function readLink(value: unknown): Link {
  if (!isFields(value)) throw new Damaged();
  switch (value["kind"]) {
    case "bridgePort":
      return readBridgePort(value);
    case "routedPair":
      return readRoutedPair(value);
    case "wire":
      return readWire(value);
    case "device":
      return readDevice(value);
    default:
      throw isKind(value["kind"])
        ? new Unknown(`a link of the kind ${JSON.stringify(value["kind"])}`)
        : new Damaged();
  }
}

function isKind(kind: unknown): boolean {
  return typeof kind === "string" && KIND.test(kind);
}

/** Each field is read by name, so that a field of the link that is not read here does not compile. */
function readBridgePort(fields: Fields): BridgePortLink {
  const { bridge, gatewayInterface, host, pod, mtu, hairpin, isolated, hasFixedMac, vlans } = fields;
  const isWhole =
    hasFlags(bridge, "promiscuous", "filtersVlans") &&
    hasFlags(fields, "hairpin", "isolated", "hasFixedMac") &&
    (vlans === undefined || arePortVlans(vlans));
  if (!isWhole || !isNamed(bridge)) throw new Damaged();
  if (typeof gatewayInterface !== "string" || !isCount(mtu)) throw new Damaged();
  return {
    kind: "bridgePort",
    bridge: {
      name: bridge.name,
      promiscuous: bridge["promiscuous"] === true,
      filtersVlans: bridge["filtersVlans"] === true,
    },
    gatewayInterface,
    host: readHost(host),
    pod: readPod(pod),
    mtu,
    hairpin: hairpin === true,
    isolated: isolated === true,
    hasFixedMac: hasFixedMac === true,
    vlans,
  };
}

function readRoutedPair({ host, pod, mtu }: Fields): RoutedPairLink {
  if (!isCount(mtu)) throw new Damaged();
  return { kind: "routedPair", host: readHost(host), pod: readPod(pod), mtu };
}

function readWire({ pod, mtu }: Fields): WireLink {
  if (!isCount(mtu)) throw new Damaged();
  return { kind: "wire", pod: readPod(pod), mtu };
}

function readDevice({ pod, mtu, former }: Fields): DeviceLink {
  if (!isCount(mtu)) throw new Damaged();
  return { kind: "device", pod: readPod(pod), mtu, former: readFormerDevice(former) };
}

function readHost(host: unknown): HostEnd {
  if (!isEnd(host) || !hasFlags(host, "isRaisedFirst")) throw new Damaged();
  return { name: host.name, mac: host.mac, isRaisedFirst: host["isRaisedFirst"] === true };
}

function readPod(pod: unknown): PodInterface {
  if (!isEnd(pod) || !hasFlags(pod, "isDown")) throw new Damaged();
  return { name: pod.name, mac: pod.mac, isRaised: pod["isDown"] !== true };
}

function isNamed(value: unknown): value is Fields & { name: string } {
  return hasTexts(value, "name");
}

function isEnd(value: unknown): value is Fields & { name: string; mac: string } {
  return hasTexts(value, "name", "mac");
}

function arePortVlans(value: unknown): value is PortVlans {
  return (
    isFields(value) &&
    isCount(value["native"]) &&
    typeof value["keepOthers"] === "boolean" &&
    Array.isArray(value["tagged"]) &&
    value["tagged"].every((range) => isFields(range) && isCount(range["first"]) && isCount(range["last"]))
  );
}
