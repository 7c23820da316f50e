// Does the steps of a plan one after the other, and takes back what was done when one of them fails.
import type { CniError } from "../cni/error.ts";
import type { MasqueradeStep, Step } from "../plan/step.ts";
import { asCniError } from "./failure.ts";
import type { Machine } from "./machine.ts";
import { announce, verifyAnnounced } from "./steps/announce.ts";
import { limitBandwidth, undoBandwidth, verifyBandwidth } from "./steps/bandwidth.ts";
import { type Bridge, ensureBridge, verifyBridge } from "./steps/bridge.ts";
import { setUpWithDetection } from "./steps/duplicate-detection.ts";
import { ensureForwarding, verifyForwarding } from "./steps/forwarding.ts";
import { ensureGateway, verifyGateway } from "./steps/gateway.ts";
import { putHostPorts, undoHostPorts, verifyHostPorts } from "./steps/host-port.ts";
import { putIngressPolicy, undoIngressPolicy, verifyIngressPolicy } from "./steps/ingress-policy.ts";
import * as iptablesMasquerade from "./steps/iptables-masquerade.ts";
import * as masquerade from "./steps/masquerade.ts";
import { setUpPod, verifyPod } from "./steps/pod.ts";
import { putPortVlans, verifyPortVlans } from "./steps/port-vlan.ts";
import { routeBySource, undoSourceRouting, verifySourceRouting } from "./steps/source-routing.ts";
import { putSpoofCheck, undoSpoofCheck, verifySpoofCheck } from "./steps/spoof-check.ts";
import { tune, undoTuning, verifyTuning } from "./steps/tuning.ts";
import { createVeth, undoVeth, verifyVeth } from "./steps/veth.ts";
import { awaitVlanGateway, ensureVlanGateway, verifyVlanGateway } from "./steps/vlan-gateway.ts";

/** Steps that are done, and what they learnt for those after them. */
export interface Applied {
  steps: Step[];
  bridge: Bridge | undefined;
  /** The gateway's interface of a network in a VLAN. */
  vlanGateway: Bridge | undefined;
  /** Index of the pod's end in the pod. */
  podIndex: number | undefined;
}

/**
 * Does all steps in order, going on from where `applied` stands. When one fails, all that are done are
 * undone, last one first, and its error is thrown as CniError. Packet rules are undone whether or not their
 * turn came: one address may be in when the next one is refused, and an ADD that puts back a lost table puts
 * back ours too.
 */
export function applySteps(
  steps: Step[],
  machine: Machine,
  applied: Applied = { steps: [], bridge: undefined, vlanGateway: undefined, podIndex: undefined },
): Applied {
  for (const step of steps) {
    try {
      applyStep(step, machine, applied);
      applied.steps.push(step);
    } catch (error) {
      const rules = steps.filter((each) => isRules(each) && !applied.steps.includes(each));
      throw asCniError(error).withNotUndone(undoSteps([...applied.steps, ...rules], machine));
    }
  }
  return applied;
}

/**
 * Undoes steps, last one first, and goes on when one fails. Gives a sentence for each that could not be
 * undone. Packet rules go at the very end: who puts back a lost table takes out again what it put in for
 * somebody whose veth is gone.
 */
export function undoSteps(done: Step[], machine: Machine): string[] {
  const ordered = [...done.filter((step) => !isRules(step)).toReversed(), ...done.filter(isRules)];
  return ordered.flatMap((step) => {
    try {
      undoStep(step, machine);
      return [];
    } catch (error) {
      return [`${step.kind}: ${messageOf(asCniError(error))}`];
    }
  });
}

/** What is not as the steps would make it: a sentence for each step. Changes nothing. */
export function verifySteps(steps: Step[], machine: Machine): string[] {
  return steps.flatMap((step) => verifyStep(step, machine) ?? []);
}

