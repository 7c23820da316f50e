// The limits of bandwidth of a pod. The keys are those of the reference `bandwidth`, in the entry for all
// pods of the network, in runtimeConfig for one pod.
import type { BandwidthShape, Shape } from "./netconf-keys.ts";
import type { Problems } from "./problems.ts";

/** The limit of one direction. */
export interface Shaping {
  /** bit/s. */
  rate: number;
  /** Bits; 0: Pontoon chooses. */
  burst: number;
}

export interface BandwidthConfig {
  /** The limit of packets to the pod. */
  ingress?: Shaping | undefined;
  /** The limit of packets from the pod. */
  egress?: Shaping | undefined;
  /** True: packets from the pod wait inside the pod; false: they wait in a device of the node. */
  egressInPod: boolean;
}

/** True when a device of the node shapes the pod's outgoing traffic. */
export function needsIfb({ egress, egressInPod }: BandwidthConfig): boolean {
  return egress !== undefined && !egressInPod;
}

/** The smallest rate, in bit/s: the kernel counts whole bytes per second. */
export const SMALLEST_RATE = 8;

/**
 * The limits. A rate of runtimeConfig counts before that of the entry and brings its own burst along; the
 * reference takes no notice of runtimeConfig when the entry has one of the keys. A rate of 0 is none.
 * Undefined when nothing is limited.
 */
export function readBandwidth(shape: Shape, problems: Problems): BandwidthConfig | undefined {
  if (!saysSomethingOfLimits(shape)) return undefined;
  const ofPod = { shape: shape.runtimeConfig?.bandwidth ?? {}, path: "runtimeConfig.bandwidth." };
  const ofEntry = { shape, path: "" };
  const ingress = readShaping(ofPod, "ingress", problems) ?? readShaping(ofEntry, "ingress", problems);
  const egress = readShaping(ofPod, "egress", problems) ?? readShaping(ofEntry, "egress", problems);
  return ingress === undefined && egress === undefined
    ? undefined
    : { ingress, egress, egressInPod: shape.egressInPod ?? false };
}

/** True when the configuration has a key of limits. Most networks have none, and pay only this look. */
function saysSomethingOfLimits(shape: Shape): boolean {
  return (
    shape.ingressRate !== undefined ||
    shape.ingressBurst !== undefined ||
    shape.egressRate !== undefined ||
    shape.egressBurst !== undefined ||
    shape.runtimeConfig?.bandwidth !== undefined
  );
}

/** Where limits are asked for. */
interface LimitSource {
  shape: BandwidthShape;
  /** What sentences write in front of the keys. */
  path: string;
}

function readShaping(
  { shape, path }: LimitSource,
  direction: "ingress" | "egress",
  problems: Problems,
): Shaping | undefined {
  const rate = shape[`${direction}Rate`] ?? 0;
  const burst = shape[`${direction}Burst`] ?? 0;
  const [rateAt, burstAt] = [`${path}${direction}Rate`, `${path}${direction}Burst`];
  if (rate !== 0 && rate < SMALLEST_RATE)
    problems.add(rateAt, rate, `must be 0 (no limit) or at least ${SMALLEST_RATE} bit/s`);
  if (burst < 0) problems.add(burstAt, burst, "must be a number of bits, or 0 (pontoon decides)");
  else if (burst > 0 && rate === 0)
    problems.add(
      burstAt,
      burst,
      `if burst is set, rate must also be set; give ${direction}Rate, or take the burst out`,
    );
  return rate === 0 ? undefined : { rate, burst };
}
