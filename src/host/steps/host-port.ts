// Ports of the node that lead to the pod, by elements in a table of nftables.
import { CniError } from "../../cni/error.ts";
import { type Family, formatAddress, parseAddress } from "../../ip/address.ts";
import { parsePrefixes } from "../../ip/prefix.ts";
import { getLink } from "../../net/link.ts";
import { changeLinkMessage } from "../../net/link-change.ts";
import { readSysctl } from "../../net/sysctl.ts";
import { ifThereIsNftables, type LostRules } from "../../nft/answer.ts";
import { hairpinChain } from "../../nft/hairpin-chain.ts";
import {
  ensureHostPorts,
  findPortElements,
  HOST_PORTS,
  missingPortParts,
  removeHostPorts,
} from "../../nft/host-port.ts";
import { countLost } from "../../nft/owned-table.ts";
import type { HostPorts } from "../../nft/port-attachment.ts";
import { type ConditionChain, conditionChain } from "../../nft/port-condition.ts";
import { claimText, type PortMapping, PROTOCOLS } from "../../nft/port-mapping.ts";
import type { HostPortStep } from "../../plan/step.ts";
import type { RecordedHostPorts, RecordedPortMapping } from "../../record/attachment.ts";
import { hostInterfaceOfDigest } from "../../record/digest.ts";
import { errnoOf, SystemError } from "../../sys/errno.ts";
import { attempt, explain } from "../failure.ts";
import { countPortChain, isPortChainWhole, putPortChain, removePortChain } from "../host-port-chains.ts";
import { forgetEarlierFlows } from "../host-port-flow.ts";
import { refuseListeners } from "../host-port-listener.ts";
import type { Machine } from "../machine.ts";
import { hostPortsOfRecord, recordedSteps, underHeldNodeLock, underNodeLock } from "../node.ts";
import { modulesHint } from "../rules-hint.ts";

/**
 * Makes sure that the ports lead to the pod; a table that was lost comes back with everybody's elements.
 * CniError hostPort when a port is taken.
 */
export function putHostPorts(step: HostPortStep, machine: Machine, nodeLock = underNodeLock): void {
  const wanted = hostPortsOf(step);
  try {
    if (!step.allowListening) refuseListeners(wanted.mappings);
    nodeLock(() => {
      ensureHostPorts(machine.rules, wanted, {
        isAlive: (owner) => getLink(machine.links, { name: hostInterfaceOfDigest(owner) }) !== undefined,
        underNodeLock: underHeldNodeLock,
        others: () => recordedSteps(machine, step.owner, hostPortsOfRecord).map(hostPortsOf),
      });
      if (step.ports.iptablesChains === true) putPortChain(step, machine);
    });
    checkSctp(wanted);
    openLocalhost(step, machine);
    forgetEarlierFlows(wanted.mappings, machine);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw explainRefusal(wanted, error);
  }
}

/** Undo: the attachment's own elements go, also those that another ADD put back for it. */
export function undoHostPorts(step: HostPortStep, machine: Machine, nodeLock = underNodeLock): void {
  ifThereIsNftables(
    () => machine.rules,
    (rules) =>
      nodeLock(() => {
        removeHostPorts(rules, hostPortsOf(step));
        if (step.ports.iptablesChains === true) removePortChain(step.owner, machine, underHeldNodeLock);
      }),
  );
}

/** How much of these attachments' host ports is not there. */
export function countLostHostPorts(steps: readonly HostPortStep[], machine: Machine): LostRules {
  return attempt("rules", "table inet pontoon-ports", () => {
    const lost = countLost(HOST_PORTS, steps.map(hostPortsOf), machine.rules);
    for (const step of steps) {
      if (step.ports.iptablesChains !== true || isPortChainWhole(step, machine)) continue;
      lost.byOwner.set(step.owner, (lost.byOwner.get(step.owner) ?? 0) + countPortChain(step));
    }
    return lost;
  });
}

/** What is wrong with the host ports, or undefined. */
export function verifyHostPorts(step: HostPortStep, machine: Machine): string | undefined {
  const wanted = hostPortsOf(step);
  return attempt("rules", "table inet pontoon-ports", () => {
    const [missing] = missingPortParts(machine.rules, wanted);
    if (missing === "table")
      return "the nftables table inet pontoon-ports, which leads host ports to pods, is missing or not whole";
    if (missing !== undefined)
      return `the nftables chain ${missing}, ${missing === wanted.chain?.name ? "which masquerades connections to" : "which has the conditions of"} host ports of network ${step.network}, is missing or not whole`;
    const elements = findPortElements(machine.rules, wanted);
    if (elements.found.length === elements.wanted) return chainProblem(step, machine);
    return `host ports do not lead to the pod: ${elements.wanted - elements.found.length} of its ${elements.wanted} nftables elements are missing`;
  });
}

function chainProblem(step: HostPortStep, machine: Machine): string | undefined {
  if (step.ports.iptablesChains !== true || isPortChainWhole(step, machine)) return undefined;
  return "the chain of iptables by which other programs know of the host ports is missing or not whole";
}

/** The kernel's connection tracking has this setting where it knows the protocol; it is loaded now. */
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

/**
 * With this setting a connection from 127.0.0.1 may leave by the interface; chain guard keeps the rest of
 * localhost closed. It was there first.
 */
function openLocalhost({ ports }: HostPortStep, machine: Machine): void {
  if (ports.masquerade === "none") return;
  let isFour = false;
  for (const { address } of ports.mappings) if (!address.includes(":")) isFour = true;
  if (isFour)
    machine.links.execute([
      changeLinkMessage(
        { name: ports.gatewayInterface },
        { routeLocalnet: true },
        `let localhost use ${ports.gatewayInterface}`,
      ),
    ]);
}

/** The host ports of a step as the ruleset has them. */
export function hostPortsOf({ network, owner, label, ports }: HostPortStep): HostPorts {
  const subnets = ports.masquerade === "all" ? undefined : parsePrefixes(ports.subnets);
  const mappings: PortMapping[] = [];
  for (const each of ports.mappings) {
    const mapping = mappingOf(each);
    if (mapping !== undefined) mappings.push(mapping);
  }
  return {
    owner,
    label,
    mappings,
    chain: ports.masquerade === "none" ? undefined : hairpinChain(network, subnets),
    conditions: conditionsOf(ports, mappings),
    markBit: ports.markBit,
  };
}

function conditionsOf(
  { conditions4, conditions6 }: RecordedHostPorts,
  mappings: PortMapping[],
): ConditionChain[] {
  if (conditions4 === undefined && conditions6 === undefined) return [];
  const isThere = (wanted: Family): boolean => mappings.some(({ family }) => family === wanted);
  return [
    ...(conditions4 === undefined || !isThere(4) ? [] : [conditionChain(4, conditions4)]),
    ...(conditions6 === undefined || !isThere(6) ? [] : [conditionChain(6, conditions6)]),
  ];
}

/** Undefined for one with an address that nobody can read: a record may have been altered by hand. */
function mappingOf({
  protocol,
  hostAddress,
  hostPort,
  hostPortEnd,
  containerPort,
  address,
}: RecordedPortMapping): PortMapping | undefined {
  const target = parseAddress(address);
  const host = hostAddress === undefined ? undefined : parseAddress(hostAddress);
  if (target === undefined || (hostAddress !== undefined && host?.family !== target.family)) return undefined;
  return {
    family: target.family,
    protocol: PROTOCOLS[protocol],
    hostAddress: host,
    first: hostPort,
    last: hostPortEnd,
    containerPort,
    target,
  };
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
