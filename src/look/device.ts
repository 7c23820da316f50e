// Devices of the node that a pod may be given. Looking changes nothing.
import { type FormerDevice, isDeviceName } from "../attachment/device.ts";
import { stateOfFreeEnd } from "../attachment/wire.ts";
import type { DeviceChoice, DeviceConfig } from "../cni/device-config.ts";
import { CniError } from "../cni/error.ts";
import { type Device, getDevice, listDevices } from "../net/device.ts";
import { listGivenAddresses } from "../net/device-address.ts";
import { getLink } from "../net/link.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import { listDirectory } from "../sys/file.ts";
import { isOnWayOut } from "./bridge.ts";
import { refuseUserDriver, wayToBus } from "./device-bus.ts";

/**
 * The devices on the node that the configuration may mean, in the order in which they count. Throws
 * CniError for a PCI device without a network interface, and SystemError.
 */
export function findDevices(choice: DeviceChoice, links: NetlinkSocket): Device[] {
  switch (choice.by) {
    case "name":
      return deviceNamed(choice.name, links);
    case "names": {
      const all = listDevices(links);
      const matching = choice.patterns.flatMap((pattern) => all.filter((device) => isNamed(device, pattern)));
      return [...new Set(matching)];
    }
    case "mac":
      return listDevices(links).filter(({ mac, isLoopback }) => mac === choice.mac && !isLoopback);
    case "path":
      return firstOf(`${choice.path}/net`, links);
    default: {
      const way = wayToBus(choice);
      if (way === undefined) return [];
      const found = way.folders.flatMap((folder) => firstOf(`${folder}/net`, links));
      if (found.length === 0) refuseUserDriver(way);
      return found.slice(0, 1);
    }
  }
}

function deviceNamed(name: string, links: NetlinkSocket): Device[] {
  // The kernel looks for a name that only an alternative one can be where it is asked for such a one.
  if (!isDeviceName(name)) return listDevices(links).filter(({ altNames }) => altNames.includes(name));
  const device = getDevice(links, { name });
  return device === undefined ? [] : [device];
}

/** The first device of a folder that the kernel fills with the names of a piece of hardware's devices. */
function firstOf(folder: string, links: NetlinkSocket): Device[] {
  const [name] = listDirectory(folder).sort();
  return name === undefined ? [] : deviceNamed(name, links);
}

/** True when a device that is not on the node, and was so, is one that the configuration may mean. */
export function isMeant(former: FormerDevice, choice: DeviceChoice): boolean {
  const { mac, busPath } = former;
  switch (choice.by) {
    case "name":
      return namesOf(former).includes(choice.name);
    case "names":
      return choice.patterns.some((pattern) => isNamed(former, pattern));
    case "mac":
      return mac === choice.mac;
    case "path":
      return busPath !== undefined && choice.path.endsWith(busPath.slice(busPath.indexOf("/")));
    default: {
      const way = wayToBus(choice);
      return busPath !== undefined && way?.busPaths.includes(busPath) === true;
    }
  }
}

/** All names by which the kernel knows the device. */
function namesOf({ name, altNames = [] }: Pick<FormerDevice, "name" | "altNames">): string[] {
  return [name, ...altNames];
}

function isNamed(device: Pick<FormerDevice, "name" | "altNames">, pattern: string): boolean {
  return namesOf(device).some((name) => fits(name, pattern));
}

/** True for a name that the pattern of a shell stands for: `*`, `?`, `[ab]`, `[a-b]`, `[!a]`. */
export function fits(name: string, pattern: string): boolean {
  if (!/[*?[]/.test(pattern)) return name === pattern;
  const source = pattern.replaceAll(
    /\[(!?)([^\]]+)\]|[*?]|[^*?[]+|\[/g,
    (part, not?: string, set?: string) => {
      if (part === "*") return ".*";
      if (part === "?") return ".";
      if (set !== undefined) return `[${not === "" ? "" : "^"}${set.replaceAll(/[\\^\]]/g, "\\$&")}]`;
      return part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
    },
  );
  return new RegExp(`^${source}$`).test(name);
}

/** The refusal of a device that must stay where it is; undefined for one that may go. Throws SystemError. */
export function whyItStays(device: Device, force: boolean, links: NetlinkSocket): CniError | undefined {
  const { name, kind, isLoopback, master, index } = device;
  if (isLoopback) return stays(name, "every namespace has a loopback of its own", "Name another device");
  if (kind === "bridge")
    return stays(
      name,
      "it is a bridge, and the kernel moves none to another namespace",
      `Name a device behind it, or use "attach": "bridge" with "bridge": "${name}"`,
    );
  if (stateOfFreeEnd(device.alias) !== undefined)
    return stays(name, "it is the free end of a wire between two pods", "Name another device");
  if (master !== 0) {
    const above = getLink(links, { index: master });
    return stays(
      name,
      `it is a port of ${above === undefined ? "another interface" : `${above.kind} ${above.name}`}`,
      `Take it out first ("ip link set ${name} nomaster"), or name another device`,
    );
  }
  if (!force && isOnWayOut(index, links))
    return stays(
      name,
      "the node's default route leads out by it, so the node would lose its network",
      'Name another device, or set "force": true if the node has another way',
    );
  return undefined;
}

/** The error for a device that is not taken. */
export function stays(name: string, cause: string, hint: string): CniError {
  return new CniError("device", { about: JSON.stringify(name), cause, hint });
}

/** The device as it is on the node, with all that is needed to give it back so. Throws SystemError. */
export function describeDevice(device: Device, links: NetlinkSocket): FormerDevice {
  const { name, mac, mtu, up, promiscuous, allMulticast, txQueueLength, alias } = device;
  const { permanentMac, busPath, altNames, arp, multicast, group } = device;
  const addresses = listGivenAddresses(links, device);
  return {
    ...{ name, mac, mtu, up, promiscuous, allMulticast, txQueueLength, alias },
    ...{ addresses, permanentMac, busPath, altNames, arp, multicast, group },
  };
}

/**
 * The first device on the node that the configuration means and that may go. Throws CniError, with the first
 * reason why none may, and SystemError.
 */
export function freeDevice({ choice, force }: DeviceConfig, links: NetlinkSocket): FormerDevice {
  let refusal: CniError | undefined;
  for (const device of findDevices(choice, links)) {
    const reason = whyItStays(device, force, links);
    if (reason === undefined) return describeDevice(device, links);
    refusal ??= reason;
  }
  throw refusal ?? unknownDevice(deviceNameOf(choice));
}

/** The device in the words of the configuration. */
export function deviceNameOf(choice: DeviceChoice): string {
  switch (choice.by) {
    case "name":
      return choice.name;
    case "names":
      return choice.patterns.join(", ");
    case "mac":
      return choice.mac;
    case "path":
      return choice.path;
    case "pci":
      return choice.address;
    case "id":
      return choice.id;
  }
}

/** The error for a device that is not there. */
export function unknownDevice(name: string): CniError {
  return new CniError("device", {
    about: `no interface of the node is ${JSON.stringify(name)}`,
    hint: 'Look with "ip -d link" for the names, MACs and buses of those that there are',
  });
}
