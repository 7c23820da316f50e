// The choice of a device for an ADD. It happens under the node's lock, with the alias as the reservation: of
// two ADDs at once the second finds what the first has taken.
import type { Attachment } from "../../../attachment/attachment.ts";
import {
  deviceAlias,
  type FormerDevice,
  isDeviceAliasOf,
  readDeviceAlias,
} from "../../../attachment/device.ts";
import { keyOfAlias } from "../../../attachment/name.ts";
import type { AttachmentKey } from "../../../cni/attachment-key.ts";
import type { DeviceChoice, DeviceConfig } from "../../../cni/device-config.ts";
import { CniError } from "../../../cni/error.ts";
import { attempt, collectErrors, sentencesOf } from "../../../failure/failure.ts";
import {
  describeDevice,
  deviceNameOf,
  findDevices,
  isMeant,
  stays,
  unknownDevice,
  whyItStays,
} from "../../../look/device.ts";
import { changeDeviceMessage, type Device, getDevice } from "../../../net/device.ts";
import { stepOf } from "../../../plan/steps.ts";
import type { GivenBack } from "../../kind.ts";
import { isOver } from "../../namespace.ts";
import type { Node } from "../../node.ts";
import { giveBack } from "./give-back.ts";
import { formerOf, giveBackStray, listStrays } from "./stray.ts";

/**
 * The first device of those that the configuration names that is free. Devices of attachments that died are
 * given back before one is refused. The caller holds the node's lock until the device is reserved. Throws
 * CniError.
 */
export function chooseDevice(config: DeviceConfig, node: Node): FormerDevice {
  return attempt("device", deviceNameOf(config.choice), () => {
    const refusals: Refusals = new Map();
    let found = findFree(config, refusals, node);
    if (found === undefined && bringBack(config.choice, refusals, node))
      found = findFree(config, refusals, node);
    if (found === undefined) throw refusal(config.choice, [...refusals.values()]);
    return describeDevice(found, node.links);
  });
}

/** The reason against each device, by its name; the first reason counts. */
type Refusals = Map<string, CniError>;

/** The first device on the node that is free. */
function findFree({ choice, force }: DeviceConfig, refusals: Refusals, node: Node): Device | undefined {
  for (const device of findDevices(choice, node.links)) {
    const holder = holderOf(device, node);
    const reason =
      holder === undefined
        ? whyItStays(device, force, node.links)
        : held(device.name, holder.key && node.nameOf(holder.key));
    if (reason === undefined) return device;
    if (!refusals.has(device.name)) refusals.set(device.name, reason);
  }
  return undefined;
}

/**
 * Gives back devices that are meant and that dead attachments, or killed ADDs, have. Notes why others stay as
 * they are. True when one came back, so that a second look is worth it.
 */
function bringBack(choice: DeviceChoice, refusals: Refusals, node: Node): boolean {
  let someCameBack = false;
  const trying = (name: string, giveBack: () => GivenBack | CniError): void => {
    const errors = collectErrors([
      () => {
        const outcome = giveBack();
        if (outcome instanceof CniError) throw outcome;
        if (outcome !== "mended") return;
        refusals.delete(name);
        someCameBack = true;
      },
    ]);
    for (const error of errors) if (!refusals.has(name)) refusals.set(name, asRefusal(error));
  };
  for (const attachment of node.recorded()) {
    const step = stepOf("device", attachment);
    if (step === undefined || !isMeant(step.former, choice)) continue;
    trying(step.former.name, () => {
      const title = node.nameOf(attachment.key);
      if (!isOver(attachment, node)) return held(step.former.name, title);
      const outcome = giveBack(step, { node, attachment, pod: undefined });
      return outcome === "awaited" ? awaited(step.former.name, title) : outcome;
    });
  }
  for (const stray of straysOf(choice, node)) {
    // What was noted of it is that its attachment has it.
    refusals.delete(stray.name);
    trying(stray.name, () => {
      giveBackStray(stray, node);
      return "mended";
    });
  }
  return someCameBack;
}

/** The stray devices that the configuration may mean, by what they were or by what they are now. */
function straysOf(choice: DeviceChoice, node: Node): Device[] {
  const strays = listStrays(node);
  if (strays.length === 0) return [];
  const present = new Set(findDevices(choice, node.links).map(({ index }) => index));
  return strays.filter((stray) => present.has(stray.index) || isMeant(formerOf(stray), choice));
}

/** A failure to give a device back, as the reason why an ADD does not get it. */
function asRefusal(error: CniError): CniError {
  return error.kind === "tryAgainLater" ? error : new CniError("device", error.parts);
}

interface Holder {
  /** Undefined: nothing tells whose the alias is. */
  key: AttachmentKey | undefined;
}

/** The attachment that an interface on the node belongs to: it is reserved, or the end of a veth pair. */
function holderOf({ alias }: Device, node: Node): Holder | undefined {
  const told = readDeviceAlias(alias);
  if (told?.key !== undefined) return { key: told.key };
  if (told !== undefined)
    return node.recorded().find(({ key }) => isDeviceAliasOf(alias, key)) ?? { key: undefined };
  const key = keyOfAlias(alias);
  return key && { key };
}

/** Reserves the device for the attachment, which is recorded. The caller holds the node's lock. */
export function reserveDevice({ key, link }: Attachment, node: Node): void {
  if (link.kind !== "device") return;
  const { name } = link.former;
  attempt("device", name, () => {
    const device = getDevice(node.links, { name });
    if (device === undefined) throw unknownDevice(name);
    const change = { alias: deviceAlias(key, name) };
    node.links.execute([changeDeviceMessage(device.index, change, `reserve ${name}`)]);
  });
}

/**
 * Throws CniError when no device is there that the configuration names, neither on the node nor with an
 * attachment.
 */
export function checkDevice({ choice }: DeviceConfig, node: Node): void {
  if (findDevices(choice, node.links).length > 0 || straysOf(choice, node).length > 0) return;
  const isHeld = node.recorded().some((attachment) => {
    const step = stepOf("device", attachment);
    return step !== undefined && isMeant(step.former, choice);
  });
  if (!isHeld) throw unknownDevice(deviceNameOf(choice));
}

/** The number of reasons that an error tells. */
const MOST_REASONS = 5;

function refusal(choice: DeviceChoice, refusals: CniError[]): CniError {
  const [first, ...others] = refusals;
  if (first === undefined) return unknownDevice(deviceNameOf(choice));
  if (others.length === 0) return first;
  const told = sentencesOf(
    refusals
      .slice(0, MOST_REASONS)
      .map((each) => new CniError(each.kind, { ...each.parts, hint: undefined })),
  );
  const more = refusals.length > MOST_REASONS ? `; and ${refusals.length - MOST_REASONS} more` : "";
  return new CniError("device", {
    about: `none of ${deviceNameOf(choice)} is free`,
    cause: `${told.join("; ")}${more}`,
    hint: "Delete a pod that holds one, or name more devices",
  });
}

function held(name: string, holder: string | undefined): CniError {
  return stays(name, `${holder ?? "another attachment"} has it`, "Delete that pod, or name another device");
}

function awaited(name: string, holder: string): CniError {
  return new CniError("tryAgainLater", {
    about: `device ${JSON.stringify(name)} is not back on the node`,
    cause: `the namespace of ${holder} is gone, and the kernel gives the device back when nobody uses the namespace`,
    hint: "Run ADD again",
  });
}
