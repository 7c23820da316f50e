// The full job: masquerading, one host port, a policy of who reaches the pod, a limit of bandwidth each way,
// two sysctls. One entry of ours, five plugins of the reference.
import { bridgePlugin, type ChainPlugin } from "./chain.ts";
import type { Wishes } from "./plugin.ts";

const BANDWIDTH = {
  ingressRate: 100_000_000,
  ingressBurst: 10_000_000,
  egressRate: 100_000_000,
  egressBurst: 10_000_000,
};
const SYSCTL = { "net.core.somaxconn": "1024", "net.ipv4.tcp_syncookies": "0" };
const POLICY = { ingressPolicy: "same-bridge" };
const CAPABILITIES = { portMappings: true, bandwidth: true };

/** The pod that is measured. */
export const MEASURED = "pod";

/** The first host port of that one. */
export const FIRST_PORT = 10_000;

/** Host ports of a pod, each with a number that no other pod has. */
export function hostPorts(number: number, count: number): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, index) => ({
    hostPort: FIRST_PORT + number * count + index,
    containerPort: 80 + index,
    protocol: "tcp",
  }));
}

/** Numbers pods in the order in which they are first named; the one that is measured is number 0. */
export function numbered(): (pod: string) => number {
  const numbers = new Map([[MEASURED, 0]]);
  return (pod) => {
    const known = numbers.get(pod) ?? numbers.size;
    numbers.set(pod, known);
    return known;
  };
}

/** What the runtime asks for. */
export function fullWishes(): (pod: string) => Record<string, unknown> {
  const numberOf = numbered();
  return (pod) => ({ portMappings: hostPorts(numberOf(pod), 1), bandwidth: BANDWIDTH });
}

/** In one entry. */
export function fullEntry(): Wishes {
  return {
    masquerade: true,
    keys: { capabilities: CAPABILITIES, sysctl: SYSCTL, ...POLICY },
    runtimeConfig: fullWishes(),
  };
}

/** In five plugins; iptables is what the reference takes where it is there. */
export function fullChain(backend?: "nftables"): ChainPlugin[] {
  return [
    bridgePlugin(backend),
    { type: "portmap", ...(backend === undefined ? {} : { backend }) },
    { type: "firewall", ...POLICY },
    { type: "bandwidth" },
    { type: "tuning", sysctl: SYSCTL },
  ];
}
