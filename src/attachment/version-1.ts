// Records of version 1, which releases up to 0.1.0 wrote. They name neither routes, gateways nor settings in
// the pod; fields that they lack stay undefined and make no step.
import { parsePrefixes } from "../ip/prefix.ts";
import type { Attachment } from "./attachment.ts";
import {
  areHostPorts,
  Damaged,
  type Fields,
  hasTexts,
  isBandwidth,
  isCount,
  isPolicy,
  optional,
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
    spoofCheck: fields.spoofCheck === true,
    addressCheck: undefined,
    ingressPolicy: fields.ingressPolicy,
    bandwidth: fields.bandwidth,
    sourceRouting: fields.sourceRouting === true,
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
  const isTexts = (value: unknown): boolean =>
    Array.isArray(value) && value.every((each) => typeof each === "string");
  return (
    hasTexts(fields["key"], "network", "containerId", "interfaceName") &&
    hasTexts(fields["host"], "bootId", "hostCookie") &&
    hasTexts(fields["namespace"], "path", "cookie") &&
    hasTexts(fields, "bridge", "hostInterface", "hostMac", "mac") &&
    isCount(fields["mtu"]) &&
    isTexts(fields["addresses"]) &&
    ["leaseDirectory", "gatewayInterface", "pod"].every((name) => optional(fields[name], "string")) &&
    ["masqueradeSubnets", "foreignRoutes"].every(
      (name) => fields[name] === undefined || isTexts(fields[name]),
    ) &&
    (fields["masqueradeBackend"] === undefined || fields["masqueradeBackend"] === "iptables") &&
    ["spoofCheck", "sourceRouting"].every((name) => optional(fields[name], "boolean")) &&
    isPolicy(fields["ingressPolicy"]) &&
    (fields["bandwidth"] === undefined || isBandwidth(fields["bandwidth"])) &&
    (fields["hostPorts"] === undefined || areHostPorts(fields["hostPorts"]))
  );
}
