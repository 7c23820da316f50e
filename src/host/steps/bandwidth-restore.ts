// Limits of bandwidth that somebody took away on the node, for `pontoon restore`. Those inside a pod are the
// pod's affair.
import { needsIfb } from "../../cni/bandwidth.ts";
import { getLink, randomMac } from "../../net/link.ts";
import { deleteIngressMessage } from "../../net/traffic-control.ts";
import type { LostRules } from "../../nft/answer.ts";
import { aliasOf } from "../../plan/add.ts";
import { planBandwidth } from "../../plan/bandwidth.ts";
import type { BandwidthStep } from "../../plan/step.ts";
import type { AttachmentRecord } from "../../record/attachment.ts";
import { attachmentDigest, ifbName } from "../../record/digest.ts";
import { isErrno } from "../../sys/errno.ts";
import type { Machine } from "../machine.ts";
import { limitBandwidth, verifyBandwidth } from "./bandwidth.ts";

export type RecordedBandwidth = BandwidthStep & { owner: string };

/** The limits on the node that a record tells of; undefined when it has none. */
export function bandwidthOfRecord({
  key,
  bandwidth,
  hostInterface,
  mtu,
  pod,
}: AttachmentRecord): RecordedBandwidth | undefined {
  if (bandwidth === undefined) return undefined;
  const onNode = { ...bandwidth, egress: needsIfb(bandwidth) ? bandwidth.egress : undefined };
  if (onNode.ingress === undefined && onNode.egress === undefined) return undefined;
  const ifb = onNode.egress && { name: ifbName(key), mac: randomMac(), alias: aliasOf(key, pod) };
  return {
    ...planBandwidth({ bandwidth: onNode, hostInterface, interfaceName: key.interfaceName, mtu, ifb }).step,
    owner: attachmentDigest(key),
  };
}

/** Limits that are not as they were made: one for an attachment, whatever it lacks. Throws SystemError. */
export function countLostLimits(steps: readonly RecordedBandwidth[], machine: Machine): LostRules {
  const lost = steps.filter((step) => verifyBandwidth(step, machine) !== undefined);
  return { shared: 0, byOwner: new Map(lost.map(({ owner }) => [owner, 1])) };
}

/** Makes them anew. */
export function putLimits(step: RecordedBandwidth, machine: Machine): void {
  const port = getLink(machine.links, { name: step.hostInterface });
  if (port === undefined) return;
  if (step.ifb !== undefined) {
    // A filter that leads somewhere else would stay in front of ours.
    const [outcome] = machine.links.transact([deleteIngressMessage(port.index)]);
    if (outcome?.error !== undefined && !isErrno(outcome.error, "ENOENT", "EINVAL")) throw outcome.error;
  }
  limitBandwidth(step, machine);
}
