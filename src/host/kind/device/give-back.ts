// Giving a device back to the node as it was. While it is in a pod it has the attachment's alias, and gets
// its own one as the last thing of all: so whatever is interrupted is known, and is done again.
import { sameHost } from "../../../attachment/attachment.ts";
import { isSameHardware } from "../../../attachment/device.ts";
import { CniError } from "../../../cni/error.ts";
import { attempt } from "../../../failure/failure.ts";
import { hasNetworkDevice } from "../../../look/device-bus.ts";
import { giveAltNameMessage, takeAltNameMessage } from "../../../net/alt-name.ts";
import {
  changeDeviceMessage,
  type Device,
  type DeviceChange,
  getDevice,
  listDevices,
} from "../../../net/device.ts";
import { giveAddressMessage } from "../../../net/device-address.ts";
import type { Message, NetlinkSocket } from "../../../netlink/socket.ts";
import type { DeviceStep } from "../../../plan/step.ts";
import { stepOf } from "../../../plan/steps.ts";
import { isErrno } from "../../../sys/errno.ts";
import type { GivenBack, Removing } from "../../kind.ts";
import { openRecordedPod } from "../../namespace.ts";
import type { Node } from "../../node.ts";
import type { Pod } from "../../pod.ts";

/** A device that goes back: its names, and what it was. */
export type Returning = Pick<DeviceStep, "alias" | "former"> & { pod: { name: string; mac: string } };

/**
 * Gives the device back, from the pod, or where the pod's namespace has died from the name under which the
 * kernel put it on the node. A virtual device died with the namespace. Takes the node's lock. Throws
 * CniError.
 */
export function giveBack(step: DeviceStep, { node, attachment, pod }: Removing): GivenBack {
  let outcome: GivenBack = "right";
  // A boot brings every device back by itself, and devices of another host are not ours to touch.
  if (!sameHost(attachment.host, node.identity())) return outcome;
  attempt("cleanup", step.former.name, () =>
    node.underLock(() => {
      using recorded = pod === undefined ? openRecordedPod(attachment, node) : undefined;
      outcome = giveBackFrom(pod ?? recorded, step, node);
    }),
  );
  return outcome;
}

/**
 * Gives back a device that may have no attachment. The caller holds the node's lock. Throws CniError and
 * SystemError.
 */
export function giveBackFrom(pod: Pod | undefined, device: Returning, node: Node): GivenBack {
  const { busPath } = device.former;
  const inPod = pod === undefined || pod.isHost ? undefined : findInPod(device, pod.links);
  if (inPod !== undefined && pod !== undefined) {
    moveBack(inPod, device, { pod, node });
    return "mended";
  }
  const onNode = findOnNode(device, node.links);
  if (busPath !== undefined && isWithAnother(device, onNode, node)) return "right";
  if (onNode !== undefined) return isAsItWas(onNode, device) ? "right" : mend(onNode, device, node);
  return busPath !== undefined && hasNetworkDevice(busPath) ? "awaited" : "right";
}

/**
 * True when another attachment has the device by now, in its pod or on the node with its alias: an ADD gave
 * the device back before it took it. An alias that names no attachment with a record of that hardware proves
 * nothing, since a program in a pod can write any.
 */
function isWithAnother({ alias, former }: Returning, onNode: Device | undefined, node: Node): boolean {
  return node.recorded().some((other) => {
    const step = stepOf("device", other);
    if (step === undefined || step.alias === alias || !isSameHardware(step.former, former)) return false;
    if (step.alias === onNode?.alias) return true;
    using pod = openRecordedPod(other, node);
    return pod !== undefined && !pod.isHost && findInPod(step, pod.links) !== undefined;
  });
}

/**
 * The device in the pod, whatever its name is there by now. Hardware is known by what no program in the pod
 * can change; alias, name and MAC tell of a virtual device alone.
 */
function findInPod({ alias, former, pod }: Returning, links: NetlinkSocket): Device | undefined {
  const all = listDevices(links);
  if (former.busPath !== undefined) return all.find((each) => isSameHardware(each, former));
  const virtual = all.filter(({ busPath, isLoopback }) => busPath === undefined && !isLoopback);
  return (
    virtual.find((each) => each.alias === alias) ??
    // A program in the pod may have changed the alias.
    virtual.find(({ name, mac }) => mac !== "" && name === pod.name && mac === pod.mac)
  );
}

/** The device on the node: hardware by what no program can change, a virtual device by its alias. */
function findOnNode({ alias, former, pod }: Returning, links: NetlinkSocket): Device | undefined {
  const isIt = (each: Device): boolean => each.alias === alias || isSameHardware(each, former);
  for (const name of [former.name, pod.name]) {
    const device = getDevice(links, { name });
    if (device !== undefined && isIt(device)) return device;
  }
  return listDevices(links).find(isIt);
}

/**
 * True for a device that is right: it has its name again, and not our alias. Where the pod had it under its
 * own name, nothing but the rest tells.
 */
