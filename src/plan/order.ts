// The order of an attachment's steps, and the traits of each kind. Pure.
import type { Step, StepName } from "./step.ts";

/** The traits of a kind of steps: what holds for all its steps. */
export interface Traits {
  /** Other attachments use the thing too: it is never taken back. */
  stays?: true;
  /** Packet rules: when an ADD is taken back they go after all else, even if their turn had not come. */
  isRule?: true;
  /**
   * Nothing of the step is there before its turn, or when its turn came and the node's lock was not free: all
   * of it happens under that lock, and no other ADD puts it in for this attachment.
   */
  isUnderLock?: true;
  /** The step needs the pod's addresses, so it is done when a foreign IPAM plugin has named them. */
  needsAddress?: true;
}

/**
 * The order of an ADD, and the traits of each kind. docs/architecture.md quotes it; a test compares the two.
 */
export const ORDER = {
  bridge: { stays: true },
  vlanGateway: { stays: true, needsAddress: true },
  gateway: { stays: true, needsAddress: true },
  forwarding: { stays: true, needsAddress: true },
  ingressPolicy: { isRule: true, isUnderLock: true, needsAddress: true },
  // The check comes before there is an interface that could send a frame.
  spoofCheck: { isRule: true },
  nodeSpoofCheck: { isRule: true },
  arpCheck: { isRule: true },
  veth: {},
  wire: {},
  device: {},
  // Limits and VLANs come before the pod's end is up, so that no packet evades them.
  bandwidth: {},
  portVlan: {},
  // A forwarding entry is made for each VLAN that the port is in.
  portMac: {},
  pod: { needsAddress: true },
  sourceRouting: { needsAddress: true },
  // Tuning overrides the settings of earlier steps, and later steps heed it.
  tuning: { needsAddress: true },
  masquerade: { isRule: true, needsAddress: true },
  iptablesMasquerade: { isRule: true, needsAddress: true },
  hostPorts: { isRule: true, needsAddress: true },
  // Packets find the pod when all that holds for them is there.
  hostRoute: { needsAddress: true },
  // Both ends are up by now.
  wireCarrier: { needsAddress: true },
  // The port comes up last, and once.
  announce: { needsAddress: true },
} as const satisfies Record<StepName, Traits>;

/** All kinds, in the order of an ADD. */
export const STEP_NAMES = Object.keys(ORDER) as StepName[];

/** The traits of a kind. */
export function traitsOf(name: StepName): Traits {
  return ORDER[name];
}

/**
 * True for a step that is done before a foreign IPAM plugin is asked, and again when it has named the
 * addresses.
 */
export function isDoneAgain(step: Step): boolean {
  const isCheck = step.kind === "spoofCheck" || step.kind === "nodeSpoofCheck" || step.kind === "arpCheck";
  return isCheck && step.addresses !== undefined;
}
