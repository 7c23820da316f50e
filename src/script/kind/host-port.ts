// Ports of the node that lead to the pod.
import { HOST_PORTS, portChainLines } from "../../iptables/host-port-chain.ts";
import type { Element } from "../../nft/element.ts";
import { portLayout } from "../../nft/host-port-layout.ts";
import { chainsFor, elementsOf } from "../../nft/port-attachment.ts";
import type { HostPortStep } from "../../plan/step.ts";
import { hostPortsOf, needsLocalhost, OPENED_BY_PONTOON, portChainOf } from "../../ruleset/host-port.ts";
import { sh, when } from "../shell.ts";
import { type Part, part, sysctl, type Writer } from "../writer.ts";
import { chainGoesPart, chainPart, elementLines, iptablesLines, tablePart, withoutLines } from "./rules.ts";

export const hostPorts: Writer<HostPortStep> = {
  add(step) {
    const ports = hostPortsOf(step);
    const layout = portLayout(ports.markBit);
    return [
      tablePart("The table of host ports, for all networks: maps lead from a port to a pod.", layout),
      ...chainsFor(ports).map((chain) => chainPart(whyOf(chain.name, ports.chain?.name), chain)),
      part("The pod's ports.", ...elementLines(layout, elements(step))),
      ...chainParts(step),
      ...(needsLocalhost(step)
        ? [
            part(
              "Ports answer at 127.0.0.1 too; chain guard keeps everybody else out of there.",
              sysctl(`ipv4/conf/${step.ports.gatewayInterface}/route_localnet`, OPENED_BY_PONTOON),
            ),
          ]
        : []),
      ...flowParts("A flow of UDP that began before goes to the pod, too.", step),
    ];
  },
  del(step) {
    const ports = hostPortsOf(step);
    // They go in the opposite order, so no port is ever without its conditions.
    const gone = elements(step).toReversed();
    return {
      rules: [
        part("The ports lead nowhere.", ...withoutLines(portLayout(ports.markBit), gone)),
        ...chainsFor(ports).map(chainGoesPart),
        ...chainGoes(step),
        ...flowParts("Flows of UDP that went to the pod end.", step),
      ],
    };
  },
};

function whyOf(name: string, hairpin: string | undefined): string {
  return name === hairpin
    ? "Connections whose answers would not find back get the node's address."
    : "The conditions that connections to these ports have to meet.";
}

function elements(step: HostPortStep): Element[] {
  return elementsOf(hostPortsOf(step));
}

/** The chain of iptables that tells other programs of the ports. */
function chainParts(step: HostPortStep): Part[] {
  const chain = portChainOf(step);
  if (chain === undefined) return [];
  return [
    part(
      "Other programs look into a chain of iptables for taken ports. Its rules have no effect.",
      ...when(`! iptables -w -t nat -S ${HOST_PORTS.base} > /dev/null 2>&1`, [
        `iptables -w -t nat -N ${HOST_PORTS.base}`,
      ]),
      ...iptablesLines("iptables -w -t nat", portChainLines(chain, false)),
    ),
  ];
}

function chainGoes(step: HostPortStep): Part[] {
  const chain = portChainOf(step);
  if (chain === undefined) return [];
  const jumps = portChainLines(chain, false).filter((line) => line.startsWith(`-A ${HOST_PORTS.base}`));
  return [
    part(
      "The chain that tells other programs goes; that of all pods stays while it has rules.",
      ...iptablesLines(
        "iptables -w -t nat",
        jumps.map((line) => line.replace("-A", "-D")),
      ),
      `iptables -w -t nat -F ${chain.name}`,
      `iptables -w -t nat -X ${chain.name}`,
      `iptables -w -t nat -X ${HOST_PORTS.base} 2> /dev/null`,
    ),
  ];
}

/** The commands that make the node forget flows of UDP, which go on as they began. */
function flowParts(why: string, { ports }: HostPortStep): Part[] {
  const udp = ports.mappings.filter(({ protocol }) => protocol === "udp");
  const lines = udp.flatMap(({ hostPort, hostPortEnd, hostAddress, address }) =>
    Array.from({ length: hostPortEnd - hostPort + 1 }, (_, at) => {
      const family = address.includes(":") ? "ipv6" : "ipv4";
      const to = hostAddress === undefined ? [] : ["--orig-dst", hostAddress];
      return sh`conntrack -D -f ${family} -p udp --orig-port-dst ${hostPort + at} ${to} > /dev/null 2>&1 || true`;
    }),
  );
  return lines.length === 0 ? [] : [part(why, ...lines)];
}
