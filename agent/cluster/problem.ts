// What is not as it should be in the cluster or on the node: told in the log, by a metric and as an Event.

/**
 * The kinds of problems. Programs rely on them, so a kind keeps its name; docs/kubernetes.md says what each
 * means.
 */
export type ProblemCode =
  | "no-node"
  | "no-pod-cidr"
  | "wrong-pod-cidr"
  | "wrong-address"
  | "no-address"
  | "same-address"
  | "same-mac"
  | "overlap"
  | "no-direct-way"
  | "mtu-above-tunnel"
  | `refused-${string}`
  | "wrong-wish"
  | "wrong-conflist"
  | "apply-failed"
  | `note-${string}`
  | "pod-cidr-changed"
  | `finding-${string}`;

/** A code of the executable as those of the agent are written: `noUplink` is `no-uplink`. */
export function kebabCase(code: string): string {
  return code.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** A problem, in one sentence. */
export interface Problem {
  code: ProblemCode;
  /** The node that it is about. */
  node: string;
  text: string;
}
