// Host ports: who listens behind them in the pod, and who on the node hears nothing because of them.
import type { AttachedPortMapping } from "../../attachment/host-ports.ts";
import { fateOf } from "../../host/forward/drop.ts";
import { type FirewallHook, listFirewallHooks } from "../../host/forward/hook.ts";
import { type Address, formatAddress, parseAddress } from "../../ip/address.ts";
import { findHolders } from "../../look/process.ts";
import { listListeners } from "../../net/listener.ts";
import { lookUpWay } from "../../net/route-look-up.ts";
import { FAR_AWAY } from "../../net/way-out.ts";
import { NetlinkSocket } from "../../netlink/socket.ts";
import { NF_IP_PRI_NAT_DST } from "../../netlink/uapi/nf_tables.ts";
import { NETLINK_SOCK_DIAG } from "../../netlink/uapi/sock_diag.ts";
import type { Packet } from "../../nft/packet.ts";
import { PROTOCOLS as NUMBERS } from "../../nft/port-mapping.ts";
import type { SurveyedAttachment } from "../../survey/survey.ts";
import type { Context } from "../context.ts";
import { type Finding, nameOf } from "../finding.ts";
import type { PodFacts, PodListener } from "../pod-facts.ts";

/**
 * Host ports behind which nobody listens, a note until that pod or port is asked for; and processes of the
 * node that listen on a port which leads to a pod; and ports that rules of others lead elsewhere.
 */
export function examineHostPorts(context: Context): Finding[] {
  const { pods } = context;
  const isAsked = context.asked !== undefined;
  return [
    ...pods.flatMap((facts) => deafPorts(facts, isAsked)),
    ...deafProcesses(context),
    ...shadowedPorts(context),
  ];
}

function deafPorts({ surveyed, listeners }: PodFacts, isAsked: boolean): Finding[] {
  const { hostPorts } = surveyed.attachment;
  if (hostPorts === undefined || listeners === undefined) return [];
  const deaf = hostPorts.mappings.filter((mapping) => !listeners.some((one) => hears(one, mapping)));
  // A port of both families stands in the record twice, and a program may listen for one of them alone.
  const heard = new Set(hostPorts.mappings.filter((mapping) => !deaf.includes(mapping)).map(portText));
  const silent = new Map(
    deaf.filter((mapping) => !heard.has(portText(mapping))).map((one) => [portText(one), one]),
  );
  return [...silent.values()].map((mapping) => ({
    code: "nobodyListens",
    subject: nameOf(surveyed),
    severity: isAsked ? "warning" : "note",
    sentence: `host port ${portText(mapping)} leads to ${targetText(mapping)}, where nobody listens`,
    proof: listeningText(mapping, listeners),
    advice: "Start the program in the pod, or correct the container's port",
    attachments: [surveyed],
  }));
}

/** True for a socket that takes connections to a port of the mapping. */
export function hears(
  { protocol, port, address, isForBoth }: PodListener,
  mapping: AttachedPortMapping,
): boolean {
  const { containerPort, hostPort, hostPortEnd } = mapping;
  if (protocol !== mapping.protocol) return false;
  if (port < containerPort || port > containerPort + hostPortEnd - hostPort) return false;
  const target = parseAddress(mapping.address);
  return target === undefined || takes(address, isForBoth, target);
}

function takes(address: Address, isForBoth: boolean, target: Address): boolean {
  if (address.family !== target.family) return isForBoth;
  return address.value === 0n || address.value === target.value;
}

function portText({ hostPort, hostPortEnd, protocol, hostAddress }: AttachedPortMapping): string {
  const ports = hostPort === hostPortEnd ? `${hostPort}` : `${hostPort}-${hostPortEnd}`;
  return `${ports}/${protocol}${hostAddress === undefined ? "" : ` of ${hostAddress}`}`;
}

function targetText({ address, containerPort }: AttachedPortMapping): string {
  return `${address.includes(":") ? `[${address}]` : address}:${containerPort}`;
}

function listeningText({ protocol }: AttachedPortMapping, listeners: readonly PodListener[]): string {
  const ports = [
    ...new Set(
      listeners
        .filter((one) => one.protocol === protocol)
        .map(({ address, port }) => `${formatAddress(address)}:${port}`),
    ),
  ];
  if (ports.length === 0) return `no program in the pod listens by ${protocol}`;
  const shown = ports.slice(0, 5).join(", ");
  return `the pod listens by ${protocol} on ${shown}${ports.length > 5 ? ` and ${ports.length - 5} more` : ""}`;
}

/** Processes of the node that listen on host ports of pods. */
function deafProcesses({ living }: Context): Finding[] {
  const holders = living.filter(({ attachment }) => attachment.hostPorts !== undefined);
  if (holders.length === 0) return [];
  using socket = NetlinkSocket.open(NETLINK_SOCK_DIAG);
  const found = (["tcp", "udp", "sctp"] as const).flatMap((protocol) =>
    listListeners(socket, NUMBERS[protocol], 0).flatMap((listener) => {
      const one = holders.find((each) => takesFrom(each, protocol, listener));
      return one === undefined ? [] : [{ ...listener, protocol, one }];
    }),
  );
  const processes = findHolders(new Set(found.map(({ inode }) => inode)));
  return found.flatMap(({ protocol, address, port, inode, one }): Finding[] => {
    const [process] = processes.get(inode) ?? [];
    // The runtime's own process, which keeps the port for the container (conmon).
    if (process?.arguments.includes(one.attachment.key.containerId) === true) return [];
    const who = process === undefined ? "a process of the node" : `${process.name} (pid ${process.pid})`;
    return [
      {
        code: "shadowedListener",
        subject: nameOf(one),
        severity: "note",
        sentence: `${who} listens on ${formatAddress(address)}:${port}/${protocol} of the node, and connections from outside go to the pod`,
        attachments: [one],
      },
    ];
  });
}