function isAsItWas(device: Device, { alias, former, pod }: Returning): boolean {
  if (device.alias === alias || device.name !== former.name) return false;
  if (pod.name !== former.name) return true;
  return device.alias === former.alias && changesOf(device, former) === undefined;
}

/** Moves the device out of the pod, with all settings, by one request; what follows is done on the node. */
function moveBack(found: Device, device: Returning, { pod, node }: { pod: Pod; node: Node }): void {
  const { former, alias } = device;
  const isTaken = getDevice(node.links, { name: former.name }) !== undefined;
  const change = {
    ...settingsOf(found, former),
    namespaceFd: node.home.fd,
    // Without a name of its own the device takes the first that is free.
    name: isTaken ? ANY_NAME : former.name,
    // The alias tells where it belongs until everything is right.
    alias,
  };
  freeNames(found, pod, node);
  pod.links.execute([changeDeviceMessage(found.index, change, `give ${former.name} back to the node`)]);
  const back = findOnNode(device, node.links);
  if (back !== undefined) mend(back, device, node);
}

const ANY_NAME = "dev%d";

/** Takes off alternative names that the node has: the kernel moves no device to where one of its names is. */
function freeNames({ index, altNames }: Device, pod: Pod, node: Node): void {
  if (altNames.length === 0) return;
  const taken = new Set(listDevices(node.links).flatMap((each) => [each.name, ...each.altNames]));
  const inTheWay = altNames.filter((name) => taken.has(name));
  if (inTheWay.length > 0) pod.links.transact(inTheWay.map((name) => takeAltNameMessage(index, name)));
}

/** The requests that give a device the alternative names that it had, and take others off. */
function altNameMessages({ index, altNames }: Device, former: Returning["former"]): Message[] {
  const wanted = former.altNames ?? altNames;
  return [
    ...altNames.filter((name) => !wanted.includes(name)).map((name) => takeAltNameMessage(index, name)),
    ...wanted.filter((name) => !altNames.includes(name)).map((name) => giveAltNameMessage(index, name)),
  ];
}

/**
 * Puts right what is not as it was of a device on the node: addresses and alias at the end. The caller holds
 * the node's lock. Throws CniError and SystemError.
 */
export function mend(device: Device, { former, alias }: Returning, node: Node): "mended" {
  const { links } = node;
  const { index, name, up } = device;
  const isRenamed = name !== former.name;
  if (isRenamed && getDevice(links, { name: former.name }) !== undefined) throw nameTaken(name, former.name);
  const change = changesOf(device, former);
  if (change !== undefined) {
    // The kernel renames no interface that is up, and some drivers change no MAC then.
    const { promiscuous, allMulticast } = device;
    const down = { flags: { up: false, promiscuous, allMulticast } };
    const mustGoDown = up && (isRenamed || change.mac !== undefined);
    links.execute([
      ...(mustGoDown ? [changeDeviceMessage(index, down, `take ${name} down`)] : []),
      changeDeviceMessage(index, { ...change, alias }, `put ${former.name} right`),
    ]);
  }
  const given = { index, name: former.name };
  const outcomes = links.transact([
    ...altNameMessages(device, former),
    ...former.addresses.map((address) => giveAddressMessage(given, address)),
    changeDeviceMessage(index, { alias: former.alias }, `give ${former.name} its alias again`),
  ]);
  // An address that the kernel refuses is told once: the next call finds the device as it was. A name that
  // another device has by now is that device's.
  const failed = outcomes.find(({ error }) => error !== undefined && !isErrno(error, "EEXIST"));
  if (failed?.error !== undefined) throw failed.error;
  return "mended";
}

/** The changes that make the device what it was, addresses and alias aside; undefined: there is none. */
function changesOf(device: Device, former: Returning["former"]): DeviceChange | undefined {
  const settings = settingsOf(device, former);
  const isRight =
    device.name === former.name &&
    settings.mac === undefined &&
    settings.mtu === undefined &&
    (["txQueueLength", "group", "up", "promiscuous", "allMulticast", "arp", "multicast"] as const).every(
      (each) => former[each] === undefined || device[each] === former[each],
    );
  return isRight ? undefined : { ...settings, name: former.name };
}

/** A MAC or an MTU that is right is left out: some drivers take none. */
function settingsOf(device: Device, former: Returning["former"]): DeviceChange {
  return {
    mac: device.mac === former.mac ? undefined : former.mac,
    mtu: device.mtu === former.mtu ? undefined : former.mtu,
    txQueueLength: former.txQueueLength,
    group: former.group,
    flags: former,
  };
}

function nameTaken(name: string, formerName: string): CniError {
  return new CniError("cleanup", {
    about: `device ${formerName} is back on the node as ${name}`,
    cause: `another interface has the name ${formerName} by now`,
    hint: `Rename the other interface, then repeat DEL or run "pontoon restore"`,
  });
}
