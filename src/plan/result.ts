// From an attachment to the result that its ADD prints, and from a result back to the attachment. Pure.
import type { Attachment } from "../attachment/attachment.ts";
import { bridgeOf, entryOf, hostEndOf } from "../attachment/link.ts";
import { ifbName } from "../attachment/name.ts";
import { needsIfb } from "../cni/bandwidth.ts";
import type { Netconf } from "../cni/config.ts";
import { type Dns, isInPod, type Result, type ResultInterface, type ResultIp } from "../cni/result.ts";
import { formatPrefix, networkOf, type Prefix } from "../ip/prefix.ts";

/** A link of the node that pods share, as it was when the pod was attached to it. */
export interface SharedLink {
  index: number;
  mac: string;
  mtu: number;
}

/** The facts that the result names beside the attachment. */
export interface ResultInput {
  bridge: SharedLink | undefined;
  /** The gateway's interface, in a network with a VLAN. */
  vlanGateway: SharedLink | undefined;
  dns: Dns;
}

/**
 * The result of the attachment's ADD. Its interfaces are in the order of the reference: the bridge if there
 * is one, the host's end, the pod's end, the gateway's interface in a VLAN, the ifb. All addresses belong to
 * the pod's end.
 */
export function resultOf(attachment: Attachment, { bridge, vlanGateway, dns }: ResultInput): Result {
  const { link, key, namespace, addresses, routes, bandwidth } = attachment;
  const mtu = link.mtu;
  const interfaces: ResultInterface[] = [];
  const bridgeName = bridgeOf(link);
  if (bridgeName !== undefined) interfaces.push({ name: bridgeName, mac: bridge?.mac, mtu: bridge?.mtu });
  const host = hostEndOf(link);
  if (host !== undefined) interfaces.push({ name: host.name, mac: host.mac, mtu });
  const ofPod = interfaces.push({ name: link.pod.name, mac: link.pod.mac, mtu, sandbox: namespace.path }) - 1;
  const entry = entryOf(link);
  if (vlanGateway !== undefined && entry !== undefined)
    interfaces.push({ name: entry, mac: vlanGateway.mac, mtu: vlanGateway.mtu });
  if (bandwidth !== undefined && needsIfb(bandwidth))
    interfaces.push({ name: ifbName(key), mac: bandwidth.ifbMac, mtu });
  const ips = addresses.map(({ address, gateway }) => ({ interface: ofPod, address, gateway }));
  return { interfaces, ips, routes, dns };
}

/**
 * The dns of a result: that of the configuration unless it is empty, else that of IPAM. As in the reference,
 * an empty list says that there is none, and an empty domain says nothing.
 */
export function dnsOf({ dns }: Netconf, ipamDns: Dns): Dns {
  if (dns === undefined) return ipamDns;
  const { nameservers, domain, search, options } = dns;
  const isSaying =
    nameservers !== undefined || search !== undefined || options !== undefined || (domain ?? "") !== "";
  return isSaying ? dns : ipamDns;
}

/** The interface of a result that is the pod's end of the attachment, with its index and its addresses. */
export interface PodEnd {
  index: number;
  link: ResultInterface;
  ips: ResultIp[];
}

/** Finds the pod's end in the result of a chain; undefined when the result names none inside the pod. */
export function findPodEnd(result: Result, interfaceName: string): PodEnd | undefined {
  const index = result.interfaces.findIndex((each) => each.name === interfaceName && isInPod(each));
  const link = result.interfaces[index];
  if (link === undefined) return undefined;
  const ips = result.ips.filter((ip) => ip.interface === undefined || ip.interface === index);
  return { index, link, ips };
}

/** The MAC of the pod's end, as the result of a chain tells it; undefined where it does not. */
export function podMacOf(result: Result | undefined, interfaceName: string): string | undefined {
  return result && findPodEnd(result, interfaceName)?.link.mac;
}

/**
 * The attachment as the final result of the chain tells it: plugins behind Pontoon may have changed the MAC,
 * the addresses and the routes on purpose. Routes that the attachment does not have belong to other plugins,
 * and are left out.
 */
export function withResult(attachment: Attachment, result: Result, { link, ips }: PodEnd): Attachment {
  const own = new Set(attachment.routes.map(({ dst }) => destinationOf(dst)));
  return {
    ...attachment,
    addresses: ips.map(({ address, gateway }) => ({ address, gateway })),
    routes: result.routes.filter(({ dst }) => own.has(destinationOf(dst))),
    link: {
      ...attachment.link,
      pod: { ...attachment.link.pod, mac: link.mac ?? attachment.link.pod.mac },
      mtu: attachment.link.mtu ?? link.mtu,
    },
  };
}

function destinationOf(dst: Prefix): string {
  return formatPrefix(networkOf(dst));
}
