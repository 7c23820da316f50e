// Takes host ports away: their elements under the node's lock, then the flows that they led to the pod.

import { ifThereIsNftables } from "../nft/answer.ts";
import { ownerOf } from "../nft/comment.ts";
import type { Element } from "../nft/element.ts";
import { listPortChains, removeHostPorts, removePortElements } from "../nft/host-port.ts";
import { listPortElements } from "../nft/port-attachment.ts";
import { mappingOf } from "../nft/port-element.ts";
import type { PortMapping } from "../nft/port-mapping.ts";
import type { AttachmentKey, AttachmentRecord } from "../record/attachment.ts";
import { attachmentDigest } from "../record/digest.ts";
import { attempt } from "./failure.ts";
import { removePortChain } from "./host-port-chains.ts";
import { forgetFlows } from "./host-port-flow.ts";
import type { Machine } from "./machine.ts";
import { hostPortsOfRecord, underNodeLock } from "./node.ts";
import { hostPortsOf } from "./steps/host-port.ts";

/**
 * Removes the attachment's host ports; without a record all elements are looked through. False when fewer
 * were there than the record tells of.
 */
export function removeHostPortsOf(
  key: AttachmentKey,
  record: AttachmentRecord | undefined,
  machine: Machine,
): boolean {
  return attempt("cleanup", "host ports", () => {
    const step = record && hostPortsOfRecord(record);
    if (step === undefined || step.ports.iptablesChains === true)
      removePortChain(attachmentDigest(key), machine);
    if (step !== undefined) return removeRecorded(hostPortsOf(step), machine);
    ifThereIsNftables(
      () => machine.rules,
      () =>
        removeUnrecordedHostPorts(
          key.network,
          (element) => ownerOf(element) === attachmentDigest(key),
          machine,
        ),
    );
    return true;
  });
}

function removeRecorded(ports: ReturnType<typeof hostPortsOf>, machine: Machine): boolean {
  let complete = true;
  underNodeLock(() => {
    complete = removeHostPorts(machine.rules, ports);
  });
  // Last, when no new flow can take this way.
  forgetFlows(ports.mappings, machine);
  return complete;
}

/**
 * Removes the host ports that nobody has a record of, found by the comments of their elements, and the chains
 * of a network that nothing leads to. Throws SystemError.
 */
export function removeUnrecordedHostPorts(
  network: string,
  isTheirs: (element: Element) => boolean,
  machine: Machine,
): void {
  if (!listPortElements(machine.rules).some(isTheirs) && listPortChains(machine.rules, network).length === 0)
    return;
  let mappings: PortMapping[] = [];
  underNodeLock(() => {
    const elements = listPortElements(machine.rules).filter(isTheirs);
    removePortElements(machine.rules, elements, listPortChains(machine.rules, network));
    mappings = elements.flatMap((element) => mappingOf(element) ?? []);
  });
  forgetFlows(mappings, machine);
}
