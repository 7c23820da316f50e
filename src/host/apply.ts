// Does the steps of a plan one after the other, and takes back what was done when one of them fails.
import type { CniError } from "../cni/error.ts";
import type { MasqueradeStep, Step } from "../plan/step.ts";
import { asCniError } from "./failure.ts";
import type { Machine } from "./machine.ts";
import { type Bridge, ensureBridge, verifyBridge } from "./steps/bridge.ts";
import { ensureForwarding, verifyForwarding } from "./steps/forwarding.ts";
import { ensureGateway, verifyGateway } from "./steps/gateway.ts";
import { announce, verifyAnnounced } from "./steps/announce.ts";
import { setUpPod, verifyPod } from "./steps/pod.ts";
import { createVeth, undoVeth, verifyVeth } from "./steps/veth.ts";

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
 * Does all steps in order, going on from where `applied` stands. When one fails, all that are done are undone, last one
 * first, and its error is thrown as CniError. Packet rules are undone whether or not their turn came: one address may be in
 * when the next one is refused, and an ADD that puts back a lost table puts back ours too.
 */
export function applySteps(steps: Step[], machine: Machine, applied: Applied = { steps: [], bridge: undefined, vlanGateway: undefined, podIndex: undefined }): Applied {
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
 * Undoes steps, last one first, and goes on when one fails. Gives a sentence for each that could not be undone. Packet rules
 * go at the very end: who puts back a lost table takes out again what it put in for somebody whose veth is gone.
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
      applied.vlanGateway = vlanGateways().ensureVlanGateway(step, machine, bridgeOf(applied));
      return;
    case "gateway":
      return ensureGateway(step, machine, applied.vlanGateway ?? bridgeOf(applied));
    case "forwarding":
      return ensureForwarding(step, machine);
    case "ingressPolicy":
      return ingressPolicies().putIngressPolicy(step, machine);
    case "spoofCheck":
      return spoofChecking().putSpoofCheck(step, machine);
    case "veth":
      applied.podIndex = createVeth(step, machine, bridgeOf(applied).index);
      return;
    case "portVlan":
      return portVlans().putPortVlans(step, machine);
    case "bandwidth":
      return bandwidth().limitBandwidth(step, machine, podIndexOf(applied));
    case "pod":
      if (step.detectThrough !== undefined) return detection().setUpWithDetection(step, step.detectThrough, machine, podIndexOf(applied));
      return setUpPod(step, machine, podIndexOf(applied));
    case "sourceRouting":
      return sourceRouting().routeBySource(step, machine, podIndexOf(applied));
    case "tuning":
      return tuning().tune(step, machine);
    case "masquerade":
      return masquerading(step).putMasquerade(step, machine);
    case "hostPorts":
      return hostPorts().putHostPorts(step, machine);
    case "announce":
      bridgeOf(applied).mac = announce(step, machine, podIndexOf(applied)) ?? bridgeOf(applied).mac;
      if (applied.vlanGateway !== undefined) vlanGateways().awaitVlanGateway(applied.vlanGateway, machine);
      return;
  }
}

function isRules(step: Step): boolean {
  return step.kind === "masquerade" || step.kind === "spoofCheck" || step.kind === "hostPorts" || step.kind === "ingressPolicy";
}

function undoStep(step: Step, machine: Machine): void {
  if (step.kind === "veth") undoVeth(step, machine);
  if (step.kind === "bandwidth") bandwidth().undoBandwidth(step, machine);
  if (step.kind === "sourceRouting") sourceRouting().undoSourceRouting(step, machine);
  if (step.kind === "tuning") tuning().undoTuning(step, machine);
  if (step.kind === "masquerade") masquerading(step).undoMasquerade(step, machine);
  if (step.kind === "spoofCheck") spoofChecking().undoSpoofCheck(step, machine);
  if (step.kind === "ingressPolicy") ingressPolicies().undoIngressPolicy(step, machine);
  if (step.kind === "hostPorts") hostPorts().undoHostPorts(step, machine);
}

function verifyStep(step: Step, machine: Machine): string | undefined {
  switch (step.kind) {
    case "bridge":
      return verifyBridge(step, machine);
    case "vlanGateway":
      return vlanGateways().verifyVlanGateway(step, machine);
    case "gateway":
      return verifyGateway(step, machine);
    case "forwarding":
      return verifyForwarding(step);
    case "ingressPolicy":
      return ingressPolicies().verifyIngressPolicy(step, machine);
    case "spoofCheck":
      return spoofChecking().verifySpoofCheck(step, machine);
    case "veth":
      return verifyVeth(step, machine);
    case "portVlan":
      return portVlans().verifyPortVlans(step, machine);
    case "bandwidth":
      return bandwidth().verifyBandwidth(step, machine);
    case "pod":
      return verifyPod(step, machine);
    case "sourceRouting":
      return sourceRouting().verifySourceRouting(step, machine);
    case "tuning":
      return tuning().verifyTuning(step, machine);
    case "masquerade":
      return masquerading(step).verifyMasquerade(step, machine);
    case "hostPorts":
      return hostPorts().verifyHostPorts(step, machine);
    case "announce":
      return verifyAnnounced(step, machine);
  }
}

/** Loaded for those who want it: a network without masquerading does not pay for it (docs/decisions/0004-cold-code.md). */
function masquerading({ backend }: MasqueradeStep) {
  if (backend === "iptables") return require("./steps/iptables-masquerade.ts") as typeof import("./steps/iptables-masquerade.ts");
  return require("./steps/masquerade.ts") as typeof import("./steps/masquerade.ts");
}

/** The same for IPv6 duplicate address detection. */
function detection() {
  return require("./steps/duplicate-detection.ts") as typeof import("./steps/duplicate-detection.ts");
}

/** The same for the MAC spoof check. */
function spoofChecking() {
  return require("./steps/spoof-check.ts") as typeof import("./steps/spoof-check.ts");
}

/** The same for ingress policies. */
function ingressPolicies() {
  return require("./steps/ingress-policy.ts") as typeof import("./steps/ingress-policy.ts");
}

/** The same for host ports. */
function hostPorts() {
  return require("./steps/host-port.ts") as typeof import("./steps/host-port.ts");
}

/** The same for limits of bandwidth. */
function bandwidth() {
  return require("./steps/bandwidth.ts") as typeof import("./steps/bandwidth.ts");
}

/** The same for source based routing. */
function sourceRouting() {
  return require("./steps/source-routing.ts") as typeof import("./steps/source-routing.ts");
}

/** The same for settings inside the pod. */
function tuning() {
  return require("./steps/tuning.ts") as typeof import("./steps/tuning.ts");
}

/** The same for VLANs. */
function vlanGateways() {
  return require("./steps/vlan-gateway.ts") as typeof import("./steps/vlan-gateway.ts");
}

function portVlans() {
  return require("./steps/port-vlan.ts") as typeof import("./steps/port-vlan.ts");
}

function bridgeOf(applied: Applied): Bridge {
  if (applied.bridge === undefined) throw new Error("a plan starts with its bridge");
  return applied.bridge;
}

function podIndexOf(applied: Applied): number {
  if (applied.podIndex === undefined) throw new Error("a plan makes the veth pair before it sets up the pod's end");
  return applied.podIndex;
}

function messageOf(error: CniError): string {
  return error.details === "" ? error.message : `${error.message} (${error.details})`;
}
