// The settings inside the pod's namespace as a step. Pure.
import { INTERFACE_PLACEHOLDER, type TuningConfig } from "../cni/tuning.ts";
import type { Step, TuningStep } from "./step.ts";

/** The settings of a pod whose interface has this name. */
export function planTuning({ sysctls, ...link }: TuningConfig, interfaceName: string): TuningStep {
  const named = sysctls.map(({ key, name, value }) => ({
    key,
    name: name.replaceAll(INTERFACE_PLACEHOLDER, interfaceName),
    value,
  }));
  return { kind: "tuning", interfaceName, sysctls: named, ...link, former: [] };
}

/**
 * Puts the step where it counts more than what was set before, and is heeded by what comes after: behind the
 * pod's addresses and routes.
 */
export function insertTuning(steps: Step[], tuning: TuningConfig, interfaceName: string): void {
  const next = steps.findIndex(({ kind }) => kind === "masquerade" || kind === "announce");
  steps.splice(next < 0 ? steps.length : next, 0, planTuning(tuning, interfaceName));
}
