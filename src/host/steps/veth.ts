// The veth pair: the host's end is a port of the bridge, the pod's end is born inside the pod's namespace.
import { CniError } from "../../cni/error.ts";
import { getLink, getLinkMessage, getLinks, readPeerIndex } from "../../net/link.ts";
import { changeLinkMessage, createVethMessage, type LinkChange, removeLink } from "../../net/link-change.ts";
import type { Message } from "../../netlink/socket.ts";
import type { VethStep } from "../../plan/step.ts";
import { errnoOf, isErrno, SystemError } from "../../sys/errno.ts";
import { attempt, explain } from "../failure.ts";
import type { Machine } from "../machine.ts";

/**
 * Creates the pair and gives the index of its end in the pod. The interface must not exist in the pod; a host
 * end of that name is what a dead attachment left, since the caller holds the attachment's record, and is
 * replaced. All requests go in one send: what the second one carries would be dropped or refused in the
 * first, and the third asks for the index.
 */
export function createVeth(step: VethStep, machine: Machine, bridgeIndex: number): number {
  return attempt("link", step.host.name, () => {
    const first = sendVeth(step, machine, bridgeIndex);
    if (typeof first === "number") return first;
    if (!isErrno(first, "EEXIST")) throw first;
    checkInterfaceIsFree(step.pod.name, machine);
    removeLink(machine.links, step.host);
    const second = sendVeth(step, machine, bridgeIndex);
    if (typeof second === "number") return second;
    throw second;
  });
}

/**
 * Refuses a CNI_IFNAME that exists in the pod (CNI specification, ADD: an error, and the interface stays as
 * it is).
 */
export function checkInterfaceIsFree(name: string, machine: Machine): void {
  if (getLink(machine.pod.links, { name }) === undefined) return;
  throw new CniError("interfaceExists", {
    about: `${JSON.stringify(name)} in ${machine.pod.path}`,
    hint: "Run DEL for this container first, or ask for another CNI_IFNAME; the interface was left as it is",
  });
}

/** Undo: the pair goes. */
export function undoVeth(step: VethStep, machine: Machine): void {
  removeLink(machine.links, step.host);
}

/** What is wrong with the pair, or undefined. */
export function verifyVeth(step: VethStep, machine: Machine): string | undefined {
  const [host, bridge] = getLinks(machine.links, [{ name: step.host.name }, { name: step.bridge }]);
  const pod = getLink(machine.pod.links, { name: step.pod.name });
  const inPod = `interface ${step.pod.name} in the pod`;
  if (pod === undefined) return `${inPod} does not exist`;
  if (pod.kind !== "veth") return `${inPod} is not a veth`;
  if (step.raised && !pod.up) return `${inPod} is down`;
  if (pod.mac !== step.pod.mac) return `${inPod} has the MAC ${pod.mac} instead of ${step.pod.mac}`;
  if (host === undefined) return `the host's end ${step.host.name} of the veth pair does not exist`;
  if (!host.up) return `the host's end ${step.host.name} of the veth pair is down`;
  if (bridge === undefined || host.master !== bridge.index)
    return `${step.host.name} is not a port of bridge ${step.bridge}`;
  if (pod.peerIndex !== 0 && pod.peerIndex !== host.index)
    return `${inPod} is not the other end of ${step.host.name}`;
  // Results before 1.0.0 name no MTU; without a record the two ends can only be compared with each other.
  const mtu = step.mtu === 0 ? host.mtu : step.mtu;
  if (host.mtu !== mtu) return `${step.host.name} has the MTU ${host.mtu} instead of ${mtu}`;
  // A plugin behind us may have set a smaller one there (tuning does not say so in its result); a larger one
  // loses packets.
  if (pod.mtu > mtu) return `${inPod} has the MTU ${pod.mtu}, and the host's end takes ${mtu}`;
  if (host.port?.hairpin !== step.hairpin)
    return `hairpin mode of ${step.host.name} is ${step.hairpin ? "off" : "on"}`;
  if (host.port?.isolated !== step.isolated)
    return `port isolation of ${step.host.name} is ${step.isolated ? "off" : "on"}`;
  return undefined;
}

/** The index of the end in the pod, or why the pair could not be made. */
function sendVeth(step: VethStep, machine: Machine, bridgeIndex: number): number | SystemError {
  const { host, pod, mtu } = step;
  const create = createVethMessage(host, pod, mtu, bridgeIndex, machine.pod.namespace.fd);
  const [created, settled, got] = machine.links.transact([
    create,
    settleMessage(step, { addressGeneration: "none" }),
    getLinkMessage({ name: host.name }),
  ]);
  if (created?.error !== undefined) return created.error;
  let refusal = settled?.error;
  // A link without IPv6 (ipv6.disable=1, or an MTU below 1280) does not know the setting, and makes no
  // address either.
  if (isErrno(refusal, "EAFNOSUPPORT")) refusal = machine.links.transact([settleMessage(step, {})])[0]?.error;
  const reply = got?.replies[0];
  if (refusal === undefined && reply !== undefined) return readPeerIndex(reply);
  throw explainSettle(step, refusal ?? new SystemError(`find ${host.name}`, errnoOf("ENODEV")), machine);
}

function settleMessage({ host, hairpin, isolated, hostRaised }: VethStep, more: LinkChange): Message {
  const change: LinkChange = {
    ...more,
    ...(hostRaised ? { up: true } : {}),
    alias: host.alias,
    ...(hairpin ? { hairpin } : {}),
    ...(isolated ? { isolated } : {}),
  };
  return changeLinkMessage({ name: host.name }, change, `set up interface ${host.name}`);
}

/** The pair is there but its settings were refused: it goes again at once. */
function explainSettle(step: VethStep, error: SystemError, machine: Machine): CniError {
  removeLink(machine.links, step.host);
  return explain("link", step.host.name, error);
}