function applyStep(step: Step, machine: Machine, applied: Applied): void {
  switch (step.kind) {
    case "bridge":
      applied.bridge = ensureBridge(step, machine);
      return;
    case "vlanGateway":
      applied.vlanGateway = ensureVlanGateway(step, machine, bridgeOf(applied));
      return;
    case "gateway":
      return ensureGateway(step, machine, applied.vlanGateway ?? bridgeOf(applied));
    case "forwarding":
      return ensureForwarding(step, machine);
    case "ingressPolicy":
      return putIngressPolicy(step, machine);
    case "spoofCheck":
      return putSpoofCheck(step, machine);
    case "veth":
      applied.podIndex = createVeth(step, machine, bridgeOf(applied).index);
      return;
    case "portVlan":
      return putPortVlans(step, machine);
    case "bandwidth":
      return limitBandwidth(step, machine, podIndexOf(applied));
    case "pod":
      if (step.detectThrough !== undefined)
        return setUpWithDetection(step, step.detectThrough, machine, podIndexOf(applied));
      return setUpPod(step, machine, podIndexOf(applied));
    case "sourceRouting":
      return routeBySource(step, machine, podIndexOf(applied));
    case "tuning":
      return tune(step, machine);
    case "masquerade":
      return masquerading(step).putMasquerade(step, machine);
    case "hostPorts":
      return putHostPorts(step, machine);
    case "announce":
      bridgeOf(applied).mac = announce(step, machine, podIndexOf(applied)) ?? bridgeOf(applied).mac;
      if (applied.vlanGateway !== undefined) awaitVlanGateway(applied.vlanGateway, machine);
      return;
  }
}

function isRules(step: Step): boolean {
  return (
    step.kind === "masquerade" ||
    step.kind === "spoofCheck" ||
    step.kind === "hostPorts" ||
    step.kind === "ingressPolicy"
  );
}

function undoStep(step: Step, machine: Machine): void {
  if (step.kind === "veth") undoVeth(step, machine);
  if (step.kind === "bandwidth") undoBandwidth(step, machine);
  if (step.kind === "sourceRouting") undoSourceRouting(step, machine);
  if (step.kind === "tuning") undoTuning(step, machine);
  if (step.kind === "masquerade") masquerading(step).undoMasquerade(step, machine);
  if (step.kind === "spoofCheck") undoSpoofCheck(step, machine);
  if (step.kind === "ingressPolicy") undoIngressPolicy(step, machine);
  if (step.kind === "hostPorts") undoHostPorts(step, machine);
}

function verifyStep(step: Step, machine: Machine): string | undefined {
  switch (step.kind) {
    case "bridge":
      return verifyBridge(step, machine);
    case "vlanGateway":
      return verifyVlanGateway(step, machine);
    case "gateway":
      return verifyGateway(step, machine);
    case "forwarding":
      return verifyForwarding(step);
    case "ingressPolicy":
      return verifyIngressPolicy(step, machine);
    case "spoofCheck":
      return verifySpoofCheck(step, machine);
    case "veth":
      return verifyVeth(step, machine);
    case "portVlan":
      return verifyPortVlans(step, machine);
    case "bandwidth":
      return verifyBandwidth(step, machine);
    case "pod":
      return verifyPod(step, machine);
    case "sourceRouting":
      return verifySourceRouting(step, machine);
    case "tuning":
      return verifyTuning(step, machine);
    case "masquerade":
      return masquerading(step).verifyMasquerade(step, machine);
    case "hostPorts":
      return verifyHostPorts(step, machine);
    case "announce":
      return verifyAnnounced(step, machine);
  }
}

function masquerading({ backend }: MasqueradeStep) {
  return backend === "iptables" ? iptablesMasquerade : masquerade;
}

function bridgeOf(applied: Applied): Bridge {
  if (applied.bridge === undefined) throw new Error("a plan starts with its bridge");
  return applied.bridge;
}

function podIndexOf(applied: Applied): number {
  if (applied.podIndex === undefined)
    throw new Error("a plan makes the veth pair before it sets up the pod's end");
  return applied.podIndex;
}

function messageOf(error: CniError): string {
  return error.details === "" ? error.message : `${error.message} (${error.details})`;
}
