// Records of version 1, as the release 0.1.0 wrote them.
import type { Attachment } from "../../../src/attachment/attachment.ts";
import { parseRecord } from "../../../src/attachment/text.ts";
import { formatPrefix } from "../../../src/ip/prefix.ts";
import { onBridge } from "../../support/on-bridge.ts";

/** What an ADD of the release 0.1.0 would have written for this attachment, as fields of JSON. */
export function version1Of(attachment: Attachment): Record<string, unknown> {
  const { link } = onBridge(attachment);
  const { key, host, namespace, leaseDirectory, pod, addresses, masquerade } = attachment;
  const { ifbMac: _mac, ...bandwidth } = attachment.bandwidth ?? {};
  const { allowListening: _allow, ...hostPorts } = attachment.hostPorts ?? {};
  return JSON.parse(
    JSON.stringify({
      version: 1,
      key,
      host,
      namespace,
      leaseDirectory,
      bridge: link.bridge.name,
      gatewayInterface: link.gatewayInterface === link.bridge.name ? undefined : link.gatewayInterface,
      hostInterface: link.host.name,
      hostMac: link.host.mac,
      mac: link.pod.mac,
      mtu: link.mtu,
      pod,
      addresses: addresses.map(({ address }) => formatPrefix(address)),
      masqueradeSubnets: masquerade?.subnets.map(formatPrefix),
      masqueradeBackend: masquerade?.backend === "iptables" ? "iptables" : undefined,
      spoofCheck: attachment.spoofCheck || undefined,
      ingressPolicy: attachment.ingressPolicy,
      bandwidth: attachment.bandwidth && bandwidth,
      sourceRouting: attachment.sourceRouting || undefined,
      hostPorts: attachment.hostPorts && hostPorts,
    }),
  ) as Record<string, unknown>;
}

/** The attachment that a record with these fields describes; the record has to be readable. */
export function readFields(fields: Record<string, unknown>): Attachment {
  const parsed = parseRecord(JSON.stringify(fields));
  if (parsed.state !== "record") throw new Error(`The record is ${parsed.state}.`);
  return parsed.attachment;
}
