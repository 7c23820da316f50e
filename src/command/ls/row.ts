// The rows of `pontoon ls`: attachments, pairs of others, strays, as one kind of value.

import type { PodAddress } from "../../attachment/attachment.ts";
import { bridgeOf, hostEndOf, type Link } from "../../attachment/link.ts";
import { formatAddress } from "../../ip/address.ts";
import { formatPrefix } from "../../ip/prefix.ts";
import { holderOf } from "../../survey/holder.ts";
import type { StrayLease } from "../../survey/lease.ts";
import type { Pair } from "../../survey/pair.ts";
import type { Survey, SurveyedAttachment } from "../../survey/survey.ts";
import { baseName } from "../../sys/path.ts";
import { shown } from "../../terminal/terminal.ts";
import { mappingTexts, podName, shortId } from "../text.ts";

/** The states of a row: those of an attachment, `stray` for a thing of ours without a record, `foreign`. */
export type RowState = SurveyedAttachment["state"] | "stray" | "foreign";

/** A row, as JSON has it too. */
export interface Row {
  /** The pod's name, or that of its container, namespace or process. */
  pod: string;
  containerId?: string | undefined;
  network?: string | undefined;
  interface?: string | undefined;
  /** With the lengths of their subnets. */
  addresses: string[];
  mac?: string | undefined;
  /** The way of attaching, or for a pair of others its kind: `bridge cni0`, `ptp`, `wire`, `device eth1`. */
  via: string;
  hostInterface?: string | undefined;
  hostPorts: string[];
  /** Bytes that came to the pod and that it sent, where the node counts them. */
  received?: number | undefined;
  sent?: number | undefined;
  /** When it was made, in milliseconds since 1970. */
  since?: number | undefined;
  /** The path of its namespace. */
  namespace?: string | undefined;
  /** The first process in its namespace. */
  process?: { pid: number; name: string } | undefined;
  state: RowState;
  /** A sentence for each difference. */
  problems: string[];
}

/** The rows of a survey: attachments, then strays, then the pairs of others. */
export function rowsOf(survey: Survey): Row[] {
  // The free end of a wire belongs to the pod at its other end, which has a row.
  const hasRow = (mac: string): boolean =>
    survey.attachments.some(({ attachment }) => attachment.link.pod.mac === mac);
  const others = survey.pairs.filter(({ isParked, far }) => !isParked || !hasRow(far?.mac ?? ""));
  const pairs = others.map((pair) => rowOfPair(pair, survey));
  return [
    ...survey.attachments.map(rowOfAttachment),
    ...survey.leases.map(rowOfLease),
    ...pairs.filter(({ state }) => state === "stray"),
    ...pairs.filter(({ state }) => state === "foreign"),
  ];
}

/** The row of a recorded attachment. */
export function rowOfAttachment(surveyed: SurveyedAttachment): Row {
  const { attachment, hostLink, namespace, since, state, problems } = surveyed;
  const { key, link, addresses, namespace: recorded } = attachment;
  return {
    pod: podName(attachment),
    containerId: key.containerId,
    network: key.network,
    interface: key.interfaceName,
    addresses: addresses.map(addressText),
    mac: link.pod.mac || undefined,
    via: viaOf(link),
    hostInterface: hostEndOf(link)?.name,
    hostPorts: mappingTexts(attachment),
    // The host's end sends what the pod receives.
    received: hostLink?.sent,
    sent: hostLink?.received,
    since,
    namespace: recorded.path,
    process: namespace && holderOf(namespace).process,
    state,
    problems,
  };
}

function addressText({ address }: PodAddress): string {
  return formatPrefix(address);
}

/** The way of attaching in words. */
function viaOf(link: Link): string {
  switch (link.kind) {
    case "bridgePort":
      return `bridge ${shown(bridgeOf(link) ?? "")}`;
    case "routedPair":
      return "ptp";
    case "wire":
      return "wire";
    case "device":
      return `device ${shown(link.former.name)}`;
  }
}

/** The row of a veth pair that belongs to no recorded attachment. */
export function rowOfPair(pair: Pair, survey: Survey): Row {
  const { link, isNear, namespace, far, key, isParked } = pair;
  const holder = namespace && holderOf(namespace);
  const isOurs = key !== undefined || isParked;
  const bridge = link.master === 0 ? undefined : survey.links.get(link.master);
  return {
    pod: isNear ? "(this node)" : shown(nameOf(holder)),
    containerId: key?.containerId ?? holder?.container,
    network: key?.network,
    interface: far === undefined ? undefined : shown(far.name),
    addresses: pair.farAddresses().map(formatPrefix),
    mac: far?.mac || undefined,
    via: bridge === undefined ? (isParked ? "wire" : "pair") : `${bridge.kind} ${shown(bridge.name)}`,
    hostInterface: shown(link.name),
    hostPorts: [],
    received: link.sent,
    sent: link.received,
    namespace: namespace?.paths[0],
    process: holder?.process,
    state: isOurs ? "stray" : "foreign",
    problems: isOurs ? [`${link.name} is an interface of Pontoon, and no record says whose it is`] : [],
  };
}

function nameOf(holder: ReturnType<typeof holderOf> | undefined): string {
  if (holder === undefined) return "?";
  const { container, name, process } = holder;
  if (container !== undefined) return shortId(container);
  return name ?? (process === undefined ? "?" : `${process.name}[${process.pid}]`);
}

/** The row of a lease that belongs to no recorded attachment. */
export function rowOfLease({ directory, address, owner }: StrayLease): Row {
  return {
    pod: shortId(owner.containerId),
    containerId: owner.containerId,
    network: shown(baseName(directory)),
    interface: owner.interfaceName === undefined ? undefined : shown(owner.interfaceName),
    addresses: [formatAddress(address)],
    via: "lease",
    hostPorts: [],
    state: "stray",
    problems: [`${directory}/${formatAddress(address)} is a lease, and no record says that it is used`],
  };
}
