// The differences between an attachment and what is there, as far as the node's side shows them. CHECK and
// doctor also look into the pod.
import type { Attachment } from "../attachment/attachment.ts";
import { type BridgePortLink, hostEndOf } from "../attachment/link.ts";
import {
  downBridge,
  downEnd,
  HAIRPIN,
  ISOLATION,
  missingBridge,
  missingEnd,
  notPort,
  wrongSetting,
} from "../host/sentence.ts";
import type { CountedLink } from "../net/link-list.ts";
import type { StepName } from "../plan/step.ts";
import { stepOf } from "../plan/steps.ts";

/** What there is of an attachment. */
export interface Seen {
  hostLink: CountedLink | undefined;
  /** All links of the node, by name. */
  links: ReadonlyMap<string, CountedLink>;
  /** The kinds of rules that networks have lost, by the network's name. */
  lost: ReadonlyMap<string, readonly StepName[]>;
}

/** A sentence for each difference, without its full stop. */
export function driftOf(attachment: Attachment, { hostLink, links, lost }: Seen): string[] {
  const { link, key } = attachment;
  if (hostLink === undefined) {
    const end = hostEndOf(link);
    if (end !== undefined) return [missingEnd(end.name)];
  }
  const problems: string[] = [];
  if (hostLink !== undefined) {
    if (!hostLink.up) problems.push(downEnd(hostLink.name));
    if (link.kind === "bridgePort") addPortDrift(problems, { link, hostLink, links });
  }
  const kinds = lost.get(key.network);
  return kinds === undefined ? problems : [...new Set([...problems, ...lossOf(attachment, kinds)])];
}

function lossOf(attachment: Attachment, kinds: readonly StepName[]): string[] {
  return kinds
    .filter((kind) => stepOf(kind, attachment) !== undefined)
    .map((kind) => LOST[kind] ?? `rules of ${kind} are missing`);
}

/** The sentence about each kind of which rules can be lost. */
const LOST: Partial<Record<StepName, string>> = {
  masquerade: "rules of masquerading are missing",
  iptablesMasquerade: "rules of masquerading are missing",
  ingressPolicy: "rules of the ingress policy are missing",
  spoofCheck: "rules of the spoof check are missing",
  nodeSpoofCheck: "rules of the spoof check are missing",
  arpCheck: "rules of the spoof check are missing",
  hostPorts: "rules of host ports are missing",
};

/** A port of a bridge, and what there is of it. */
interface SeenPort extends Pick<Seen, "links"> {
  link: BridgePortLink;
  hostLink: CountedLink;
}

function addPortDrift(problems: string[], { link, hostLink, links }: SeenPort): void {
  const { bridge, isolated, hairpin } = link;
  const found = links.get(bridge.name);
  const { name, master, port } = hostLink;
  if (found === undefined) problems.push(missingBridge(bridge.name));
  else if (master !== found.index) problems.push(notPort(name, bridge.name));
  else {
    if (!found.up) problems.push(downBridge(bridge.name));
    if (port === undefined) return;
    if (port.isolated !== isolated) problems.push(wrongSetting(ISOLATION, name, port.isolated));
    if (port.hairpin !== hairpin) problems.push(wrongSetting(HAIRPIN, name, port.hairpin));
  }
}
