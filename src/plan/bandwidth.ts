// From rates in bits to token buckets in bytes. Pure. What is sane was measured: with less burst than 10 ms
// of the rate a fast link does not reach its rate, with more it exceeds it; with less time to wait slow links
// drop, with more they only delay.
import type { BandwidthConfig, Shaping } from "../cni/bandwidth.ts";
import type { BandwidthStep, TokenBucket } from "./step.ts";

/** Bytes. */
const LEAST_BURST = 16_000;
const MOST_BURST = 1_250_000;
const BURST_S = 0.01;
/** From this many bytes per second on a link is fast. */
const FAST = 1_250_000;
const FAST_WAIT_S = 0.025;
const SLOW_WAIT_S = 0.1;
/** The kernel counts bytes that wait in 32 bits. */
const UINT32 = 0xffff_ffff;
/** What stands in front of a packet on the wire: ETH_HLEN and a VLAN's tag. */
const FRAME_HEADER = 18;

export interface BandwidthInput {
  bandwidth: BandwidthConfig;
  hostInterface: string;
  interfaceName: string;
  /** Bytes: the largest packet. */
  mtu: number;
  /** The device for what the pod sends; undefined where that is held back inside the pod. */
  ifb: { name: string; mac: string; alias: string } | undefined;
}

export interface BandwidthPlan {
  step: BandwidthStep;
  /** A sentence for each value that was not taken as it is. */
  notices: string[];
}

/** The limits of a pod as a step. */
export function planBandwidth({
  bandwidth,
  hostInterface,
  interfaceName,
  mtu,
  ifb,
}: BandwidthInput): BandwidthPlan {
  const { ingress, egress } = bandwidth;
  const notices: string[] = [];
  const bucket = (direction: string, shaping: Shaping | undefined): TokenBucket | undefined =>
    shaping && bucketOf(direction, shaping, mtu, notices);
  return {
    step: {
      kind: "bandwidth",
      hostInterface,
      interfaceName,
      ingress: bucket("ingress", ingress),
      egress: bucket("egress", egress),
      ifb: ifb && { ...ifb, mtu },
    },
    notices,
  };
}

/**
 * A burst of more than a second of the rate is none: runtimes send 2147483647, 4294967295 or 34359738359
 * where nobody asked for one. A packet that is larger than the bucket would never pass.
 */
function bucketOf(direction: string, shaping: Shaping, mtu: number, notices: string[]): TokenBucket {
  const rate = Math.floor(shaping.rate / 8);
  const least = mtu + FRAME_HEADER;
  const usual = Math.max(least, Math.min(MOST_BURST, Math.max(LEAST_BURST, Math.round(rate * BURST_S))));
  const given = Math.ceil(shaping.burst / 8);
  let burst = given === 0 ? usual : given;
  if (given > rate) burst = usual;
  else if (given > 0 && given < least) burst = least;
  burst = Math.min(burst, UINT32);
  if (given > 0 && burst !== given)
    notices.push(
      notice(
        direction,
        shaping,
        burst,
        given < burst ? "the largest packet needs more" : "it is more than a second of the rate",
      ),
    );
  const wait = rate >= FAST ? FAST_WAIT_S : SLOW_WAIT_S;
  return { rate, burst, limit: Math.min(UINT32, burst + Math.round(rate * wait)) };
}

function notice(direction: string, { rate, burst }: Shaping, bytes: number, why: string): string {
  return `${direction}Burst ${burst} with ${direction}Rate ${rate}: ${bytes * 8} bits are used, because ${why}`;
}
