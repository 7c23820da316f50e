// Ports of the node that lead to the pod, by elements in a table of nftables.
import { attachmentDigest } from "../../../attachment/name.ts";
import { CniError } from "../../../cni/error.ts";
import { attempt, collectErrors, throwJoined } from "../../../failure/failure.ts";
import { readSysctl } from "../../../net/sysctl.ts";
import type { LostRules } from "../../../nft/answer.ts";
import { ensureHostPorts, findPortElements, HOST_PORTS, removeHostPorts } from "../../../nft/host-port.ts";
import { countLost, isSharedLost } from "../../../nft/owned-table.ts";
import type { HostPorts } from "../../../nft/port-attachment.ts";
import { mappingOf } from "../../../nft/port-element.ts";
import { type PortMapping, PROTOCOLS } from "../../../nft/port-mapping.ts";
import type { HostPortStep } from "../../../plan/step.ts";
import { stepOf } from "../../../plan/steps.ts";
import { hostPortsOf, needsLocalhost } from "../../../ruleset/host-port.ts";
import type { Removal, Removing, StepKind } from "../../kind.ts";
import type { Node } from "../../node.ts";
import { otherAttachments } from "../../recorded.ts";
import { forgetEarlierFlows, forgetFlows } from "./flow.ts";
import { countPortChain, isPortChainWhole, putPortChain, removePortChain } from "./iptables-chain.ts";
import { closeUnguardedIfThere, openLocalhost, reopenLocalhost } from "./localhost.ts";
import { explaining } from "./refusal.ts";
import { bequeath, hostPortsOn } from "./sibling.ts";
import { verifyHostPorts } from "./verify.ts";

export const hostPorts: StepKind<HostPortStep> = {
  apply(step, { node }) {
    explaining(step, () => putHostPorts(step, node));
  },
  remove: removeHostPortsOf,
  verify: verifyHostPorts,
  restoration: {
    countLost: countLostHostPorts,
    isSharedLost: (step, node) =>
      attempt("rules", "table inet pontoon-ports", () =>
        isSharedLost(HOST_PORTS, hostPortsOf(step), node.rules),
      ),
    putBack: (step, node) => explaining(step, () => putHostPorts(step, node)),
  },
};

/**
 * Makes sure that the ports lead to the pod; a table that was lost comes back with the elements of all
 * attachments. Throws CniError hostPort when another container has a port.
 */
function putHostPorts(step: HostPortStep, node: Node): void {
  let isShared = false;
  let wasLost = false;
  const wanted = hostPortsOn(step, node, () => {
    isShared = true;
  });
  node.underLock(() => {
    const others = otherAttachments(step, (other) => hostPortsOn(other, node), node);
    ensureHostPorts(node.rules, wanted, {
      ...others,
      others() {
        // The table was lost, and localhost may have been closed since.
        wasLost = true;
        return others.others();
      },
      bequeath: (element) => bequeath(element, node),
    });
    if (step.ports.iptablesChains === true) putPortChain(step, node);
    checkSctp(wanted);
    // A call that finds no guard closes localhost under the lock: it must not do so in between.
    openLocalhost(step, node);
    if (wasLost) reopenLocalhost(livingSteps(node), node);
  });
  forgetEarlierFlows(isShared ? heldMappings(wanted, node) : wanted.mappings, node);
}

/** The steps of all living attachments with host ports. */
function livingSteps(node: Node): HostPortStep[] {
  return node.living().flatMap((attachment) => stepOf("hostPorts", attachment) ?? []);
}

/** The mappings of the ports that no sibling holds. */
function heldMappings(wanted: HostPorts, node: Node): PortMapping[] {
  return findPortElements(node.rules, wanted).found.flatMap((element) => mappingOf(element) ?? []);
}

/**
 * The removal of host ports: the attachment's own elements go, even if another ADD put them back; then the
 * chain in iptables; last of all, when no new flow can take this way, the UDP flows that the ports led to the
 * pod.
 */
function removeHostPortsOf(step: HostPortStep, { node }: Removing): Removal {
  const wanted = hostPortsOn(step, node);
  const afterwards = (): boolean => {
    let isComplete = true;
    const removeElements = (): void =>
      node.underLock(() => {
        isComplete = removeHostPorts(node.rules, wanted);
        if (!isComplete) closeUnguardedIfThere(step.ports.gatewayInterface, node);
      });
    const removeChain = (): void => {
      if (step.ports.iptablesChains === true) removePortChain(attachmentDigest(step.key), node);
    };
    throwJoined(collectErrors([removeElements, removeChain, () => forgetFlows(wanted.mappings, node)]));
    return isComplete;
  };
  return {
    rules: () => ({
      elements: [],
      isComplete: true,
      afterwards: () => attempt("cleanup", "host ports", afterwards),
    }),
  };
}

/** The number of missing rules and elements of these attachments' host ports. */
function countLostHostPorts(steps: readonly HostPortStep[], node: Node): LostRules {
  return attempt("rules", "table inet pontoon-ports", () => {
    const lost = countLost(HOST_PORTS, portsOfAll(steps, node), node.rules);
    const closed = reopenLocalhost(steps, node, true);
    for (const name of closed) {
      const first = steps.find((step) => step.ports.gatewayInterface === name && needsLocalhost(step));
      if (first !== undefined) add(lost, first, 1);
    }
    for (const step of steps) {
      if (step.ports.iptablesChains !== true || isPortChainWhole(step, node)) continue;
      add(lost, step, countPortChain(step));
    }
    return lost;
  });
}

function add({ byOwner }: LostRules, { key }: HostPortStep, count: number): void {
  const owner = attachmentDigest(key);
  byOwner.set(owner, (byOwner.get(owner) ?? 0) + count);
}

/** The host ports of these steps. Only an attachment whose container has several looks for its siblings. */
function portsOfAll(steps: readonly HostPortStep[], node: Node): HostPorts[] {
  const counts = new Map<string, number>();
  for (const { key } of steps) counts.set(key.containerId, (counts.get(key.containerId) ?? 0) + 1);
  return steps.map((step) =>
    counts.get(step.key.containerId) === 1 ? hostPortsOf(step) : hostPortsOn(step, node),
  );
}

/**
 * Refuses SCTP ports on a kernel without SCTP in its connection tracking. The setting exists where the kernel
 * knows the protocol, since the module is loaded by now.
 */
function checkSctp({ mappings }: HostPorts): void {
  let isWanted = false;
  for (const { protocol } of mappings) if (protocol === PROTOCOLS.sctp) isWanted = true;
  if (!isWanted || readSysctl("netfilter/nf_conntrack_sctp_timeout_established") !== undefined) return;
  throw new CniError("hostPort", {
    about: "this kernel cannot lead SCTP connections to pods",
    cause: "its connection tracking was built without SCTP (CONFIG_NF_CT_PROTO_SCTP)",
    hint: "Use a kernel that has it, or take the mappings with protocol sctp out",
  });
}
