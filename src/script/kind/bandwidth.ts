// The limits of bandwidth: token buckets.
import type { BandwidthStep, TokenBucket } from "../../plan/step.ts";
import { sh } from "../shell.ts";
import { mtuWords, ONE_QUEUE, part, type Writer } from "../writer.ts";

export const bandwidth: Writer<BandwidthStep> = {
  add({ hostInterface, interfaceName, ingress, egress, ifb }, { netns }) {
    const toPod =
      ingress === undefined
        ? []
        : [
            part(
              "What the pod receives waits at the node's end of its pair.",
              `tc ${bucket(hostInterface, ingress)}`,
            ),
          ];
    if (egress === undefined) return toPod;
    if (ifb === undefined)
      return [
        ...toPod,
        part(
          "What the pod sends waits at its own end.",
          `${sh`tc -n ${netns}`} ${bucket(interfaceName, egress)}`,
        ),
      ];
    const { name, mac, mtu } = ifb;
    return [
      ...toPod,
      part(
        "What the pod sends waits in a device of the node, out of the pod's reach.",
        sh`ip link add dev ${name} ${mac === undefined ? [] : ["address", mac]} ${mtuWords(mtu)} ${ONE_QUEUE} type ifb`,
        sh`ip link set dev ${name} addrgenmode none`,
        `tc ${bucket(name, egress)}`,
        sh`ip link set dev ${name} up`,
      ),
      part(
        "All that comes in from the pod is led through that device.",
        sh`tc qdisc add dev ${hostInterface} ingress`,
        sh`tc filter add dev ${hostInterface} parent ffff: protocol all u32 match u32 0 0 action mirred egress redirect dev ${name}`,
      ),
    ];
  },
  del: ({ ifb }) => ({
    links:
      ifb === undefined
        ? []
        : [part("The device in which the pod's packets waited.", sh`ip link delete dev ${ifb.name}`)],
  }),
};

/** The words behind `tc` that make a token bucket. A rate in `bps` is in bytes per second. */
function bucket(name: string, { rate, burst, limit }: TokenBucket): string {
  return sh`qdisc replace dev ${name} root tbf rate ${`${rate}bps`} burst ${burst} limit ${limit}`;
}
