// The pod's end of a veth whose attachment goes.
import type { Attachment } from "../../../attachment/attachment.ts";
import { bridgeOf } from "../../../attachment/link.ts";
import { keyOfAlias } from "../../../attachment/name.ts";
import type { Result } from "../../../cni/result.ts";
import { getLink } from "../../../net/link.ts";
import { removeLink } from "../../../net/link-change.ts";
import { podMacOf } from "../../../plan/result.ts";
import type { Node } from "../../node.ts";
import type { Pod } from "../../pod.ts";
import { forgetMacsFollow } from "../bridge/macs-follow.ts";

/**
 * Removes the veth of that name in the pod, if it has the MAC: then the pair is the attachment's, although
 * its host end has another name. An end with the alias of an attachment is that of a wire, which may have
 * another pod at its other end. Throws SystemError.
 */
export function removePodEnd(pod: Pod | undefined, name: string, mac: string | undefined): void {
  if (pod === undefined || pod.isHost || mac === undefined) return;
  const link = getLink(pod.links, { name });
  if (link?.kind === "veth" && link.mac === mac && keyOfAlias(link.alias) === undefined)
    removeLink(pod.links, { index: link.index });
}

/** An attachment that goes, with the sources that may tell the pod's last MAC. */
export interface LastMac {
  attachment: Attachment | undefined;
  prevResult: Result | undefined;
  pod: Pod | undefined;
}

/**
 * Takes the alias from the bridge when the pod ended with another MAC: a plugin behind Pontoon (tuning) may
 * have set it, and neighbours know the pod's address by it. When no result tells the MAC and the pod has
 * gone, the MAC counts as changed. Throws SystemError.
 */
export function forgetChangedMac({ attachment, prevResult, pod }: LastMac, node: Node): void {
  const bridge = attachment && bridgeOf(attachment.link);
  if (attachment === undefined || bridge === undefined) return;
  const { pod: podEnd } = attachment.link;
  const told = podMacOf(prevResult, podEnd.name);
  const last = told ?? (pod && getLink(pod.links, { name: podEnd.name })?.mac);
  if (last !== podEnd.mac) forgetMacsFollow(bridge, node);
}