/** True for a pod that takes the connections of this socket of the node, unless it is the runtime's own. */
function takesFrom(
  { attachment: { hostPorts } }: SurveyedAttachment,
  protocol: string,
  { address, port, isForBoth }: { address: Address; port: number; isForBoth: boolean },
): boolean {
  if (hostPorts === undefined) return false;
  const isKept = hostPorts.kept?.some(
    (kept) => kept.protocol === protocol && kept.port === port && kept.address === formatAddress(address),
  );
  if (isKept === true) return false;
  return hostPorts.mappings.some((mapping) => {
    if (mapping.protocol !== protocol || port < mapping.hostPort || port > mapping.hostPortEnd) return false;
    const node = mapping.hostAddress === undefined ? undefined : parseAddress(mapping.hostAddress);
    return node === undefined || takes(address, isForBoth, node);
  });
}

/** Host ports that rules of others translate before Pontoon's, or beside them. */
function shadowedPorts(context: Context): Finding[] {
  const holders = context.living.flatMap((one) =>
    (one.attachment.hostPorts?.mappings ?? []).map((mapping) => ({ one, mapping })),
  );
  const hooks = holders.length === 0 ? [] : translatingHooks(listFirewallHooks(context.node));
  // Of thousands of rules most are for addresses of services: one look for all ports tells which hooks count.
  const known = new Map<string, FirewallHook[]>();
  const hooksFor = (mapping: AttachedPortMapping): FirewallHook[] => {
    const { protocol, hostAddress = "" } = mapping;
    const id = `${parseAddress(mapping.address)?.family} ${protocol} ${hostAddress}`;
    const packet = packetTo(mapping, undefined, context);
    const found =
      known.get(id) ??
      hooks.filter((hook) => packet !== undefined && fateOf(hook, packet).translation !== undefined);
    known.set(id, found);
    return found;
  };
  return holders.flatMap(({ one, mapping }) => {
    const meant = hooksFor(mapping);
    if (meant.length === 0) return [];
    const ports = Array.from(
      { length: mapping.hostPortEnd - mapping.hostPort + 1 },
      (_, at) => mapping.hostPort + at,
    );
    for (const port of ports) {
      const finding = shadowedPort({ one, mapping, port }, meant, context);
      if (finding !== undefined) return [finding];
    }
    return [];
  });
}

/** The hooks that may translate a connection before the rules of host ports do, or at their priority. */
export function translatingHooks(hooks: readonly FirewallHook[]): FirewallHook[] {
  return hooks.filter(
    ({ type, stage, priority }) => type === "nat" && stage === "prerouting" && priority <= NF_IP_PRI_NAT_DST,
  );
}

/** A port of the node that leads to a pod. */
interface HostPort {
  one: SurveyedAttachment;
  mapping: AttachedPortMapping;
  port: number;
}

/** The rule that leads connections to a host port elsewhere, as a finding. Throws SystemError. */
export function shadowedPort(
  { one, mapping, port }: HostPort,
  hooks: readonly FirewallHook[],
  context: Context,
): Finding | undefined {
  const packet = packetTo(mapping, port, context);
  if (packet === undefined) return undefined;
  for (const hook of hooks.filter(({ families }) => families.includes(packet.family))) {
    const { translation } = fateOf(hook, packet);
    if (translation?.isCertain !== true) continue;
    const { rule, chain } = translation;
    const place = chain === hook.base ? hook.title : `${hook.title} (its chain ${chain})`;
    const isFirst = hook.priority < NF_IP_PRI_NAT_DST || hook.isBeforeHostPorts === true;
    return {
      code: "hostPortShadowed",
      subject: nameOf(one),
      severity: isFirst ? "error" : "note",
      sentence: `${place} ${isFirst ? "leads" : "may lead"} connections to host port ${port}/${mapping.protocol} elsewhere: ${rule?.text ?? ""}`,
      proof: isFirst
        ? "the chain comes before the rules that lead the port to the pod"
        : "of chains with one priority the one that was made last comes first, and its age is not known",
      advice: "Take that rule away where the port is the pod's, or give the pod another host port",
      attachments: [one],
    };
  }
  return undefined;
}

/** The first packet from far away to a port of the node, any of them where that is undefined. */
function packetTo(
  { address, hostAddress, protocol }: AttachedPortMapping,
  port: number | undefined,
  { node, survey }: Context,
): Packet | undefined {
  const family = parseAddress(address)?.family;
  if (family === undefined) return undefined;
  const way = lookUpWay(node.links, FAR_AWAY[family]);
  const by = survey.links.get(way?.index ?? 0);
  return {
    family,
    input: by && { name: by.name, index: by.index, group: by.group },
    output: undefined,
    source: undefined,
    destination: hostAddress === undefined ? way?.source : parseAddress(hostAddress),
    protocol: NUMBERS[protocol],
    destinationPort: port,
    isForNode: true,
    state: "new",
    isTranslated: false,
  };
}
