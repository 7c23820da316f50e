// Settings inside the pod's namespace: sysctls, and rare settings of an interface.

import { CniError } from "../../../cni/error.ts";
import type { Sysctl } from "../../../cni/tuning.ts";
import { attempt, explain } from "../../../failure/failure.ts";
import { getLink } from "../../../net/link.ts";
import { getLinkTuning, tuneLinkMessage } from "../../../net/link-tuning.ts";
import { readSysctl, writeSysctl } from "../../../net/sysctl.ts";
import type { TuningStep } from "../../../plan/step.ts";
import { errnoOf, isErrno, SystemError } from "../../../sys/errno.ts";
import { curable, type Difference, inPod, shellWord } from "../../difference.ts";
import type { Applying, Place, StepKind } from "../../kind.ts";
import type { Pod } from "../../pod.ts";

/**
 * Tuning as a kind of steps. Settings of the interface go with it; sysctls stay for as long as the namespace.
 */
export const tuning: StepKind<TuningStep> = { apply: tune, verify: verifyTuning };

/** Makes the settings, in their order. When the ADD is taken back, each sysctl gets its earlier value. */
function tune(step: TuningStep, on: Applying): void {
  const { pod } = on;
  refuseHost(step, pod);
  for (const setting of step.sysctls) {
    const former = pod.inside(() => set(setting));
    if (former !== undefined) on.onUndo(() => pod.inside(() => writeIfThere(setting.name, former)));
  }
  if (!tunesLink(step)) return;
  attempt("link", step.interfaceName, () => {
    const { index } = getLinkTuning(pod.links, step.interfaceName);
    pod.links.execute([tuneLinkMessage(index, step)]);
  });
}

function tunesLink({ txQueueLength, promiscuous, allMulticast }: TuningStep): boolean {
  return txQueueLength !== undefined || promiscuous || allMulticast;
}

/** A sentence about a setting that has another value; undefined when there is none. */
function verifyTuning(step: TuningStep, { pod }: Place): Difference | string | undefined {
  for (const { key, name, value } of step.sysctls) {
    const found = pod.inside(() => readIfReadable(name));
    if (found === "absent") return `the pod has no sysctl ${key}`;
    if (found !== undefined && words(found.value) !== words(value))
      return curable(
        `sysctl ${key} in the pod is ${JSON.stringify(words(found.value))} instead of ${JSON.stringify(words(value))}`,
        inPod(pod, `sysctl -w ${shellWord(`net/${name}=${words(value)}`)}`),
      );
  }
  return tunesLink(step) ? verifyLink(step, pod) : undefined;
}

function verifyLink(
  { interfaceName, txQueueLength, promiscuous, allMulticast }: TuningStep,
  pod: Pod,
): Difference | undefined {
  // A missing interface is reported by the step "veth".
  if (getLink(pod.links, { name: interfaceName }) === undefined) return undefined;
  const link = getLinkTuning(pod.links, interfaceName);
  const title = `interface ${interfaceName} in the pod`;
  const set = (words: string): string => inPod(pod, `ip link set dev ${shellWord(interfaceName)} ${words}`);
  if (txQueueLength !== undefined && link.txQueueLength !== txQueueLength)
    return curable(
      `${title} has a queue of ${link.txQueueLength} packets instead of ${txQueueLength}`,
      set(`txqueuelen ${txQueueLength}`),
    );
  if (promiscuous && !link.promiscuous) return curable(`${title} is not promiscuous`, set("promisc on"));
  return allMulticast && !link.allMulticast
    ? curable(`${title} does not take all multicast frames`, set("allmulticast on"))
    : undefined;
}

/** Refuses a pod in the host's own namespace: the pod's settings would be the node's. */
function refuseHost({ sysctls }: TuningStep, pod: Pod): void {
  const [first] = sysctls;
  if (first === undefined || !pod.isHost) return;
  throw new CniError("sysctl", {
    about: first.key,
    cause: "the pod's namespace is the host's own",
    hint: "Take sysctl out of the configuration, or give the pod a namespace of its own",
  });
}

/**
 * Sets a sysctl; the thread is in the pod's namespace. Gives the earlier value; undefined where it was right,
 * or cannot be read.
 */
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

/**
 * The value of a sysctl; undefined for one that can only be written (`flush`), or has no value yet
 * (`stable_secret`: EIO).
 */
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

/**
 * The words of a value with single spaces: the kernel puts tabs between parts that were written with spaces.
 */
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
