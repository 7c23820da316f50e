// Ports of the node that lead to the pod, by elements in a table of nftables.
import { attachmentDigest } from "../../../attachment/name.ts";
import { CniError } from "../../../cni/error.ts";
import { attempt, collectErrors, explain, throwJoined } from "../../../failure/failure.ts";
import { formatAddress } from "../../../ip/address.ts";
import { readSysctl } from "../../../net/sysctl.ts";
import type { LostRules } from "../../../nft/answer.ts";
import {
  ensureHostPorts,
  findPortElements,
  HOST_PORTS,
  missingPortParts,
  removeHostPorts,
} from "../../../nft/host-port.ts";
import { countLost } from "../../../nft/owned-table.ts";
import type { HostPorts } from "../../../nft/port-attachment.ts";
import { mappingOf } from "../../../nft/port-element.ts";
import { claimText, type PortMapping, PROTOCOLS } from "../../../nft/port-mapping.ts";
import type { HostPortStep } from "../../../plan/step.ts";
import { stepOf } from "../../../plan/steps.ts";
import { errnoOf, SystemError } from "../../../sys/errno.ts";
import type { Place, Removal, Removing, StepKind } from "../../kind.ts";
import type { Node } from "../../node.ts";
import { otherAttachments } from "../../recorded.ts";
import { modulesHint } from "../../rules-hint.ts";
import { forgetEarlierFlows, forgetFlows } from "./flow.ts";
import { countPortChain, isPortChainWhole, putPortChain, removePortChain } from "./iptables-chain.ts";
import { closeUnguardedIfThere, needsLocalhost, openLocalhost, reopenLocalhost } from "./localhost.ts";
import { hostPortsOf } from "./ruleset.ts";
import { bequeath, hostPortsOn } from "./sibling.ts";

export const hostPorts: StepKind<HostPortStep> = {
  apply(step, { node }) {
    explaining(step, () => putHostPorts(step, node));
  },
  remove: removeHostPortsOf,
  verify: verifyHostPorts,
  restoration: {
    countLost: countLostHostPorts,
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

/** The problem with the host ports as a sentence; undefined when there is none. */
function verifyHostPorts(step: HostPortStep, { node }: Place): string | undefined {
  const wanted = hostPortsOn(step, node);
  return attempt("rules", "table inet pontoon-ports", () => {
    const elements = findPortElements(node.rules, wanted);
    // The chain of conditions is needed by the elements of the port, which a sibling may hold.
    const needed = elements.left === 0 ? wanted : { ...wanted, conditions: [] };
    const [missing] = missingPortParts(node.rules, needed);
    if (missing === "table")
      return "the nftables table inet pontoon-ports, which leads host ports to pods, is missing or not whole";
    if (missing !== undefined)
      return `the nftables chain ${missing}, ${missing === wanted.chain?.name ? "which masquerades connections to" : "which has the conditions of"} host ports of network ${step.key.network}, is missing or not whole`;
    const lost = elements.wanted - elements.found.length - elements.left;
    if (lost === 0) return chainProblem(step, node) ?? localhostProblem(step);
    return `host ports do not lead to the pod: ${lost} of its ${elements.wanted} nftables elements are missing`;
  });
}

function chainProblem(step: HostPortStep, node: Node): string | undefined {
  if (step.ports.iptablesChains !== true || isPortChainWhole(step, node)) return undefined;
  return "the chain of iptables by which other programs know of the host ports is missing or not whole";
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

/** The problem with connections from 127.0.0.1. The kernel takes the interface's setting or that of `all`. */
function localhostProblem(step: HostPortStep): string | undefined {
  const names = [step.ports.gatewayInterface, "all"].map((name) => `ipv4/conf/${name}/route_localnet`);
  if (!needsLocalhost(step) || names.some((name) => (readSysctl(name) ?? "1") !== "0")) return undefined;
  return `host ports do not answer at 127.0.0.1 (/proc/sys/net/${names[0]} is 0)`;
}

/** Runs `action`; a SystemError from it becomes a CniError about these host ports. */
function explaining(step: HostPortStep, action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw explainRefusal(hostPortsOf(step), error);
  }
}

function explainRefusal(wanted: HostPorts, error: SystemError): CniError {
  if (error.errno === errnoOf("EADDRINUSE")) {
    return new CniError(
      "hostPort",
      {
        about: `it belongs to ${error.kernelText}`,
        attempted: `Tried to ${error.operation}`,
        hint: "Choose another host port, or take the attachment that has it away first",
      },
      { cause: error },
    );
  }
  if (error.errno === errnoOf("EBUSY") && error.kernelText !== "") {
    return new CniError(
      "hostPort",
      {
        about: `markMasqBit ${wanted.markBit}`,
        attempted: `Tried to ${error.operation}`,
        cause: error.kernelText,
        hint: "Give all networks of this node the same markMasqBit",
      },
      { cause: error },
    );
  }
  const about = wanted.mappings
    .map((mapping) => `${claimText(mapping)} for ${formatAddress(mapping.target)}`)
    .slice(0, 3)
    .join(", ");
  return explain("rules", `leading ${about} to the pod`, error, rulesHint(error));
}

function rulesHint(error: SystemError): string | undefined {
  return modulesHint(
    error,
    "nfnetlink, nf_tables, nft_chain_nat, nft_nat, nft_masq, nft_ct and nft_fib_inet",
  );
}
