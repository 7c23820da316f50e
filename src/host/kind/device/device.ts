// A device of the node in the pod: it is moved there by one request, and given back as it was.
import { CniError } from "../../../cni/error.ts";
import { attempt, explain, vanished } from "../../../failure/failure.ts";
import { changeDeviceMessage, getDevice } from "../../../net/device.ts";
import { getLink } from "../../../net/link.ts";
import type { DeviceStep } from "../../../plan/step.ts";
import { isErrno, type SystemError } from "../../../sys/errno.ts";
import { curable, type Difference, inPod, shellWord } from "../../difference.ts";
import type { Applying, Place, StepKind } from "../../kind.ts";
import { requireLink } from "../../link.ts";
import { checkInterfaceIsFree } from "../veth/veth.ts";
import { giveBack } from "./give-back.ts";

export const device: StepKind<DeviceStep> = {
  apply: take,
  remove: (step, on) => ({ giveBack: { device: step.former.name, run: () => giveBack(step, on) } }),
  verify: verifyDevice,
};

/**
 * Moves the device, which the ADD has reserved by its alias, into the pod under its name there. The node's
 * lock is held: else a DEL that gives the device back, and another ADD that takes it, could come between look
 * and move.
 */
function take(step: DeviceStep, on: Applying): void {
  const { pod, node } = on;
  if (pod.isHost) throw ownNamespace(step.former.name);
  attempt("device", step.former.name, () => {
    checkInterfaceIsFree(step.pod.name, pod);
    node.underLock(() => move(step, on));
    on.podIndex = requireLink(pod.links, step.pod, `interface ${step.pod.name} in the pod`).index;
  });
}

function move({ former, alias, pod, mtu }: DeviceStep, on: Applying): void {
  const { links } = on.node;
  const reserved = getDevice(links, { name: former.name });
  if (reserved?.alias !== alias) throw vanished(`interface ${former.name}`);
  const change = {
    namespaceFd: on.pod.namespace.fd,
    name: pod.name,
    mac: pod.mac === reserved.mac ? undefined : pod.mac,
    mtu: mtu === reserved.mtu ? undefined : mtu,
  };
  const what = `move ${former.name} into the pod as ${pod.name}`;
  const [outcome] = links.transact([changeDeviceMessage(reserved.index, change, what)]);
  if (outcome?.error !== undefined)
    throw explain("device", JSON.stringify(former.name), outcome.error, moveHint(outcome.error, change));
}

function moveHint(
  error: SystemError,
  { mac, mtu }: { mac?: string | undefined; mtu?: number | undefined },
): string | undefined {
  if (isErrno(error, "EADDRNOTAVAIL", "EOPNOTSUPP") && mac !== undefined)
    return `Take "mac" out of the configuration, or name a device that can have the MAC ${mac}`;
  if (!isErrno(error, "EINVAL", "ERANGE")) return undefined;
  return mtu === undefined
    ? "Name another device; the kernel keeps interfaces of this kind in their namespace"
    : `Name another device, or one that can have an MTU of ${mtu}; some kinds stay in their namespace`;
}

function ownNamespace(name: string): CniError {
  return new CniError("device", {
    about: JSON.stringify(name),
    cause: "the pod's namespace is the node's own, where the device is already",
    hint: "Give the pod a namespace of its own",
  });
}

/** The problem with the device as a sentence; undefined when there is none. */
function verifyDevice({ pod: wanted, mtu }: DeviceStep, { pod }: Place): Difference | string | undefined {
  const found = getLink(pod.links, wanted);
  const title = `interface ${wanted.name} in the pod`;
  const set = `ip link set dev ${shellWord(wanted.name)}`;
  if (found === undefined) return `${title} does not exist`;
  if (wanted.isRaised && !found.up) return curable(`${title} is down`, inPod(pod, `${set} up`));
  if (found.mac !== wanted.mac)
    return curable(
      `${title} has the MAC ${found.mac} instead of ${wanted.mac}`,
      inPod(pod, `${set} address ${wanted.mac}`),
    );
  return mtu !== undefined && found.mtu > mtu
    ? curable(`${title} has the MTU ${found.mtu} instead of ${mtu}`, inPod(pod, `${set} mtu ${mtu}`))
    : undefined;
}
