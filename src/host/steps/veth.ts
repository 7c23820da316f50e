// The veth pair: the host's end is a port of the bridge, the pod's end is born inside the pod's namespace.
import { CniError } from "../../cni/error.ts";
import type { VethStep } from "../../plan/step.ts";
import { getLink, getLinks } from "../../net/link.ts";
import { changeLinkMessage, createVethMessage, deleteLinkMessage } from "../../net/link-change.ts";
import type { Message } from "../../netlink/socket.ts";
import { isErrno, type SystemError } from "../../sys/errno.ts";
import { attempt, explain } from "../failure.ts";
import type { Machine } from "../machine.ts";

/**
 * Creates the pair. The interface must not exist in the pod; a host end of that name is what a dead attachment left, since
 * the caller holds the attachment's record, and is replaced. Both requests go in one send: what the second one carries
 * would be dropped or refused in the first.
 */
export function createVeth(step: VethStep, machine: Machine, bridgeIndex: number): void {
  attempt("link", step.host.name, () => {
    const error = sendVeth(step, machine, bridgeIndex);
    if (error === undefined) return;
    if (!isErrno(error, "EEXIST")) throw error;
    checkInterfaceIsFree(step.pod.name, machine);
    deleteVeth(step.host.name, machine);
    const again = sendVeth(step, machine, bridgeIndex);
    if (again !== undefined) throw again;
  });
}

/** Refuses a CNI_IFNAME that exists in the pod (CNI specification, ADD: an error, and the interface stays as it is). */
export function checkInterfaceIsFree(name: string, machine: Machine): void {
  if (getLink(machine.pod.links, { name }) === undefined) return;
  throw new CniError("interfaceExists", {
    about: `${JSON.stringify(name)} in ${machine.pod.path}`,
    hint: "Run DEL for this container first, or ask for another CNI_IFNAME; the interface was left as it is",
  });
}

/** Deletes the host's end, and the pod's end with it. False when it was not there. Throws SystemError. */
export function deleteVeth(name: string, machine: Machine): boolean {
  const [outcome] = machine.links.transact([deleteLinkMessage({ name })]);
  if (outcome?.error === undefined) return true;
  if (isErrno(outcome.error, "ENODEV")) return false;
  throw outcome.error;
}

/** Undo: the pair goes. */
export function undoVeth(step: VethStep, machine: Machine): void {
  deleteVeth(step.host.name, machine);
}

/** What is wrong with the pair, or undefined. */
export function verifyVeth(step: VethStep, machine: Machine): string | undefined {
  const [host, bridge] = getLinks(machine.links, [{ name: step.host.name }, { name: step.bridge }]);
  const pod = getLink(machine.pod.links, { name: step.pod.name });
  const inPod = `interface ${step.pod.name} in the pod`;
  if (pod === undefined) return `${inPod} does not exist`;
  if (pod.kind !== "veth") return `${inPod} is not a veth`;
  if (!pod.up) return `${inPod} is down`;
  if (pod.mac !== step.pod.mac) return `${inPod} has the MAC ${pod.mac} instead of ${step.pod.mac}`;
  if (host === undefined) return `the host's end ${step.host.name} of the veth pair does not exist`;
  if (!host.up) return `the host's end ${step.host.name} of the veth pair is down`;
  if (bridge === undefined || host.master !== bridge.index) return `${step.host.name} is not a port of bridge ${step.bridge}`;
  if (pod.peerIndex !== 0 && pod.peerIndex !== host.index) return `${inPod} is not the other end of ${step.host.name}`;
  if (host.mtu !== step.mtu) return `${step.host.name} has the MTU ${host.mtu} instead of ${step.mtu}`;
  if (pod.mtu !== step.mtu) return `${inPod} has the MTU ${pod.mtu} instead of ${step.mtu}`;
  if (host.port?.hairpin !== step.hairpin) return `hairpin mode of ${step.host.name} is ${step.hairpin ? "off" : "on"}`;
  return undefined;
}

function sendVeth(step: VethStep, machine: Machine, bridgeIndex: number): SystemError | undefined {
  const { host, pod, mtu, hairpin } = step;
  const settle: Message = changeLinkMessage(
    { name: host.name },
    { up: true, alias: host.alias, addressGeneration: "none", ...(hairpin ? { hairpin } : {}) },
    `set up interface ${host.name}`,
  );
  const [created, settled] = machine.links.transact([createVethMessage(host, pod, mtu, bridgeIndex, machine.pod.namespace.fd), settle]);
  if (created?.error !== undefined) return created.error;
  if (settled?.error !== undefined) throw explainSettle(step, settled.error, machine);
  return undefined;
}

/** The pair is there but its settings were refused: it goes again at once. */
function explainSettle(step: VethStep, error: SystemError, machine: Machine): CniError {
  deleteVeth(step.host.name, machine);
  return explain("link", step.host.name, error);
}
