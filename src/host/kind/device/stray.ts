// Devices of attachments without a record: the alias tells the former name, and nothing tells the rest.
import { deviceAlias, isDeviceName, readDeviceAlias } from "../../../attachment/device.ts";
import type { AttachmentKey } from "../../../cni/attachment-key.ts";
import { type Device, getDevice, listDevices } from "../../../net/device.ts";
import type { GivenBack } from "../../kind.ts";
import type { Node } from "../../node.ts";
import type { Pod } from "../../pod.ts";
import { giveBackFrom, type Returning } from "./give-back.ts";

/** An attachment without a record. */
export interface StrayPlace {
  key: AttachmentKey;
  pod: Pod | undefined;
  /** The network's pods get devices of the node: an alias that is a name is the reference host-device's. */
  hasDevices: boolean;
}

/**
 * Gives back the attachment's device, by the alias of the pod's interface, or of one on the node where the
 * pod is gone. Its state before is not known, so it comes back down, as with the reference. Takes the node's
 * lock. Throws CniError and SystemError.
 */
export function giveBackUnrecorded(place: StrayPlace, node: Node): GivenBack {
  const { key, pod, hasDevices } = place;
  const inPod = strayInPod(place);
  if (inPod === undefined && !hasDevices) return "right";
  let outcome: GivenBack = "right";
  node.underLock(() => {
    const found = inPod ?? listDevices(node.links).find((device) => isOf(device, key));
    if (found !== undefined) outcome = giveBackFrom(inPod && pod, returningOf(found, found.name), node);
  });
  return outcome;
}

/** The pod's interface, when its alias says that it is a device of the node. Throws SystemError. */
export function strayInPod({ key, pod, hasDevices }: StrayPlace): Device | undefined {
  if (pod === undefined || pod.isHost) return undefined;
  const device = getDevice(pod.links, { name: key.interfaceName });
  if (device === undefined) return undefined;
  return isOf(device, key) || (hasDevices && isDeviceName(device.alias)) ? device : undefined;
}

/** Gives back a device that is on the node with an alias of ours. The caller holds the node's lock. */
export function giveBackStray(device: Device, node: Node): void {
  giveBackFrom(undefined, returningOf(device, device.name), node);
}

/**
 * Gives back devices on the node of stale attachments of a network that have no record. Throws CniError and
 * SystemError.
 */
export function giveBackStale(network: string, isStale: (key: AttachmentKey) => boolean, node: Node): void {
  node.underLock(() => {
    for (const device of listDevices(node.links)) {
      const key = readDeviceAlias(device.alias)?.key;
      if (key === undefined || key.network !== network || !isStale(key)) continue;
      if (node.records.getRecord(key) === undefined) giveBackStray(device, node);
    }
  });
}

function isOf({ alias }: Device, key: AttachmentKey): boolean {
  const told = readDeviceAlias(alias);
  return told !== undefined && alias === deviceAlias(key, told.formerName);
}

function returningOf(device: Device, name: string): Returning {
  const { mac, mtu, txQueueLength, alias, permanentMac, busPath } = device;
  const formerName = readDeviceAlias(alias)?.formerName ?? alias;
  return {
    alias,
    pod: { name, mac },
    former: {
      ...{ name: formerName, mac, mtu, txQueueLength, permanentMac, busPath },
      ...{ up: false, promiscuous: false, allMulticast: false, alias: "", addresses: [] },
    },
  };
}
