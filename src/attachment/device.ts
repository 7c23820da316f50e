// A device of the node as it was before it was moved into a pod, and the alias by which it is known there.
import type { AttachmentKey } from "../cni/attachment-key.ts";
import { byteLength, hasUnprintable, hasWhiteSpace, isPlainName } from "../cni/name.ts";
import type { GivenAddress } from "../ip/given-address.ts";
import { ALIAS_BYTES, printable } from "./name.ts";

/** Everything that is needed to give the device back as it was. */
export interface FormerDevice {
  name: string;
  /** Lower-case colon form; empty for a device that has none. */
  mac: string;
  /** Bytes. */
  mtu: number;
  up: boolean;
  promiscuous: boolean;
  allMulticast: boolean;
  /** It asks neighbours for their MACs; absent where that is not known. */
  arp?: boolean | undefined;
  /** It sends frames to groups; absent where that is not known. */
  multicast?: boolean | undefined;
  /** Its link group; absent where that is not known. */
  group?: number | undefined;
  /** Packets. */
  txQueueLength: number;
  alias: string;
  /** Its alternative names (`ip link property`); absent where they are not known. */
  altNames?: string[] | undefined;
  /** The addresses that a person gave it. */
  addresses: GivenAddress[];
  /** The MAC that the hardware has; undefined for virtual devices. */
  permanentMac: string | undefined;
  /**
   * The bus and the place on it, as in `pci/0000:00:03.0`, which is the folder
   * /sys/bus/pci/devices/0000:00:03.0; undefined for virtual devices.
   */
  busPath: string | undefined;
}

/** The first word of an alias. No alias of a veth or an ifb begins so. */
const PROGRAM = "pontoon-device";

/**
 * The alias of a device that is, or is about to be, in a pod: `pontoon-device <former name> <network>
 * <container id> <interface>`. People read it, and a DEL without a record finds the name in it.
 */
export function deviceAlias(key: AttachmentKey, formerName: string): string {
  const owner = printable(`${key.network} ${key.containerId} ${key.interfaceName}`);
  const head = `${PROGRAM} ${formerName} `;
  return head + owner.slice(0, ALIAS_BYTES - byteLength(head));
}

/** What the alias of a device tells. */
export interface DeviceAlias {
  formerName: string;
  /** Undefined where the alias does not tell all of it: see {@link isDeviceAliasOf}. */
  key: AttachmentKey | undefined;
}

/**
 * Reads {@link deviceAlias}; undefined for any other alias. An alias that may have been cut, or that has a
 * "?" in the place of another character, tells no key; nor does one with names that no attachment can have,
 * which a program in a pod wrote.
 */
export function readDeviceAlias(alias: string): DeviceAlias | undefined {
  const [program, formerName, network = "", containerId = "", interfaceName = "", ...rest] = alias.split(" ");
  if (program !== PROGRAM || formerName === undefined || !isDeviceName(formerName)) return undefined;
  const isWhole =
    byteLength(alias) < ALIAS_BYTES &&
    isPlainName(network) &&
    isPlainName(containerId) &&
    isDeviceName(interfaceName) &&
    !interfaceName.includes("?") &&
    rest.length === 0;
  return { formerName, key: isWhole ? { network, containerId, interfaceName } : undefined };
}

/** True for the alias of a device of this attachment, also where it was cut. */
export function isDeviceAliasOf(alias: string, key: AttachmentKey): boolean {
  const told = readDeviceAlias(alias);
  return told !== undefined && alias === deviceAlias(key, told.formerName);
}

/** True for the alias of a device of an attachment of this network. */
export function isDeviceAliasIn(alias: string, network: string): boolean {
  const told = readDeviceAlias(alias);
  return told !== undefined && alias.startsWith(`${PROGRAM} ${told.formerName} ${network} `);
}

/** True for a name that a device may have (dev_valid_name in net/core/dev.c). */
export function isDeviceName(name: string): boolean {
  return (
    name !== "" &&
    name !== "." &&
    name !== ".." &&
    byteLength(name) <= 15 &&
    !/[/:]/.test(name) &&
    !hasWhiteSpace(name) &&
    !hasUnprintable(name)
  );
}

/**
 * True when the device is that piece of hardware: permanent MAC and place on the bus stay whatever becomes of
 * its name. False for virtual devices, of which nothing stays.
 */
export function isSameHardware(
  device: Pick<FormerDevice, "permanentMac" | "busPath">,
  former: Pick<FormerDevice, "permanentMac" | "busPath">,
): boolean {
  return (
    former.busPath !== undefined &&
    device.busPath === former.busPath &&
    device.permanentMac === former.permanentMac
  );
}
