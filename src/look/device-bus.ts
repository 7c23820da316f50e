// Devices by their place on a bus, as sysfs shows it.
import type { DeviceChoice } from "../cni/device-config.ts";
import { CniError } from "../cni/error.ts";
import { listDirectory } from "../sys/file.ts";
import { fileStatus } from "../sys/status.ts";

const BUSES = "/sys/bus";

/** Drivers by which a program drives a card itself (DPDK), past the kernel's network. */
const USER_DRIVERS = ["vfio-pci", "uio_pci_generic", "igb_uio"];

/** A piece of hardware, where sysfs has it. */
export interface BusPlace {
  bus: string;
  address: string;
  /** The folders in which the names of its network devices may be, each below `net`. */
  folders: string[];
  /** The places of its network devices, as in FormerDevice. */
  busPaths: string[];
}

/** The place that the configuration names; undefined when no such hardware is there. Throws SystemError. */
export function wayToBus(choice: Extract<DeviceChoice, { by: "pci" | "id" }>): BusPlace | undefined {
  const buses = choice.by === "pci" ? ["pci"] : ["pci", "auxiliary"];
  const address = choice.by === "pci" ? choice.address : choice.id;
  const bus = buses.find((each) => isOnBus(`${each}/${address}`));
  if (bus === undefined) return undefined;
  const folder = `${BUSES}/${bus}/devices/${address}`;
  // The network device of a virtual machine's card stands one folder deeper.
  const below = bus === "pci" ? listDirectory(folder).filter((name) => /^virtio\d+$/.test(name)) : [];
  return {
    bus,
    address,
    folders: [folder, ...below.map((name) => `${folder}/${name}`)],
    busPaths: [`${bus}/${address}`, ...below.map((name) => `virtio/${name}`)],
  };
}

/**
 * True when the piece of hardware has a network device in whichever namespace: the kernel shows the folder to
 * all of them. False when the hardware is gone, and when a program drives it itself.
 */
export function hasNetworkDevice(busPath: string): boolean {
  const [bus, address] = busPath.split("/");
  return fileStatus(`${BUSES}/${bus}/devices/${address}/net`) !== undefined;
}

function isOnBus(busPath: string): boolean {
  const [bus, address] = busPath.split("/");
  return fileStatus(`${BUSES}/${bus}/devices/${address}`) !== undefined;
}

/** Refuses hardware that a program drives. Throws CniError. */
export function refuseUserDriver({ bus, address }: BusPlace): void {
  const driver = USER_DRIVERS.find(
    (name) => fileStatus(`${BUSES}/${bus}/drivers/${name}/${address}`) !== undefined,
  );
  if (driver === undefined) return;
  throw new CniError("device", {
    about: `${bus} device ${address} has no network interface`,
    cause: `it is bound to ${driver}, by which a program (DPDK) drives it itself`,
    hint: "Bind it to its network driver, or give it to the pod without this plugin",
  });
}
