// Token buckets in bytes, made from rates in bits. Pure. The limits were measured: with a burst below 10 ms
// of the rate a fast link does not reach its rate, with a larger one it exceeds it; with a shorter queue slow
// links drop packets, with a longer one they only delay them.
import type { Attachment } from "../attachment/attachment.ts";
import { hostEndOf } from "../attachment/link.ts";
import { aliasOf, ifbName } from "../attachment/name.ts";
import { needsIfb, type Shaping } from "../cni/bandwidth.ts";
import type { BandwidthStep, TokenBucket } from "./step.ts";

/** The smallest burst, in bytes. */
const LEAST_BURST = 16_000;
const MOST_BURST = 1_250_000;
const BURST_S = 0.01;
/** The rate in bytes per second from which a link counts as fast. */
const FAST = 1_250_000;
const FAST_WAIT_S = 0.025;
const SLOW_WAIT_S = 0.1;
/** The largest number of waiting bytes: the kernel counts them in 32 bits. */
const UINT32 = 0xffff_ffff;
/** The bytes in front of a packet on the wire: ETH_HLEN and a VLAN's tag. */
const FRAME_HEADER = 18;

/** The limits of a pod as a step; undefined when there is none. */
export function bandwidthStep({ bandwidth, key, pod, link }: Attachment): BandwidthStep | undefined {
  const host = hostEndOf(link);
  if (bandwidth === undefined || host === undefined) return undefined;
  const { ingress, egress, ifbMac } = bandwidth;
  const { mtu = 0 } = link;
  return {
    kind: "bandwidth",
    key,
    hostInterface: host.name,
    interfaceName: link.pod.name,
    ingress: ingress && bucketOf(ingress, mtu),
    egress: egress && bucketOf(egress, mtu),
    ifb: needsIfb(bandwidth) ? { name: ifbName(key), mac: ifbMac, alias: aliasOf(key, pod), mtu } : undefined,
  };
}

/** A sentence for each limit that Pontoon changes. */
export function bandwidthNotices({ bandwidth, link: { mtu = 0 } }: Attachment): string[] {
  return (["ingress", "egress"] as const).flatMap((direction) => {
    const shaping = bandwidth?.[direction];
    return shaping === undefined ? [] : noticeOf(direction, shaping, mtu);
  });
}

/**
 * The bucket of a rate. A burst of more than a second of the rate counts as absent: runtimes send 2147483647,
 * 4294967295 or 34359738359 where a user asked for none. The bucket has room for the largest packet, which
 * would never pass otherwise.
 */
function bucketOf(shaping: Shaping, mtu: number): TokenBucket {
  const rate = bytesOf(shaping);
  const least = mtu + FRAME_HEADER;
  const usual = Math.max(least, Math.min(MOST_BURST, Math.max(LEAST_BURST, Math.round(rate * BURST_S))));
  const given = Math.ceil(shaping.burst / 8);
  let burst = given === 0 ? usual : given;
  if (given > rate) burst = usual;
  else if (given > 0 && given < least) burst = least;
  burst = Math.min(burst, UINT32);
  const wait = rate >= FAST ? FAST_WAIT_S : SLOW_WAIT_S;
  return { rate, burst, limit: Math.min(UINT32, burst + Math.round(rate * wait)) };
}

function noticeOf(direction: string, shaping: Shaping, mtu: number): string[] {
  const given = Math.ceil(shaping.burst / 8);
  const { burst } = bucketOf(shaping, mtu);
  if (given === 0 || burst === given) return [];
  const why = given < burst ? "the largest packet needs more" : "it is more than a second of the rate";
  const asked = `${direction}Burst ${shaping.burst} with ${direction}Rate ${shaping.rate}`;
  return [`${asked}: ${burst * 8} bits are used, because ${why}`];
}

/** Bytes per second. */
function bytesOf({ rate }: Shaping): number {
  return Math.floor(rate / 8);
}
