// What CHECK expects of an attachment whose record tells only a part, or of which there is none. Pure.
import type { Attachment } from "../attachment/attachment.ts";
import type { AttachmentKey } from "../cni/attachment-key.ts";
import type { Netconf } from "../cni/config.ts";
import type { Result } from "../cni/result.ts";
import { describe } from "./describe.ts";
import type { PodEnd } from "./result.ts";

/** What a runtime tells of an attachment at CHECK. */
export interface CheckInput {
  netconf: Netconf & { prevResult: Result };
  key: AttachmentKey;
  /** CNI_NETNS. */
  path: string;
  pod: string | undefined;
  /** The pod's end in the result. */
  end: PodEnd;
  leaseDirectory: string | undefined;
  /** The name that the host's end of an attachment of Pontoon has. */
  hostInterface: string;
  /** Undefined: there is none, and another program may have made the attachment. */
  record: Attachment | undefined;
}

/**
 * The attachment that configuration and result tell of. One that another program made, before the type in the
 * configuration was changed, has a host's end of another name (the interface that its result names before the
 * pod's), and neither rules nor limits of Pontoon.
 */
export function describeByResult(input: CheckInput): Attachment {
  const { netconf, end, hostInterface, record } = input;
  const { interfaces } = netconf.prevResult;
  const described = describeAsOurs(input);
  const isOurs = record !== undefined || interfaces.some(({ name }) => name === hostInterface);
  const named = interfaces[end.index - 1];
  if (isOurs || named === undefined || (named.sandbox ?? "") !== "") return described;
  return {
    ...described,
    link: { ...described.link, host: { ...described.link.host, name: named.name } },
    masquerade: undefined,
    spoofCheck: false,
    ingressPolicy: undefined,
    bandwidth: undefined,
  };
}

function describeAsOurs({ netconf, key, path, pod, end, leaseDirectory, record }: CheckInput): Attachment {
  const unknown = { bootId: "", hostCookie: "" };
  const macs = { host: "", pod: end.link.mac ?? "", ifb: "" };
  const addresses = end.ips.map(({ address, gateway }) => ({ address, gateway }));
  // Only the record tells which routes a foreign IPAM plugin gave.
  const routes = netconf.ipam?.routes ?? record?.routes ?? [];
  // The policy decides whether the port is isolated: the configuration may name another one by now.
  const { ingressPolicy } = record ?? netconf;
  return describe(
    {
      // Only the record tells of host ports, and the result of a MAC.
      netconf: { ...netconf, ingressPolicy, hostPorts: undefined, mac: undefined },
      key,
      host: unknown,
      namespace: { path, cookie: "" },
      pod,
      leaseDirectory,
      bridgeMtu: undefined,
      macs,
      isFiltered: { 4: false, 6: false },
    },
    { addresses, routes },
  );
}

/**
 * A record of version 1 with what it does not tell: gateways, routes, settings in the pod, and how bridge and
 * port were set.
 */
export function completeDescription(record: Attachment, described: Attachment): Attachment {
  const { gateway, routes, tuning, detectsDuplicates, link } = described;
  return {
    ...record,
    gateway,
    routes,
    tuning,
    detectsDuplicates,
    sourceRouting: described.sourceRouting,
    spoofCheck: described.spoofCheck,
    masquerade: described.masquerade === undefined ? undefined : (record.masquerade ?? described.masquerade),
    leaseDirectory: record.leaseDirectory ?? described.leaseDirectory,
    link: {
      ...link,
      gatewayInterface: record.link.gatewayInterface,
      host: record.link.host,
      pod: { ...link.pod, mac: record.link.pod.mac },
      mtu: record.link.mtu,
      hairpin: link.hairpin || record.link.hairpin,
    },
  };
}
