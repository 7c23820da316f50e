// The veth pair: the host's end is a port of a bridge or the node's alone, the pod's end is born inside the
// pod's namespace.
import { CniError } from "../../../cni/error.ts";
import { attempt, explain } from "../../../failure/failure.ts";
import {
  getLink,
  getLinkMessage,
  getLinks,
  type Indices,
  type Link,
  type LinkPort,
  readIndices,
} from "../../../net/link.ts";
import {
  changeLinkMessage,
  createVethMessage,
  type LinkChange,
  removeLink,
} from "../../../net/link-change.ts";
import type { Message } from "../../../netlink/socket.ts";
import type { PortSettings, VethStep } from "../../../plan/step.ts";
import { errnoOf, isErrno, SystemError } from "../../../sys/errno.ts";
import type { Applying, Place, StepKind } from "../../kind.ts";
import type { Node } from "../../node.ts";
import type { Pod } from "../../pod.ts";

export const veth: StepKind<VethStep> = {
  apply: createVeth,
  remove: ({ host }) => ({ links: [host.name] }),
  verify: verifyVeth,
};

/**
 * Creates the pair and notes the index of its end in the pod. The interface must not exist in the pod. A host
 * end of that name is left by a dead attachment, since the ADD holds the attachment's record, and is
 * replaced. All requests go in one send: the kernel would drop or refuse the second request's settings in the
 * first, and the third asks for the index.
 */
function createVeth(step: VethStep, on: Applying): void {
  const { host, pod } = attempt("link", step.host.name, () => {
    const first = sendVeth(step, on);
    if (!(first instanceof SystemError)) return first;
    if (!isErrno(first, "EEXIST")) throw first;
    checkInterfaceIsFree(step.pod.name, on.pod);
    removeLink(on.node.links, step.host);
    const second = sendVeth(step, on);
    if (!(second instanceof SystemError)) return second;
    throw second;
  });
  on.hostIndex = host;
  on.podIndex = pod;
}

/**
 * Refuses a CNI_IFNAME that exists in the pod (CNI specification, ADD: an error, and the interface stays as
 * it is). Throws CniError and SystemError.
 */
export function checkInterfaceIsFree(name: string, pod: Pod): void {
  if (getLink(pod.links, { name }) === undefined) return;
  throw new CniError("interfaceExists", {
    about: `${JSON.stringify(name)} in ${pod.path}`,
    hint: "Run DEL for this container first, or ask for another CNI_IFNAME; the interface was left as it is",
  });
}

/** The problem with the pair as a sentence; undefined when there is none. */
function verifyVeth(step: VethStep, on: Place): string | undefined {
  const pod = getLink(on.pod.links, { name: step.pod.name });
  const inPod = `interface ${step.pod.name} in the pod`;
  if (pod === undefined) return `${inPod} does not exist`;
  if (pod.kind !== "veth") return `${inPod} is not a veth`;
  if (step.pod.isRaised && !pod.up) return `${inPod} is down`;
  if (pod.mac !== step.pod.mac) return `${inPod} has the MAC ${pod.mac} instead of ${step.pod.mac}`;
  return hostEndProblem(step, pod, on.node);
}

