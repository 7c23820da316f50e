// What one visit to a pod tells: differences from its ADD, its neighbours, and who listens in it.
import type { Attachment } from "../attachment/attachment.ts";
import type { CniError } from "../cni/error.ts";
import { PROTOCOLS } from "../cni/host-port-config.ts";
import { asCniError, explain } from "../failure/failure.ts";
import { type Difference, incurable } from "../host/difference.ts";
import { openRecordedPod } from "../host/namespace.ts";
import type { Node } from "../host/node.ts";
import type { Pod } from "../host/pod.ts";
import { verifyStep } from "../host/verify.ts";
import type { Family } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";
import { listAddresses } from "../net/address.ts";
import { getLink } from "../net/link.ts";
import { type Listener, listListeners } from "../net/listener.ts";
import { listNeighbours, type Neighbour } from "../net/neighbour.ts";
import { NetlinkSocket } from "../netlink/socket.ts";
import { NETLINK_SOCK_DIAG } from "../netlink/uapi/sock_diag.ts";
import { PROTOCOLS as NUMBERS } from "../nft/port-mapping.ts";
import { recalling } from "../nft/recall.ts";
import { traitsOf } from "../plan/order.ts";
import type { Step, StepName } from "../plan/step.ts";
import { stepsOf } from "../plan/steps.ts";
import { withCachedResult } from "../survey/cached-result.ts";
import type { SurveyedAttachment } from "../survey/survey.ts";
import { isErrno, SystemError } from "../sys/errno.ts";
import { nameOf } from "./finding.ts";

/** A listening socket and its protocol. */
export interface PodListener extends Listener {
  protocol: (typeof PROTOCOLS)[number];
}

/** A difference from the step of that kind. */
export interface StepDifference {
  step: StepName;
  difference: Difference;
  /** What helps where no command does; undefined: to make the pod anew. */
  advice?: string;
}

/** The facts about one pod. */
export interface PodFacts {
  surveyed: SurveyedAttachment;
  differences: StepDifference[];
  /** The neighbours that somebody entered by hand, which the kernel does not learn. */
  neighbours: Neighbour[];
  /** The addresses of the pod's interface, those that the ADD did not give it among them. */
  addresses: Prefix[];
  /** The families of the neighbours that the kernel learned. All namespaces share one table of a family. */
  learned: Family[];
  /** The listening sockets; undefined where they cannot be seen, or nobody asks for them. */
  listeners: PodListener[] | undefined;
  /** The reason why not all of it could be looked at. */
  refusal?: CniError;
}

/**
 * Visits these pods, each once; with `hasAllListeners` all listening sockets are looked for. A step that pods
 * share is compared once: equal steps are one.
 */
export function lookIntoPods(
  attached: readonly SurveyedAttachment[],
  node: Node,
  hasAllListeners: boolean,
): PodFacts[] {
  const shared = new Map<string, Difference | undefined>();
  return recalling(() => attached.map((surveyed) => visitPod(surveyed, { node, shared, hasAllListeners })));
}

function visitPod(surveyed: SurveyedAttachment, visit: Omit<Visit, "pod">): PodFacts {
  const facts: PodFacts = {
    surveyed,
    differences: [],
    neighbours: [],
    addresses: [],
    learned: [],
    listeners: undefined,
  };
  try {
    using pod = openRecordedPod(surveyed.attachment, visit.node);
    if (pod !== undefined) look(facts, { ...visit, pod });
    else facts.differences.push(gone(surveyed.attachment));
  } catch (error) {
    facts.refusal = refusalOf(error, surveyed);
  }
  return facts;
}

/** The reason why a pod could not be looked into. Only entering its namespace needs more than NET_ADMIN. */
function refusalOf(error: unknown, surveyed: SurveyedAttachment): CniError {
  if (!(error instanceof SystemError)) return asCniError(error);
  const hint = isErrno(error, "EPERM")
    ? "Run it as root on the node; entering a pod's namespace needs CAP_SYS_ADMIN"
    : undefined;
  return explain("ioFailure", `${nameOf(surveyed)} cannot be looked into`, error, hint);
}

/** What is left of a pod without its namespace keeps its address and its rules until a DEL. */
function gone({ key: { containerId }, namespace: { path } }: Attachment): StepDifference {
  return {
    step: "pod",
    difference: incurable(`its network namespace ${path} is gone or replaced`),
    advice: `Delete the pod; where its runtime has forgotten it, "pontoon rm ${containerId}" takes down what is left`,
  };
}

interface Visit {
  pod: Pod;
  node: Node;
  /** The differences of shared steps that were compared already, by the step as text. */
  shared: Map<string, Difference | undefined>;
  /** Listening sockets are looked for in each pod, not only in one with host ports. */
  hasAllListeners: boolean;
}

function look(facts: PodFacts, visit: Visit): void {
  const { pod } = visit;
  const { attachment } = facts.surveyed;
  // A record of version 1 does not tell the settings of bridge and port.
  const steps = attachment.version === 1 ? [] : stepsOf(withCachedResult(attachment));
  for (const step of steps) {
    const difference = differenceOf(step, visit);
    if (difference !== undefined) facts.differences.push({ step: step.kind, difference });
  }
  const neighbours = listNeighbours(pod.links);
  facts.neighbours = neighbours.filter(({ isPermanent }) => isPermanent);
  facts.learned = familiesOfLearned(neighbours);
  const index = getLink(pod.links, { name: attachment.link.pod.name })?.index;
  if (index !== undefined) facts.addresses = listAddresses(pod.links, index).map(({ prefix }) => prefix);
  if (visit.hasAllListeners || attachment.hostPorts !== undefined) facts.listeners = listenersIn(pod);
}

/** The family of each neighbour that the kernel counts in its table: those entered by hand it does not. */
export function familiesOfLearned(neighbours: readonly Neighbour[]): Family[] {
  return neighbours.filter(({ isPermanent }) => !isPermanent).map(({ address }) => address.family);
}

function differenceOf(step: Step, { pod, node, shared }: Visit): Difference | undefined {
  if (traitsOf(step.kind).stays !== true) return verifyStep(step, { node, pod });
  const text = JSON.stringify(step, (_, value) => (typeof value === "bigint" ? String(value) : value));
  if (!shared.has(text)) shared.set(text, verifyStep(step, { node, pod }));
  return shared.get(text);
}

function listenersIn(pod: Pod): PodListener[] {
  using socket = pod.inside(() => NetlinkSocket.open(NETLINK_SOCK_DIAG));
  return PROTOCOLS.flatMap((protocol) =>
    listListeners(socket, NUMBERS[protocol], 0).map((listener) => ({ ...listener, protocol })),
  );
}
