// DEL of an attachment that Pontoon has no record of: the reference plugin may have made it, before the type
// in the configuration was changed.
import type { Result } from "../cni/result.ts";
import { removeUnneededPolicies } from "../host/ingress-need.ts";
import type { Machine, Pod } from "../host/machine.ts";
import { removeUnneededChains } from "../host/network-chains.ts";
import { removeReferenceRules, type Sources } from "../host/reference-rules.ts";
import type { Address } from "../ip/address.ts";
import { leasesOf } from "../ipam/ownership.ts";
import { listAddresses } from "../net/address.ts";
import { getLink } from "../net/link.ts";
import type { AttachmentKey } from "../record/attachment.ts";
import { attachmentDigest } from "../record/digest.ts";

export interface Unrecorded {
  key: AttachmentKey;
  /** `<dataDir>/<network>` and the bridge of the configuration. */
  directory: string;
  bridge: string;
  /** What the runtime remembers of the attachment. */
  prevResult?: Result | undefined;
}

/**
 * Removes what the reference plugin made to masquerade an attachment, and chains of ours in iptables and
 * ingress policies that its network does not need. Throws CniError.
 */
export function removeUnrecordedRules(
  { key, directory, bridge, prevResult }: Unrecorded,
  machine: Machine,
): void {
  removeReferenceRules(key, () => sourcesOf(key, directory, prevResult), machine);
  removeUnneededChains({ network: key.network, bridge, except: attachmentDigest(key) }, "jumps", machine);
  removeUnneededPolicies({ network: key.network, bridge, owner: attachmentDigest(key) }, machine);
}

/**
 * The MAC of the attachment's interface in the pod, so that it can be removed although no result tells of it
 * (runtimes send none below CNI 0.4.0): it is the one with an address that is leased to the attachment.
 * Another network may have given the pod an interface of that name. Throws CniError and SystemError.
 */
export function findUnrecordedMac(key: AttachmentKey, directory: string, pod: Pod): string | undefined {
  const link = getLink(pod.links, { name: key.interfaceName });
  if (link === undefined) return undefined;
  const leased = leasesOf(directory, key.containerId).filter(
    ({ owner: { interfaceName = key.interfaceName } }) => interfaceName === key.interfaceName,
  );
  const isLeased = ({ family, value }: Address): boolean =>
    leased.some(({ address }) => address.family === family && address.value === value);
  return listAddresses(pod.links, link.index).some(({ prefix }) => isLeased(prefix.address))
    ? link.mac
    : undefined;
}

/**
 * Which addresses' rules are this attachment's: the chain is shared by all interfaces of a container. The
 * result tells, else the leases: its own, or all but those of the other interfaces. Where nobody tells, none:
 * GC takes the chain with the container.
 */
function sourcesOf(key: AttachmentKey, directory: string, prevResult: Result | undefined): Sources {
  const own = ownAddresses(key, prevResult);
  if (own !== undefined) return { only: own };
  const leases = leasesOf(directory, key.containerId);
  const leased = leases.filter(
    ({ owner: { interfaceName = key.interfaceName } }) => interfaceName === key.interfaceName,
  );
  if (leased.length > 0 || leases.length === 0) return { only: leased.map(({ address }) => address) };
  return { except: leases.map(({ address }) => address) };
}

/** The addresses that the result gives to the attachment's interface; undefined when it tells of none. */
function ownAddresses(
  { interfaceName }: AttachmentKey,
  prevResult: Result | undefined,
): Address[] | undefined {
  const index =
    prevResult?.interfaces.findIndex(
      ({ name, sandbox }) => name === interfaceName && (sandbox ?? "") !== "",
    ) ?? -1;
  const ips = prevResult?.ips.filter((ip) => ip.interface === undefined || ip.interface === index) ?? [];
  return ips.length === 0 ? undefined : ips.map(({ address }) => address.address);
}
