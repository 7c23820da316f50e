// Devices of attachments without a record: the alias tells the former name, and nothing tells the rest.
import {
  type FormerDevice,
  isDeviceAliasIn,
  isDeviceAliasOf,
  isDeviceName,
  isSameHardware,
  readDeviceAlias,
} from "../../../attachment/device.ts";
import type { AttachmentKey } from "../../../cni/attachment-key.ts";
import { type Device, getDevice, listDevices } from "../../../net/device.ts";
import { stepOf } from "../../../plan/steps.ts";
import type { GivenBack } from "../../kind.ts";
import type { Node } from "../../node.ts";
import type { Pod } from "../../pod.ts";
import { giveBackFrom, mend, type Returning } from "./give-back.ts";

/** An attachment without a record. */
export interface StrayPlace {
  key: AttachmentKey;
  pod: Pod | undefined;
  /** The network's pods get devices: an alias that is a name may be that of the reference host-device. */
  hasDevices: boolean;
  /** True for an interface in the pod that result or leases prove to be this attachment's. */
  isProven(device: Device, pod: Pod): boolean;
}

/**
 * Gives back the attachment's device, by its alias in the pod, or on the node where the pod is gone. What it
 * was before is not known, so it comes back down, as with the reference. Takes the node's lock. Throws
 * CniError and SystemError.
 */
export function giveBackUnrecorded(place: StrayPlace, node: Node): GivenBack {
  const { key, pod, hasDevices } = place;
  const inPod = strayInPod(place);
  if (inPod === undefined && !hasDevices) return "right";
  let outcome: GivenBack = "right";
  node.underLock(() => {
    const found = inPod ?? listDevices(node.links).find(({ alias }) => isDeviceAliasOf(alias, key));
    if (found !== undefined) outcome = giveBackFrom(inPod && pod, returningOf(found), node);
  });
  return outcome;
}

/** The attachment's interface in the pod, when it is a device of the node. Throws SystemError. */
export function strayInPod({ key, pod, hasDevices, isProven }: StrayPlace): Device | undefined {
  if (pod === undefined || pod.isHost) return undefined;
  const isOurs = ({ alias }: Device): boolean => isDeviceAliasOf(alias, key);
  const named = getDevice(pod.links, { name: key.interfaceName });
  if (named !== undefined && isOurs(named)) return named;
  if (!hasDevices) return undefined;
  const renamed = listDevices(pod.links).find(isOurs);
  if (renamed !== undefined || named === undefined) return renamed;
  // The reference's alias tells no attachment: the device may be another network's.
  return isDeviceName(named.alias) && isProven(named, pod) ? named : undefined;
}

/**
 * The devices on the node that have the alias of an attachment without a record, whatever they are called by
 * now. Hardware that a recorded attachment has taken is that attachment's, whatever the alias says. Throws
 * SystemError.
 */
export function listStrays(node: Node): Device[] {
  const aliased = listDevices(node.links).filter(({ alias }) => readDeviceAlias(alias) !== undefined);
  if (aliased.length === 0) return [];
  const recorded = node.recorded().flatMap((attachment) => stepOf("device", attachment) ?? []);
  return aliased.filter((device) => {
    const key = readDeviceAlias(device.alias)?.key;
    // A record that cannot be read keeps its device too.
    if (key !== undefined && node.records.hasRecord(key)) return false;
    return !recorded.some(({ alias, former }) => alias === device.alias || isSameHardware(device, former));
  });
}

/** Gives back a device of {@link listStrays}. The caller holds the node's lock. Throws as {@link mend}. */
export function giveBackStray(device: Device, node: Node): void {
  mend(device, returningOf(device), node);
}

/**
 * Gives back devices on the node of stale attachments of a network that have no record. Throws CniError and
 * SystemError.
 */
export function giveBackStale(network: string, valid: readonly AttachmentKey[], node: Node): void {
  node.underLock(() => {
    for (const device of listStrays(node)) {
      const { alias } = device;
      const isValid = valid.some((key) => isDeviceAliasOf(alias, key));
      if (isDeviceAliasIn(alias, network) && !isValid) giveBackStray(device, node);
    }
  });
}

/** A stray device as it was before it was moved, as far as its alias and its hardware tell. */
export function formerOf(device: Device): FormerDevice {
  const { mac, mtu, txQueueLength, alias, permanentMac, busPath } = device;
  const name = readDeviceAlias(alias)?.formerName ?? alias;
  return {
    // The MAC of now is one that the pod had.
    ...{ name, mac: permanentMac ?? mac, mtu, txQueueLength, permanentMac, busPath },
    ...{ up: false, promiscuous: false, allMulticast: false, alias: "", addresses: [] },
  };
}

function returningOf(device: Device): Returning {
  const { name, mac, alias } = device;
  return { alias, pod: { name, mac }, former: formerOf(device) };
}