function hostEndProblem(step: VethStep, pod: Link, node: Node): string | undefined {
  const { port } = step;
  const [host, bridge] = getLinks(node.links, [
    { name: step.host.name },
    ...(port === undefined ? [] : [{ name: port.bridge }]),
  ]);
  const inPod = `interface ${step.pod.name} in the pod`;
  if (host === undefined) return `the host's end ${step.host.name} of the veth pair does not exist`;
  if (!host.up) return `the host's end ${step.host.name} of the veth pair is down`;
  if (port !== undefined && (bridge === undefined || host.master !== bridge.index))
    return `${step.host.name} is not a port of bridge ${port.bridge}`;
  if (port === undefined && host.master !== 0) return `${step.host.name} is a port of another interface`;
  if (step.group !== undefined && host.group !== step.group)
    return `${step.host.name} is in link group ${host.group} instead of ${step.group}, by which the rules of the ingress policy know it`;
  if (pod.peerIndex !== 0 && pod.peerIndex !== host.index)
    return `${inPod} is not the other end of ${step.host.name}`;
  // Results before 1.0.0 name no MTU; without a record the two ends can only be compared with each other.
  const mtu = step.mtu ?? host.mtu;
  if (host.mtu !== mtu) return `${step.host.name} has the MTU ${host.mtu} instead of ${mtu}`;
  // A plugin behind Pontoon may have set a smaller MTU there (tuning does not tell it in its result); a
  // larger MTU loses packets.
  if (pod.mtu > mtu) return `${inPod} has the MTU ${pod.mtu}, and the host's end takes ${mtu}`;
  return host.port && port && portProblem(step.host.name, port, host.port);
}

/**
 * The problem with the port's settings. A port that floods nothing gets no frames to all (ARP), to groups, or
 * to MACs that the bridge has not learned.
 */
function portProblem(
  name: string,
  { hairpin, isolated, learns }: PortSettings,
  port: LinkPort,
): string | undefined {
  const { unicast, multicast, broadcast } = port.floods;
  const settings = [
    { name: "hairpin mode", is: port.hairpin, wanted: hairpin },
    { name: "port isolation", is: port.isolated, wanted: isolated },
    { name: "learning", is: port.learning, wanted: learns ?? port.learning },
    { name: "flooding", is: unicast, wanted: true },
    { name: "flooding of multicast", is: multicast, wanted: true },
    { name: "flooding of broadcast", is: broadcast, wanted: true },
  ];
  const wrong = settings.find(({ is, wanted }) => is !== wanted);
  return wrong && `${wrong.name} of ${name} is ${wrong.is ? "on" : "off"}`;
}

/** The indices of the two ends, or the error with which the kernel refused the pair. */
function sendVeth(step: VethStep, on: Applying): Indices | SystemError {
  const { node } = on;
  const { host, pod, port, group } = step;
  const bridge = port && on.bridge;
  const mtu = step.mtu ?? bridge?.mtu;
  const create = createVethMessage({
    host,
    bridgeIndex: bridge?.index,
    pod,
    namespaceFd: on.pod.namespace.fd,
    mtu,
    group,
  });
  const [created, settled, got] = node.links.transact([
    create,
    settleMessage(step, { addressGeneration: "none" }),
    getLinkMessage({ name: host.name }),
  ]);
  if (created?.error !== undefined) return created.error;
  let refusal = settled?.error;
  // A link without IPv6 (ipv6.disable=1, or an MTU below 1280) does not know the setting, and gets no
  // address.
  if (isErrno(refusal, "EAFNOSUPPORT")) refusal = node.links.transact([settleMessage(step, {})])[0]?.error;
  const reply = got?.replies[0];
  if (refusal === undefined && reply !== undefined) return readIndices(reply);
  throw explainSettle(step, refusal ?? new SystemError(`find ${host.name}`, errnoOf("ENODEV")), node);
}

/** The settings of the port that differ from the kernel's defaults; the host's end is not up before them. */
function settleMessage({ host, port }: VethStep, more: LinkChange): Message {
  const { hairpin = false, isolated = false, learns } = port ?? {};
  const change: LinkChange = {
    ...more,
    ...(host.isRaisedFirst ? { up: true } : {}),
    alias: host.alias,
    ...(hairpin ? { hairpin } : {}),
    ...(isolated ? { isolated } : {}),
    ...(learns === false ? { learning: false, forwardsLinkLocal: true } : {}),
  };
  return changeLinkMessage({ name: host.name }, change, `set up interface ${host.name}`);
}

/** The error for a pair that refused its settings. The pair is removed at once. */
function explainSettle(step: VethStep, error: SystemError, node: Node): CniError {
  removeLink(node.links, step.host);
  return explain("link", step.host.name, error);
}
