// The nodes of a cluster, checked: subnets and addresses that belong to one node each. Pure.

import { nodeAddress, podSubnet, type Read } from "../../src/cluster/reader.ts";
import { Problems } from "../../src/cni/problems.ts";
import { type Address, type Family, formatAddress } from "../../src/ip/address.ts";
import { formatPrefix, networkOf, type Prefix, parsePrefix } from "../../src/ip/prefix.ts";
import type { ClusterNode } from "./node-object.ts";
import type { Problem } from "./problem.ts";
import { Subnets } from "./subnets.ts";

/** A node whose subnets and addresses are its own alone. */
export interface Member {
  name: string;
  uid: string;
  subnets: Prefix[];
  /** Its InternalIPs; the first of a family is the node's address in that family. */
  addresses: Address[];
}

/** The cluster as seen by one of its nodes. */
export interface Cluster {
  /** The node itself; undefined where the API server has no such node. */
  own: Member | undefined;
  /** All others, by name. */
  others: Member[];
  problems: Problem[];
}

/** The node's address in a family. */
export function addressOf({ addresses }: Pick<Member, "addresses">, family: Family): Address | undefined {
  return addresses.find((address) => address.family === family);
}

/**
 * Reads what the API server has of all nodes, for the node `ownName`. Two nodes with one address, or with
 * subnets that overlap, cannot both be right: this node keeps its own, else the Node object that was made
 * last counts, since a machine that is gone may have left its object. What is left out is told as a problem.
 */
export function readCluster(nodes: ReadonlyMap<string, ClusterNode>, ownName: string): Cluster {
  const problems: Problem[] = [];
  const ranked = [...nodes.values()].sort(byRank(ownName));
  const members = ranked.map((node) => memberOf(node, problems));
  claimAddresses(members, problems);
  claimSubnets(members, problems);
  giveWay(members, ownName, problems);
  const [own] = members.filter(({ name }) => name === ownName);
  const others = members.filter((each) => each !== own).sort((a, b) => compare(a.name, b.name));
  return { own, others, problems };
}

/** This node first, then the youngest. */
function byRank(ownName: string) {
  return (a: ClusterNode, b: ClusterNode): number =>
    Number(b.name === ownName) - Number(a.name === ownName) ||
    b.created - a.created ||
    compare(b.uid, a.uid) ||
    compare(a.name, b.name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function memberOf({ name, uid, podCIDRs, internalIPs }: ClusterNode, problems: Problem[]): Member {
  const readAll = <T>(texts: readonly string[], read: Read<T>, code: Problem["code"], what: string): T[] =>
    texts.flatMap((text) => {
      const found = new Problems();
      const value = read(text, { path: what, problems: found });
      if (value === undefined)
        problems.push({ code, node: name, text: `node ${name}: ${found.texts.join("; ")}` });
      return value ?? [];
    });
  return {
    name,
    uid,
    subnets: readAll(podCIDRs.map(withoutHostBits), podSubnet, "wrong-pod-cidr", "podCIDR"),
    addresses: readAll(internalIPs, nodeAddress, "wrong-address", "InternalIP"),
  };
}

/** The API server takes 10.1.2.3/24 for a podCIDR, and means the subnet. */
function withoutHostBits(text: string): string {
  const prefix = parsePrefix(text);
  return prefix === undefined ? text : formatPrefix(networkOf(prefix));
}

/** Leaves each address to the first member that has it. */
function claimAddresses(members: readonly Member[], problems: Problem[]): void {
  const owners = new Map<string, string>();
  for (const member of members)
    member.addresses = member.addresses.filter((address) => {
      const text = formatAddress(address);
      const owner = owners.get(text) ?? member.name;
      owners.set(text, owner);
      if (owner !== member.name)
        problems.push({
          code: "same-address",
          node: member.name,
          text: `the nodes ${owner} and ${member.name} have the address ${text}; it counts for ${owner}, whose Node object is younger or this node's own`,
        });
      return owner === member.name;
    });
}

/** Leaves each subnet to the first member that has it, and none to those that overlap it. */
function claimSubnets(members: readonly Member[], problems: Problem[]): void {
  const taken = new Subnets();
  for (const member of members)
    member.subnets = member.subnets.filter((subnet) => {
      const before = taken.claim(subnet, member.name);
      if (before === undefined) return true;
      if (before.owner !== member.name || formatPrefix(before.subnet) !== formatPrefix(subnet))
        problems.push({
          code: "overlap",
          node: member.name,
          text: `podCIDR ${formatPrefix(subnet)} of node ${member.name} overlaps ${formatPrefix(before.subnet)} of node ${before.owner}; ${before.owner} keeps it, whose Node object is younger or this node's own`,
        });
      return false;
    });
}

/**
 * No subnet of pods may hold a node's address: the other's subnet gives way, or the address in this node's
 * own.
 */
function giveWay(members: readonly Member[], ownName: string, problems: Problem[]): void {
  const taken = new Subnets();
  for (const { name, subnets } of members) for (const subnet of subnets) taken.claim(subnet, name);
  const wrong = new Set<string>();
  for (const member of members)
    member.addresses = member.addresses.filter((address) => {
      const holder = taken.holderOf(address);
      if (holder === undefined) return true;
      const subnet = formatPrefix(holder.subnet);
      problems.push({
        code: "overlap",
        node: holder.owner,
        text: `podCIDR ${subnet} of node ${holder.owner} holds ${formatAddress(address)}, the address of node ${member.name}`,
      });
      if (holder.owner === ownName) return false;
      wrong.add(subnet);
      return true;
    });
  for (const member of members)
    if (member.name !== ownName)
      member.subnets = member.subnets.filter((subnet) => !wrong.has(formatPrefix(subnet)));
}
