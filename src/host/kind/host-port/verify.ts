// Host ports compared with what the node has, for CHECK.
import { attempt } from "../../../failure/failure.ts";
import { readSysctl } from "../../../net/sysctl.ts";
import { findPortElements, missingPortParts } from "../../../nft/host-port.ts";
import type { HostPortStep } from "../../../plan/step.ts";
import { needsLocalhost } from "../../../ruleset/host-port.ts";
import type { Place } from "../../kind.ts";
import type { Node } from "../../node.ts";
import { isPortChainWhole } from "./iptables-chain.ts";
import { hostPortsOn } from "./sibling.ts";

/** The problem with the host ports as a sentence; undefined when there is none. */
export function verifyHostPorts(step: HostPortStep, { node }: Place): string | undefined {
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

/** The problem with connections from 127.0.0.1. The kernel takes the interface's setting or that of `all`. */
function localhostProblem(step: HostPortStep): string | undefined {
  const names = [step.ports.gatewayInterface, "all"].map((name) => `ipv4/conf/${name}/route_localnet`);
  if (!needsLocalhost(step) || names.some((name) => (readSysctl(name) ?? "1") !== "0")) return undefined;
  return `host ports do not answer at 127.0.0.1 (/proc/sys/net/${names[0]} is 0)`;
}
