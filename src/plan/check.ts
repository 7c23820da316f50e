// The description that CHECK expects of an attachment with a partial record or without one. Pure.
import type { Attachment } from "../attachment/attachment.ts";
import type { Link } from "../attachment/link.ts";
import type { AttachmentKey } from "../cni/attachment-key.ts";
import type { Netconf } from "../cni/config.ts";
import { isInPod, type Result } from "../cni/result.ts";
import { describe } from "./describe.ts";
import type { FilteredFamilies } from "./host-port.ts";
import type { PodEnd } from "./result.ts";

/** The facts about an attachment at CHECK. */
export interface CheckInput {
  netconf: Netconf & { prevResult: Result };
  key: AttachmentKey;
  /** CNI_NETNS. */
  path: string;
  pod: string | undefined;
  /** The pod's end in the result. */
  end: PodEnd;
  leaseDirectory: string | undefined;
  /** The name of the host's end of an attachment that Pontoon made. */
  hostInterface: string;
  /** The record; undefined when there is none, and another program may have made the attachment. */
  record: Attachment | undefined;
  /** As in Known. */
  isFiltered: FilteredFamilies;
}

/**
 * The attachment as configuration and result describe it. If another program made it, before the type in the
 * configuration was changed, the host's end has another name (the interface that the result names before the
 * pod's), and there are neither rules nor limits of Pontoon.
 */
export function describeByResult(input: CheckInput): Attachment {
  const { netconf, end, hostInterface, record } = input;
  const { interfaces } = netconf.prevResult;
  const isOurs = record !== undefined || interfaces.some(({ name }) => name === hostInterface);
  const described = describeAsOurs(input, isOurs && record === undefined);
  const named = interfaces[end.index - 1];
  if (isOurs || named === undefined || isInPod(named)) return described;
  return {
    ...described,
    // As little is known of the attachment as of an attachment with a record of version 1.
    version: 1,
    link: linkOfOthers(described.link, named.name),
    masquerade: undefined,
    spoofCheck: false,
    addressCheck: undefined,
    ingressPolicy: undefined,
    bandwidth: undefined,
  };
}

/** The link of an attachment that another program made, and of which only the name is known. */
function linkOfOthers(link: Link, name: string): Link {
  if (link.kind === "bridgePort") return { ...link, host: { ...link.host, name }, hasFixedMac: false };
  return "host" in link ? { ...link, host: { ...link.host, name } } : link;
}

/** `hasPorts`: the ports are those that the call names. A record knows better, also of host ports. */
function describeAsOurs(input: CheckInput, hasPorts: boolean): Attachment {
  const { netconf, key, path, pod, end, leaseDirectory, record, isFiltered } = input;
  const unknown = { bootId: "", hostCookie: "" };
  const macs = { host: "", pod: end.link.mac ?? "", ifb: "" };
  const addresses = end.ips.map(({ address, gateway }) => ({ address, gateway }));
  // Only the record tells which routes a foreign IPAM plugin gave.
  const routes = netconf.ipam?.routes ?? record?.routes ?? [];
  // The policy decides whether the port is isolated: the configuration may name another one by now.
  const { ingressPolicy } = record ?? netconf;
  return describe(
    {
      // The MAC stands in the result.
      netconf: {
        ...netconf,
        ingressPolicy,
        hostPorts: hasPorts ? netconf.hostPorts : undefined,
        mac: undefined,
      },
      key,
      host: unknown,
      namespace: { path, cookie: "" },
      pod,
      leaseDirectory,
      bridgeMtu: undefined,
      macs,
      isFiltered,
    },
    { addresses, routes },
  );
}

/**
 * A record of version 1, completed by the description: gateways, routes, settings in the pod, and the
 * settings of bridge and port. Each field is named, so that a new field does not compile until somebody has
 * decided where it comes from; of a feature that version 1 did not know an attachment has nothing.
 */
export function completeDescription(record: Attachment, described: Attachment): Attachment {
  const { masquerade, leaseDirectory } = record;
  return {
    version: record.version,
    key: record.key,
    host: record.host,
    namespace: record.namespace,
    pod: record.pod,
    leaseDirectory: leaseDirectory ?? described.leaseDirectory,
    link: completeLink(record.link, described.link),
    addresses: record.addresses,
    routes: described.routes,
    detectsDuplicates: described.detectsDuplicates,
    gateway: described.gateway,
    masquerade: described.masquerade === undefined ? undefined : (masquerade ?? described.masquerade),
    spoofCheck: record.spoofCheck,
    addressCheck: record.addressCheck,
    ingressPolicy: record.ingressPolicy,
    bandwidth: record.bandwidth,
    sourceRouting: record.sourceRouting,
    tuning: described.tuning,
    hostPorts: record.hostPorts,
  };
}

/** Version 1 knew ports of bridges alone. */
function completeLink(recorded: Link, described: Link): Link {
  if (recorded.kind !== "bridgePort" || described.kind !== "bridgePort") return recorded;
  return {
    kind: described.kind,
    bridge: described.bridge,
    gatewayInterface: recorded.gatewayInterface,
    host: recorded.host,
    pod: { name: described.pod.name, mac: recorded.pod.mac, isRaised: described.pod.isRaised },
    mtu: recorded.mtu,
    hairpin: described.hairpin || recorded.hairpin,
    isolated: described.isolated,
    hasFixedMac: recorded.hasFixedMac,
    vlans: described.vlans,
  };
}
