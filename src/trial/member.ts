// The pods of a trial: namespaces of their own, attached by the plugins of the network.
import type { Attachment } from "../attachment/attachment.ts";
import type { CniError } from "../cni/error.ts";
import type { Fields } from "../cni/keys.ts";
import { Problems } from "../cni/problems.ts";
import { readResult } from "../cni/result-parse.ts";
import { collectErrors } from "../failure/failure.ts";
import type { Node } from "../host/node.ts";
import type { Pod } from "../host/pod.ts";
import type { Address } from "../ip/address.ts";
import { getLink } from "../net/link.ts";
import { listCache } from "../runtime/cache.ts";
import { type Asked, addChain, type Chain, delWholeChain, keyIn } from "../runtime/chain.ts";
import { createNamedNamespace, namedNamespace, removeNamedNamespace } from "../sys/named-namespace.ts";
import { allRecorded, type Leftover } from "../teardown/leftover.ts";
import { type Means, takeDown } from "../teardown/take-down.ts";

/** The interface of the pods. */
const INTERFACE = "eth0";

/** The names of namespaces and containers. What is kept has others, since a trial removes what it finds. */
const NAMES = { passing: ["pontoon-try-1", "pontoon-try-2"], kept: ["try-1", "try-2"] } as const;

/** A pod that is attached. */
export interface Member {
  /** The name of namespace and container. */
  name: string;
  pod: Pod;
  /** One address of each family. */
  addresses: Address[];
  gateways: Address[];
  /** Bytes. */
  mtu: number;
  /** Undefined where Pontoon is no plugin of the network. */
  attachment: Attachment | undefined;
}

/** The names of the pods of a trial. */
export function memberNames(keeps: boolean, count: number): readonly string[] {
  return NAMES[keeps ? "kept" : "passing"].slice(0, count);
}

/** Makes a namespace and attaches it. Throws CniError of the plugin, and SystemError. */
export function attachMember(name: string, { chain, capabilities, node }: Attaching): Member {
  createNamedNamespace(name, node.home);
  const asked = askedFor(name, capabilities);
  const result = addChain(chain, asked);
  const pod = node.keep(node.openPod(asked.namespacePath));
  const { interfaces, ips } = readResult(result, "result", new Problems());
  const own = ips.filter(({ interface: index }) => index === undefined || interfaces[index]?.sandbox);
  return {
    name,
    pod,
    addresses: oneOfEach(own.map(({ address }) => address.address)),
    gateways: oneOfEach(own.flatMap(({ gateway }) => gateway ?? [])),
    mtu: getLink(pod.links, { name: INTERFACE })?.mtu ?? 0,
    attachment: node.records.getRecord(keyIn(chain, asked)),
  };
}

/** The network, and the arguments for capabilities of one pod. */
export interface Attaching {
  chain: Chain;
  capabilities: Fields;
  node: Node;
}

/**
 * Detaches a pod and removes its namespace. A plugin that fails stops neither the others nor that; what is
 * not there is no error.
 */
export function removeMember(name: string, chain: Chain): CniError[] {
  const errors = delWholeChain(chain, askedFor(name, {}));
  return [...errors, ...collectErrors([() => void removeNamedNamespace(name)])];
}

/** Takes away what a killed trial has left, of whichever network. */
export function removeRemains(means: Means): CniError[] {
  const isRemains = (containerId: string): boolean => NAMES.passing.some((name) => name === containerId);
  const reason = "a trial was killed";
  const recorded = allRecorded(means.node)
    .filter(({ key }) => isRemains(key.containerId))
    .map((attachment): Leftover => ({ kind: "attachment", attachment, reason }));
  const errors = recorded.flatMap((leftover) => takeDown(leftover, means));
  const cached = listCache().filter(({ key }) => isRemains(key.containerId));
  for (const each of cached) errors.push(...takeDown({ kind: "cached", cached: each, reason }, means));
  errors.push(...collectErrors(NAMES.passing.map((name) => () => void removeNamedNamespace(name))));
  return errors;
}

function askedFor(name: string, capabilities: Fields): Asked {
  const namespacePath = namedNamespace(name);
  return { containerId: name, interfaceName: INTERFACE, namespacePath, args: [], capabilities };
}

function oneOfEach(addresses: readonly Address[]): Address[] {
  return ([4, 6] as const).flatMap((family) => addresses.find((address) => address.family === family) ?? []);
}
