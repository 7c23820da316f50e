// Addresses: leases of pods, leases of nobody, and pools without a free address.

import { bridgeOf } from "../../attachment/link.ts";
import type { Netconf } from "../../cni/config.ts";
import { shellWord } from "../../host/difference.ts";
import { formatAddress } from "../../ip/address.ts";
import { ownsLease } from "../../ipam/ownership.ts";
import type { StrayLease } from "../../survey/lease.ts";
import { poolsOf } from "../../survey/network.ts";
import type { SurveyedAttachment } from "../../survey/survey.ts";
import { fileStatus } from "../../sys/status.ts";
import type { Context } from "../context.ts";
import { type Finding, nameOf } from "../finding.ts";

/** Leases that living pods have lost, and leases that no record knows. */
export function examineLeases(context: Context): Finding[] {
  return [
    ...context.living.flatMap(lostLeases),
    ...context.survey.leases
      .filter((lease) => !isInUse(lease, context))
      .map((lease) => strayLease(lease, context)),
  ];
}

function lostLeases(one: SurveyedAttachment): Finding[] {
  const { leaseDirectory: directory, key, addresses } = one.attachment;
  if (directory === undefined) return [];
  return addresses
    .map(({ address }) => address.address)
    .filter((address) => !ownsLease(directory, key, address))
    .map(
      (address): Finding => ({
        code: "lostLease",
        subject: nameOf(one),
        severity: "error",
        sentence: `its lease of ${formatAddress(address)} in ${directory} is missing or another container's, so another pod may get the address`,
        cure: leaseCommand(`${directory}/${formatAddress(address)}`, one),
        attachments: [one],
      }),
    );
}

/**
 * True for a lease whose container still has its interface on the node. Its record was lost, which is a
 * finding about that interface: without the lease another pod would get the address of a pod that lives.
 */
function isInUse({ directory, owner }: StrayLease, { survey }: Context): boolean {
  return survey.pairs.some(
    ({ key }) => key?.containerId === owner.containerId && directory.endsWith(`/${key.network}`),
  );
}

/** The command that writes a lease as host-local does: the container, and the interface in a second line. */
function leaseCommand(path: string, { attachment: { key } }: SurveyedAttachment): string {
  const directory = path.slice(0, path.lastIndexOf("/"));
  const make = fileStatus(directory) === undefined ? `mkdir -p ${shellWord(directory)} && ` : "";
  return `${make}printf '%s\\r\\n%s' ${shellWord(key.containerId)} ${shellWord(key.interfaceName)} > ${shellWord(path)}`;
}

/**
 * A lease that no record knows. The pods of another plugin may use the same folder: as long as their
 * interfaces are on the node nobody can tell.
 */
function strayLease({ directory, address, owner }: StrayLease, context: Context): Finding {
  const path = `${directory}/${formatAddress(address)}`;
  const network = directory.slice(directory.lastIndexOf("/") + 1);
  const bridges = bridgesOf(network, context);
  const hasForeign = context.survey.pairs.some(
    ({ key, link }) => key === undefined && bridges.has(link.master),
  );
  const about = {
    subject: `network ${network}`,
    proof: `${path} names container ${owner.containerId}`,
    networks: [network],
  };
  if (hasForeign)
    return {
      ...about,
      code: "foreignLease",
      severity: "note",
      sentence: `the lease of ${formatAddress(address)} belongs to no attachment of Pontoon; it may be that of a pod of another plugin`,
    };
  return {
    ...about,
    code: "strayLease",
    severity: "warning",
    sentence: `the lease of ${formatAddress(address)} belongs to no attachment, so no pod gets the address`,
    cure: `rm ${shellWord(path)}`,
  };
}

/** The indices of a network's bridges. */
function bridgesOf(network: string, context: Context): Set<number> {
  const { survey, netconfs } = context;
  const names = [
    ...survey.attachments
      .filter(({ attachment }) => attachment.key.network === network)
      .map(({ attachment }) => bridgeOf(attachment.link)),
    ...netconfs.filter(({ name }) => name === network).map(({ bridge }) => bridge),
  ];
  return new Set(names.flatMap((name) => (name === undefined ? [] : (context.linkNamed(name)?.index ?? []))));
}

/** Pools without a free address. */
export function examinePools({ netconfs }: Context): Finding[] {
  return netconfs.flatMap((netconf) => fullPools(netconf));
}

function fullPools(netconf: Netconf): Finding[] {
  const { name } = netconf;
  // A folder of leases that cannot be read is a finding of the state.
  return poolsOf(netconf)
    .pools.filter(({ size, taken }) => taken >= size)
    .map(({ words, size, taken }) => ({
      code: "fullPool",
      subject: `network ${name}`,
      severity: "warning",
      sentence: `no address is left in ${words}, so no further pod can start`,
      proof: `${taken} of ${size} addresses are taken`,
      advice: "Remove pods, send a GC, or widen the ranges",
      networks: [name],
    }));
}

/** Attachments whose pods are gone, and interfaces that no record knows. */
export function examineDead({ survey }: Context): Finding[] {
  const dead = survey.attachments
    .filter(({ state }) => state === "dead")
    .map(
      (one): Finding => ({
        code: "deadAttachment",
        subject: nameOf(one),
        severity: "warning",
        sentence: "its pod is gone, and no DEL came: its address and its rules are still there",
        proof: `${one.attachment.namespace.path} is no longer its network namespace`,
        cure: "pontoon clean --yes",
        attachments: [one],
      }),
    );
  const strays = survey.pairs
    .filter(({ key }) => key !== undefined)
    .map(
      ({ link, key }): Finding => ({
        code: "strayInterface",
        subject: `network ${key!.network}`,
        severity: "warning",
        sentence: `${link.name} is an interface of Pontoon, and no record says whose it is`,
        proof: `its alias is "${link.alias}"`,
        advice: `Delete its pod, or send a DEL for container ${key!.containerId}`,
        networks: [key!.network],
      }),
    );
  return [...dead, ...strays];
}
