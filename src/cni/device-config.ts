// The device of the node that a pod gets (attach: device): one of several keys names it, as in the reference
// host-device.
import type { Way } from "./attach.ts";
import { type Fields, isFields } from "./keys.ts";
import { readMac } from "./mac.ts";
import { DEVICE, type Shape } from "./netconf-keys.ts";
import type { Problems } from "./problems.ts";

/** The way in which the device is named. */
export type DeviceChoice =
  | { by: "name"; name: string }
  /** Names, and patterns of names as a shell has them: the first free device counts. */
  | { by: "names"; patterns: string[] }
  | { by: "mac"; mac: string }
  /** A folder below /sys/devices. */
  | { by: "path"; path: string }
  | { by: "pci"; address: string }
  /** An address on the PCI or the auxiliary bus, which the runtime chose. */
  | { by: "id"; id: string };

export interface DeviceConfig {
  choice: DeviceChoice;
  /** The device of the node's default route may be taken. */
  force: boolean;
}

/** The rules for a call. */
export interface DeviceRules {
  attach: Way;
  /** True: the runtime names the device at each ADD, and this call does not get it. */
  mayLackDevice: boolean;
}

/** The address that a runtime gives with each ADD. */
const BY_CALL = "runtimeConfig.deviceID";
const WAYS_TO_NAME = [...Object.keys(DEVICE), BY_CALL];

/**
 * The device that the configuration names; undefined for other ways of attaching, and where the runtime will
 * name it. Reports none, and more than one.
 */
export function readDevice(
  shape: Shape,
  { attach, mayLackDevice }: DeviceRules,
  problems: Problems,
): DeviceConfig | undefined {
  if (attach !== "device") return undefined;
  const given = WAYS_TO_NAME.filter((key) => isGiven(valueOf(shape, key)));
  // Multus says the address in both places; that of the call counts, as in the reference host-device.
  const named = given.includes(BY_CALL) ? given.filter((key) => key !== "pciBusID") : given;
  const [key] = named;
  if (key === undefined || named.length > 1) {
    if (key !== undefined)
      problems.addAt(key, `names the device, and so does ${named.slice(1).join(", ")}; keep one of them`);
    else if (!mayLackDevice)
      problems.addAt("attach", `"device" needs the name of one: set one of ${WAYS_TO_NAME.join(", ")}`);
    return undefined;
  }
  const choice = readChoice(key, shape, problems);
  return choice && { choice, force: shape.force ?? false };
}

/** True when the runtime names a device at each ADD, which a STATUS does not get. */
export function declaresDeviceId({ capabilities }: Fields): boolean {
  return isFields(capabilities) && capabilities["deviceID"] === true;
}

function valueOf(shape: Shape, key: string): unknown {
  return key === BY_CALL ? shape.runtimeConfig?.deviceID : shape[key as keyof typeof DEVICE];
}

function isGiven(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== "";
}

function readChoice(key: string, shape: Shape, problems: Problems): DeviceChoice | undefined {
  const { device = "", devices = [], hwaddr = "", kernelpath = "", pciBusID = "" } = shape;
  switch (key) {
    case "device":
      return { by: "name", name: device };
    case "devices":
      for (const pattern of devices)
        if (!isPattern(pattern))
          problems.add(key, pattern, "is no pattern of names: a range goes upwards, as in eth[0-9]");
      return { by: "names", patterns: devices };
    case "hwaddr": {
      const mac = readMac(hwaddr, key, problems);
      return mac === undefined ? undefined : { by: "mac", mac };
    }
    case "kernelpath":
      if (isBelowDevices(kernelpath)) return { by: "path", path: kernelpath };
      problems.add(key, kernelpath, "must be the path of a device below /sys/devices/");
      return undefined;
    case "pciBusID":
      if (isBusAddress(pciBusID)) return { by: "pci", address: pciBusID };
      problems.add(key, pciBusID, "must be an address on the PCI bus, as in 0000:00:1f.6");
      return undefined;
    default: {
      const id = shape.runtimeConfig?.deviceID ?? "";
      if (isBusAddress(id)) return { by: "id", id };
      problems.add(key, id, "must be an address on the PCI or the auxiliary bus, as in 0000:00:1f.6");
      return undefined;
    }
  }
}

/** True for a pattern of names; the one mistake that is possible is a range that goes downwards. */
function isPattern(pattern: string): boolean {
  return ![...pattern.matchAll(/\[!?([^\]]+)\]/g)].some(([, set = ""]) =>
    [...set.matchAll(/(.)-(.)/g)].some(([, from = "", to = ""]) => from > to),
  );
}

/** True for a path below /sys/devices that never leads up. */
function isBelowDevices(path: string): boolean {
  return path.startsWith("/sys/devices/") && !path.includes("\0") && !path.split("/").includes("..");
}

/** True for a text that is the name of one folder. */
function isBusAddress(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_.:-]*$/.test(text);
}
