// Records of version 1, which releases up to 0.1.0 wrote. They name neither routes, gateways nor settings in
// the pod; fields that they lack stay undefined and make no step.
import { parsePrefixes } from "../ip/prefix.ts";
import type { Attachment } from "./attachment.ts";
import {
  areHostPorts,
  Damaged,
  type Fields,
  isBandwidth,
  isCount,
  isHost,
  isKey,
  isListOf,
  isNamespace,
  isOptionalText,
  isPolicy,
  isText,
  readFlag,
} from "./field.ts";

/** A record of version 1, as its release wrote it. */
interface Version1 extends Pick<Attachment, "key" | "host" | "namespace"> {
  leaseDirectory?: string;
  bridge: string;
  gatewayInterface?: string;
  hostInterface: string;
  hostMac: string;
  mac: string;
  mtu: number;
  addresses: string[];
  foreignRoutes?: string[];
  pod?: string;
  masqueradeSubnets?: string[];
  masqueradeBackend?: "iptables";
  spoofCheck?: boolean;
  ingressPolicy?: Attachment["ingressPolicy"];
  sourceRouting?: boolean;
  bandwidth?: Attachment["bandwidth"];
  hostPorts?: Attachment["hostPorts"];
}

/** The attachment that a record of version 1 describes. Throws Damaged for a field of a wrong type. */
export function readVersion1(fields: Fields): Attachment {
  if (!isVersion1(fields)) throw new Damaged();
  const { masqueradeSubnets, masqueradeBackend: backend = "nftables" } = fields;
  return {
    version: 1,
    key: fields.key,
    host: fields.host,
    namespace: fields.namespace,
    pod: fields.pod,
    leaseDirectory: fields.leaseDirectory,
    link: linkOf(fields),
    addresses: parsePrefixes(fields.addresses).map((address) => ({ address, gateway: undefined })),
    routes: parsePrefixes(fields.foreignRoutes ?? []).map((dst) => ({ dst })),
    detectsDuplicates: false,
    gateway: undefined,
    masquerade: masqueradeSubnets && { backend, subnets: parsePrefixes(masqueradeSubnets) },
    spoofCheck: readFlag(fields.spoofCheck),
    addressCheck: undefined,
    ingressPolicy: fields.ingressPolicy,
    bandwidth: fields.bandwidth,
    sourceRouting: readFlag(fields.sourceRouting),
    tuning: undefined,
    hostPorts: fields.hostPorts,
  };
}

function linkOf({ bridge, gatewayInterface, key, ...fields }: Version1): Attachment["link"] {
  return {
    kind: "bridgePort",
    bridge: { name: bridge, promiscuous: false, filtersVlans: gatewayInterface !== undefined },
    gatewayInterface: gatewayInterface ?? bridge,
    host: { name: fields.hostInterface, mac: fields.hostMac, isRaisedFirst: false },
    pod: { name: key.interfaceName, mac: fields.mac, isRaised: true },
    mtu: fields.mtu,
    hairpin: fields.hostPorts?.hairpin === true,
    isolated: fields.ingressPolicy === "isolated",
    hasFixedMac: false,
    vlans: undefined,
  };
}

function isVersion1(fields: Fields): fields is Fields & Version1 {
  const { masqueradeSubnets, foreignRoutes, masqueradeBackend } = fields;
  return (
    isKey(fields["key"]) &&
    isHost(fields["host"]) &&
    isNamespace(fields["namespace"]) &&
    ["bridge", "hostInterface", "hostMac", "mac"].every((name) => isText(fields[name])) &&
    isCount(fields["mtu"]) &&
    isListOf(fields["addresses"], isText) &&
    ["leaseDirectory", "gatewayInterface", "pod"].every((name) => isOptionalText(fields[name])) &&
    (masqueradeSubnets === undefined || isListOf(masqueradeSubnets, isText)) &&
    (foreignRoutes === undefined || isListOf(foreignRoutes, isText)) &&
    (masqueradeBackend === undefined || masqueradeBackend === "iptables") &&
    isPolicy(fields["ingressPolicy"]) &&
    isBandwidth(fields["bandwidth"]) &&
    areHostPorts(fields["hostPorts"])
  );
}
