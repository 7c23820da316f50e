// The nodes of a cluster, checked: subnets of pods that belong to one node each, and ways to them. Pure.

import { nodeAddress, podSubnet, type Read } from "../../src/cluster/reader.ts";
import { Problems } from "../../src/cni/problems.ts";
import { type Address, type Family, formatAddress } from "../../src/ip/address.ts";
import {
  formatPrefix,
  networkOf,
  type Prefix,
  parsePrefix,
  prefixContains,
  wholeOf,
} from "../../src/ip/prefix.ts";
import type { ClusterNode } from "./node-object.ts";
import type { Problem } from "./problem.ts";
import { Subnets } from "./subnets.ts";

/** A node whose subnets are its own alone. */
export interface Member {
  name: string;
  uid: string;
  /** Its place where nodes contradict each other: the lower one's word counts. */
  rank: number;
  subnets: Prefix[];
  /** The first InternalIP of each family. */
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
 * Reads what the API server has of all nodes, for the node `ownName`. Where two contradict each other, this
 * node's own counts, else that of the Node object that was made first: whoever joins the cluster chooses
 * podCIDR and addresses, and shall take nothing from others by them. Where `range` is given, podCIDRs outside
 * of it count for nobody, nor do addresses in it. What is left out is told as a problem.
 */
export function readCluster(
  nodes: ReadonlyMap<string, ClusterNode>,
  ownName: string,
  range: readonly Prefix[] = [],
): Cluster {
  const problems: Problem[] = [];
  const ranked = [...nodes.values()].sort(byRank(ownName));
  const members = ranked.map((node, rank) => memberOf(node, rank, problems));
  if (range.length > 0) for (const member of members) keepToRange(member, range, problems);
  const claims: Claims = { subnets: new Subnets(), addresses: new Subnets(), ownName, problems };
  for (const member of members) {
    dropOverSelf(member, problems);
    member.subnets = member.subnets.filter((subnet) => claimSubnet(subnet, member.name, claims));
    member.addresses = member.addresses.filter((address) => claimAddress(address, member.name, claims));
  }
  const [own] = members.filter(({ name }) => name === ownName);
  const others = members.filter((each) => each !== own).sort((a, b) => compare(a.name, b.name));
  return { own, others, problems };
}

/** This node first, then the oldest. */
function byRank(ownName: string) {
  return (a: ClusterNode, b: ClusterNode): number =>
    Number(b.name === ownName) - Number(a.name === ownName) ||
    a.created - b.created ||
    compare(a.uid, b.uid) ||
    compare(a.name, b.name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function memberOf(
  { name, uid, podCIDRs, internalIPs }: ClusterNode,
  rank: number,
  problems: Problem[],
): Member {
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
    rank,
    subnets: readAll(podCIDRs.map(withoutHostBits), podSubnet, "wrong-pod-cidr", "podCIDR"),
    addresses: firstOfFamilies(readAll(internalIPs, nodeAddress, "wrong-address", "InternalIP")),
  };
}

/** What further addresses say is not needed, and a kubelet could write thousands of them. */
function firstOfFamilies(addresses: readonly Address[]): Address[] {
  return addresses.filter(({ family }, at) => addresses.findIndex((each) => each.family === family) === at);
}

/** The API server takes 10.1.2.3/24 for a podCIDR, and means the subnet. */
function withoutHostBits(text: string): string {
  const prefix = parsePrefix(text);
  return prefix === undefined ? text : formatPrefix(networkOf(prefix));
}

/** Leaves out podCIDRs that are not in the range of the cluster, and addresses that are. */
function keepToRange(member: Member, range: readonly Prefix[], problems: Problem[]): void {
  const { name: node } = member;
  const isIn = (address: Address): boolean => range.some((each) => prefixContains(each, address));
  member.subnets = member.subnets.filter((subnet) => {
    if (range.some((each) => each.length <= subnet.length && prefixContains(each, subnet.address)))
      return true;
    const text = `podCIDR ${formatPrefix(subnet)} of node ${node} is outside of --cluster-cidr`;
    problems.push({ code: "wrong-pod-cidr", node, text });
    return false;
  });
  member.addresses = member.addresses.filter((address) => {
    if (!isIn(address)) return true;
    const text = `InternalIP ${formatAddress(address)} of node ${node} is in --cluster-cidr, which is for pods`;
    problems.push({ code: "wrong-address", node, text });
    return false;
  });
}

/** Leaves out podCIDRs that hold the node's own address: pods would be on its segment, and none reached. */
function dropOverSelf(member: Member, problems: Problem[]): void {
  const { name: node, addresses } = member;
  member.subnets = member.subnets.filter((subnet) => {
    const held = addresses.find((address) => prefixContains(subnet, address));
    if (held === undefined) return true;
    const text = `podCIDR ${formatPrefix(subnet)} of node ${node} holds ${formatAddress(held)}, the node's own address, so it counts for nobody`;
    problems.push({ code: "overlap", node, text });
    return false;
  });
}

/** What the members of before have, the first of them this node. */
interface Claims {
  subnets: Subnets;
  /** Each as a subnet of one address. */
  addresses: Subnets;
  ownName: string;
  problems: Problem[];
}

/** True for a subnet that is free of subnets and addresses of the members of before. */
function claimSubnet(subnet: Prefix, name: string, { subnets, addresses, problems }: Claims): boolean {
  const text = formatPrefix(subnet);
  const tell = (reason: string): void => void problems.push({ code: "overlap", node: name, text: reason });
  const holding = addresses.overlapping(subnet);
  if (holding !== undefined) {
    const address = formatAddress(holding.subnet.address);
    tell(
      `podCIDR ${text} of node ${name} holds ${address}, the address of node ${holding.owner}, whose Node object is older or this node's own; no packet goes to that podCIDR`,
    );
    return false;
  }
  const before = subnets.claim(subnet, name);
  if (before === undefined) return true;
  const other = formatPrefix(before.subnet);
  if (before.owner !== name || other !== text)
    tell(
      `podCIDR ${text} of node ${name} overlaps ${other} of node ${before.owner}; ${before.owner} keeps it, whose Node object is older or this node's own`,
    );
  return false;
}

/**
 * True for an address that lies in no subnet of pods and is not this node's own. Other nodes may share one:
 * packets to the pods of each go to the machine that has it, so none loses by what another says.
 */
function claimAddress(address: Address, name: string, { subnets, addresses, ownName, problems }: Claims) {
  const text = formatAddress(address);
  const holder = subnets.holderOf(address);
  if (holder !== undefined) {
    problems.push({
      code: "overlap",
      node: name,
      text: `podCIDR ${formatPrefix(holder.subnet)} of node ${holder.owner} holds ${text}, the address of node ${name}, which does not count: no packet goes to its pods`,
    });
    return false;
  }
  const before = addresses.claim(wholeOf(address), name);
  if (before === undefined) return true;
  const isOwn = before.owner === ownName;
  if (before.owner !== name)
    problems.push({
      code: "same-address",
      node: name,
      text: `the nodes ${before.owner} and ${name} have the address ${text}; ${isOwn ? "it is this node's own" : "packets to the pods of both go there"}`,
    });
  return !isOwn && before.owner !== name;
}
