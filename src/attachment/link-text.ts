// The link of an attachment as its record has it, and back. Fields that are false or undefined are left out.
import { formatFormerDevice, readFormerDevice } from "./device-text.ts";
import { Damaged, type Fields, isCount, isFields, isListOf, readFlag, Unknown } from "./field.ts";
import {
  type BridgePortLink,
  type DeviceLink,
  type HostEnd,
  hostEndOf,
  type Link,
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
    ...ownFields(link),
  };
}

/** The fields that only one kind of links has, or writes in another way. */
function ownFields(link: Link): object {
  switch (link.kind) {
    case "bridgePort":
      return formatPort(link);
    case "device":
      return { former: formatFormerDevice(link.former) };
    case "routedPair":
    case "wire":
      return {};
  }
}

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
  const { bridge, gatewayInterface, host, pod, mtu, vlans } = fields;
  if (typeof gatewayInterface !== "string" || !isCount(mtu)) throw new Damaged();
  if (vlans !== undefined && !arePortVlans(vlans)) throw new Damaged();
  return {
    kind: "bridgePort",
    bridge: readBridge(bridge),
    gatewayInterface,
    host: readHost(host),
    pod: readPod(pod),
    mtu,
    hairpin: readFlag(fields["hairpin"]),
    isolated: readFlag(fields["isolated"]),
    hasFixedMac: readFlag(fields["hasFixedMac"]),
    vlans,
  };
}

function readBridge(value: unknown): BridgePortLink["bridge"] {
  if (!isFields(value)) throw new Damaged();
  const { name } = value;
  if (typeof name !== "string") throw new Damaged();
  return {
    name,
    promiscuous: readFlag(value["promiscuous"]),
    filtersVlans: readFlag(value["filtersVlans"]),
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

function readHost(value: unknown): HostEnd {
  if (!isEnd(value)) throw new Damaged();
  return { name: value.name, mac: value.mac, isRaisedFirst: readFlag(value["isRaisedFirst"]) };
}

function readPod(value: unknown): PodInterface {
  if (!isEnd(value)) throw new Damaged();
  return { name: value.name, mac: value.mac, isRaised: !readFlag(value["isDown"]) };
}

function isEnd(value: unknown): value is Fields & { name: string; mac: string } {
  return isFields(value) && typeof value["name"] === "string" && typeof value["mac"] === "string";
}

function arePortVlans(value: unknown): value is PortVlans {
  return (
    isFields(value) &&
    isCount(value["native"]) &&
    typeof value["keepOthers"] === "boolean" &&
    isListOf(value["tagged"], isRange)
  );
}

function isRange(value: unknown): boolean {
  return isFields(value) && isCount(value["first"]) && isCount(value["last"]);
}
