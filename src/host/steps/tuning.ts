// Settings inside the pod's namespace: sysctls, and what is rarely set on an interface.

import { CniError } from "../../cni/error.ts";
import type { Sysctl } from "../../cni/tuning.ts";
import { getLink } from "../../net/link.ts";
import { getLinkTuning, tuneLinkMessage } from "../../net/link-tuning.ts";
import { readSysctl, writeSysctl } from "../../net/sysctl.ts";
import type { TuningStep } from "../../plan/step.ts";
import { errnoOf, isErrno, SystemError } from "../../sys/errno.ts";
import { attempt, explain } from "../failure.ts";
import type { Machine } from "../machine.ts";

/** Makes the settings, in their order, and notes in the step what was there before. */
export function tune(step: TuningStep, machine: Machine): void {
  refuseHost(step, machine);
  try {
    for (const setting of step.sysctls)
      step.former.push({ ...setting, value: machine.pod.inside(() => set(setting)) });
    if (step.txQueueLength === undefined && !step.promiscuous && !step.allMulticast) return;
    attempt("link", step.interfaceName, () => {
      const { index } = getLinkTuning(machine.pod.links, step.interfaceName);
      machine.pod.links.execute([tuneLinkMessage(index, step)]);
    });
  } catch (error) {
    undoTuning(step, machine);
    throw error;
  }
}

/** Undo: sysctls get back what they had; the interface goes, and with it what was set on it. */
export function undoTuning({ former }: TuningStep, machine: Machine): void {
  for (const { name, value } of former.toReversed()) {
    if (value !== undefined) machine.pod.inside(() => writeIfThere(name, value));
  }
}

/** What is not as it was set, or undefined. */
export function verifyTuning(step: TuningStep, machine: Machine): string | undefined {
  for (const { key, name, value } of step.sysctls) {
    const found = machine.pod.inside(() => readIfReadable(name));
    if (found === "absent") return `the pod has no sysctl ${key}`;
    if (found !== undefined && words(found.value) !== words(value))
      return `sysctl ${key} in the pod is ${JSON.stringify(words(found.value))} instead of ${JSON.stringify(words(value))}`;
  }
  if (step.txQueueLength === undefined && !step.promiscuous && !step.allMulticast) return undefined;
  return verifyLink(step, machine);
}

function verifyLink(
  { interfaceName, txQueueLength, promiscuous, allMulticast }: TuningStep,
  machine: Machine,
): string | undefined {
  // Whoever looks at the veth says that it is gone.
  if (getLink(machine.pod.links, { name: interfaceName }) === undefined) return undefined;
  const link = getLinkTuning(machine.pod.links, interfaceName);
  const inPod = `interface ${interfaceName} in the pod`;
  if (txQueueLength !== undefined && link.txQueueLength !== txQueueLength)
    return `${inPod} has a queue of ${link.txQueueLength} packets instead of ${txQueueLength}`;
  if (promiscuous && !link.promiscuous) return `${inPod} is not promiscuous`;
  return allMulticast && !link.allMulticast ? `${inPod} does not take all multicast frames` : undefined;
}

/** Where the pod's namespace is the host's own, a pod's settings would be the node's. */
function refuseHost({ sysctls }: TuningStep, machine: Machine): void {
  const [first] = sysctls;
  if (first === undefined || !machine.pod.isHost) return;
  throw new CniError("sysctl", {
    about: first.key,
    cause: "the pod's namespace is the host's own",
    hint: "Take sysctl out of the configuration, or give the pod a namespace of its own",
  });
}

/** In the pod's namespace. Gives the value of before; undefined where it was right, or cannot be read. */
function set({ key, name, value }: Sysctl): string | undefined {
  return attempt(
    "sysctl",
    key,
    () => {
      const found = readIfReadable(name);
      if (found === "absent")
        throw new SystemError(`find /proc/sys/net/${name} in the pod`, errnoOf("ENOENT"));
      if (found !== undefined && words(found.value) === words(value)) return undefined;
      try {
        writeSysctl(name, value);
      } catch (error) {
        if (error instanceof SystemError)
          throw explain("sysctl", `${key} = ${JSON.stringify(value)} in the pod`, error, refusalHint(error));
        throw error;
      }
      return found?.value;
    },
    refusalHint,
  );
}

/** Undefined for what can only be written (`flush`), or has no value yet (`stable_secret`: EIO). */
function readIfReadable(name: string): { value: string } | "absent" | undefined {
  try {
    const value = readSysctl(name);
    return value === undefined ? "absent" : { value };
  } catch (error) {
    if (isErrno(error, "EACCES", "EIO")) return undefined;
    throw error;
  }
}

function writeIfThere(name: string, value: string): void {
  try {
    writeSysctl(name, value);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
}

/** Values of several parts are read with tabs between them, whatever they were written with. */
function words(value: string): string {
  return value.trim().split(/\s+/).join(" ");
}

function refusalHint(error: SystemError): string | undefined {
  if (isErrno(error, "EINVAL", "ERANGE"))
    return "Correct the value under sysctl; the kernel does not take this one";
  if (isErrno(error, "ENOENT"))
    return "Correct the name under sysctl; a setting that is the whole node's does not exist in a pod";
  return isErrno(error, "EACCES", "EPERM")
    ? "Take it out of sysctl; in a pod's namespace this setting can only be read"
    : undefined;
}
