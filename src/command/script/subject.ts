// The attachment that a script is about: described as an ADD describes it, with the wishes of a person in the
// place of those of a runtime.
import type { Attachment } from "../../attachment/attachment.ts";
import { attachmentDigest } from "../../attachment/name.ts";
import type { Netconf } from "../../cni/config.ts";
import { CniError } from "../../cni/error.ts";
import { type Fields, isFields } from "../../cni/keys.ts";
import { isPlainName } from "../../cni/name.ts";
import { type AddRequest, readRequest } from "../../cni/request.ts";
import { type Prefix, parsePrefix } from "../../ip/prefix.ts";
import { firstAddresses } from "../../ipam/first-choice.ts";
import { describe, type Given } from "../../plan/describe.ts";
import { completeGateways } from "../../plan/gateway.ts";
import { macFor, type Subject } from "../../script/script.ts";
import { lookFor } from "../../survey/sight.ts";
import { Misuse } from "../misuse.ts";
import type { NamedNetwork } from "./network.ts";

/** The pod that a person wants. */
export interface PodWishes {
  netns: string;
  id: string;
  interfaceName: string;
  ips: readonly string[];
  mac: string | undefined;
  portMappings: readonly Fields[];
  bandwidth: Fields | undefined;
}

/** The options as a person wrote them. */
interface WrittenWishes {
  netns?: string;
  ip?: string[];
  mac?: string;
  ifname?: string;
  id?: string;
  port?: string[];
  rate?: string;
}

/** Reads the options. Throws Misuse. */
export function wishesOf({
  netns = "red",
  ip = [],
  mac,
  ifname,
  id,
  port = [],
  rate,
}: WrittenWishes): PodWishes {
  if (!isPlainName(netns))
    throw new Misuse(
      '--netns is a name, as "ip netns" has it; "ip netns attach NAME PID" gives a namespace one',
    );
  return {
    netns,
    id: id ?? netns,
    interfaceName: ifname ?? "eth0",
    ips: ip,
    mac,
    portMappings: port.map(portOf),
    bandwidth: rate === undefined ? undefined : limitsOf(rate),
  };
}

function portOf(text: string): Fields {
  const [, hostPort, containerPort, protocol = "tcp"] = /^(\d+):(\d+)(?:\/(\w+))?$/.exec(text) ?? [];
  if (hostPort === undefined) throw new Misuse("--port is written as in 8080:80 or 5353:53/udp");
  return { hostPort: Number(hostPort), containerPort: Number(containerPort), protocol };
}

const UNITS: { readonly [unit: string]: number } = { "": 1, k: 1e3, M: 1e6, G: 1e9 };

function limitsOf(text: string): Fields {
  const [, to, toUnit = "", from = "0", fromUnit = ""] =
    /^(\d+)([kMG]?)(?:\/(\d+)([kMG]?))?$/.exec(text) ?? [];
  if (to === undefined) throw new Misuse("--rate is written in bit/s, as in 10M or 10M/500k");
  return {
    ingressRate: Number(to) * (UNITS[toUnit] ?? 1),
    egressRate: Number(from) * (UNITS[fromUnit] ?? 1),
  };
}

/** A script's subject, with sentences about what the script leaves out. */
interface Described {
  subject: Subject;
  notes: string[];
}

/** Describes the attachment. Throws CniError as an ADD does, and SystemError. */
export function subjectOf(network: NamedNetwork, wishes: PodWishes): Described {
  const { netns } = wishes;
  const { netconf, key, namespacePath: path } = requestOf(network, wishes);
  const sight = lookFor(netconf);
  const digest = attachmentDigest(key);
  const attachment: Attachment = describe(
    {
      netconf,
      key,
      host: { bootId: "", hostCookie: "" },
      namespace: { path, cookie: "" },
      pod: undefined,
      leaseDirectory: undefined,
      bridgeMtu: sight.mtu,
      device: sight.device,
      macs: { host: macFor(`host ${digest}`), pod: macFor(`pod ${digest}`), ifb: macFor(`ifb ${digest}`) },
      isFiltered: sight.isFiltered,
    },
    givenFor(netconf, wishes),
  );
  return {
    subject: { attachment, netns, source: network.source, bridgeMtu: sight.bridgeMtu },
    notes: [...othersNote(network), ...capabilityNotes(network, wishes)],
  };
}

/** The request of a runtime that has these wishes. */
function requestOf({ entry }: NamedNetwork, wishes: PodWishes): AddRequest {
  const { netns, id, interfaceName, ips, mac, portMappings, bandwidth } = wishes;
  const { runtimeConfig } = entry;
  const wanted = {
    ...(isFields(runtimeConfig) ? runtimeConfig : {}),
    ...(ips.length === 0 ? {} : { ips }),
    ...(mac === undefined ? {} : { mac }),
    ...(portMappings.length === 0 ? {} : { portMappings }),
    ...(bandwidth === undefined ? {} : { bandwidth }),
  };
  const stdin = JSON.stringify({
    ...entry,
    ...(Object.keys(wanted).length === 0 ? {} : { runtimeConfig: wanted }),
  });
  const environment = {
    CNI_COMMAND: "ADD",
    CNI_CONTAINERID: id,
    CNI_NETNS: `/run/netns/${netns}`,
    CNI_IFNAME: interfaceName,
    CNI_PATH: "/opt/cni/bin",
  };
  return readRequest(environment, () => stdin) as AddRequest;
}

/** The addresses and routes. Those of another IPAM plugin are known to a person alone. */
function givenFor(netconf: Netconf, { ips }: PodWishes): Given {
  const { ipam, foreignIpam, requestedAddresses } = netconf;
  if (ipam !== undefined)
    return { addresses: firstAddresses(ipam.rangeSets, requestedAddresses), routes: ipam.routes };
  if (foreignIpam === undefined) return { addresses: [], routes: [] };
  if (ips.length === 0)
    throw new CniError("invalidConfig", {
      message: `the addresses come from the IPAM plugin ${JSON.stringify(foreignIpam)}`,
      hint: "Give one with --ip, with the length of its subnet, as in --ip 10.1.0.5/24",
    });
  const given = ips.map((text) => ({ address: prefixOf(text), gateway: undefined }));
  return { addresses: completeGateways(given, netconf), routes: [] };
}

function prefixOf(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix === undefined)
    throw new Misuse(
      "--ip needs the length of the subnet where the IPAM plugin is not built in, as in 10.1.0.5/24",
    );
  return prefix;
}

function othersNote({ others }: NamedNetwork): string[] {
  if (others.length === 0) return [];
  return [`The script does not do what other plugins of the chain do: ${others.join(", ")}`];
}

/** A note for each wish that a runtime would not pass on. */
function capabilityNotes({ entry: { capabilities } }: NamedNetwork, wishes: PodWishes): string[] {
  const declared: Fields = isFields(capabilities) ? capabilities : {};
  const asked: readonly (readonly [option: string, capability: string, isAsked: boolean])[] = [
    ["--ip", "ips", wishes.ips.length > 0],
    ["--mac", "mac", wishes.mac !== undefined],
    ["--port", "portMappings", wishes.portMappings.length > 0],
    ["--rate", "bandwidth", wishes.bandwidth !== undefined],
  ];
  return asked.flatMap(([option, capability, isAsked]) =>
    isAsked && declared[capability] !== true
      ? [`A runtime would not pass on ${option}: the network does not declare the capability ${capability}`]
      : [],
  );
}
