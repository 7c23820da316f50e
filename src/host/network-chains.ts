// The chains by which networks are masqueraded in iptables: looked for, taken away when no attachment needs
// them any more.
import { parsePrefixes } from "../ip/prefix.ts";
import { chainPrefix, type NetworkChain, networkChains, usesOf } from "../iptables/network-chain.ts";
import { type IptablesTable, NAT, removeJumps } from "../iptables/table.ts";
import type { AttachmentRecord } from "../record/attachment.ts";
import { attachmentDigest } from "../record/digest.ts";
import { openRecordStore } from "../record/store.ts";
import { attempt } from "./failure.ts";
import { iptablesTables } from "./iptables-tables.ts";
import { listPortsLike } from "./leftover.ts";
import type { Machine } from "./machine.ts";
import { hasLink } from "./namespace.ts";
import { underNodeLock } from "./node.ts";

/** True when the chain has all of its rules, and all that lead to it are there. */
export function isWhole(chain: NetworkChain, machine: Machine): boolean {
  for (const table of iptablesTables(machine, NAT, [chain.family]))
    if (table.countUses(chain.name) === usesOf(chain)) return true;
  return false;
}

/** Takes away what there is of a chain, in every table. */
export function removeChain(chain: NetworkChain, machine: Machine): void {
  for (const table of iptablesTables(machine, NAT, [chain.family]))
    removeJumps(table, chain.name, () => true);
}

/** The chains that a recorded attachment needs. */
export function chainsOfRecord({
  key,
  masqueradeSubnets,
  masqueradeBackend,
}: AttachmentRecord): NetworkChain[] {
  return masqueradeSubnets === undefined || masqueradeBackend !== "iptables"
    ? []
    : networkChains(key.network, parsePrefixes(masqueradeSubnets));
}

/** A network whose chains may be taken away. */
export interface LeftNetwork {
  network: string;
  bridge: string;
  /** The digest of the attachment that goes. */
  except: string;
}

/**
 * True when another attachment needs the chain: it has its veth, or its ADD is running. A record alone says
 * little: of two DELs at once each would find that of the other. A port of the bridge whose record was lost
 * may need it.
 */
export function isNeeded(chain: string, { network, bridge, except }: LeftNetwork, machine: Machine): boolean {
  const records = openRecordStore();
  const isRecorded = records.hasRecordLike(network, (record) => {
    if (attachmentDigest(record.key) === except || !chainsOfRecord(record).some(({ name }) => name === chain))
      return false;
    return hasLink(record, machine) || records.isAddRunning(record.key);
  });
  return (
    isRecorded ||
    listPortsLike(
      network,
      bridge,
      (key) => attachmentDigest(key) !== except && records.getRecord(key) === undefined,
      machine,
    ).length > 0
  );
}

/**
 * Takes away the chains of an attachment whose veth has gone, unless another one needs them. Takes the node's
 * lock. Throws CniError.
 */
export function removeChainsOf(record: AttachmentRecord, machine: Machine): void {
  const {
    key: { network },
    bridge,
  } = record;
  const left = { network, bridge, except: attachmentDigest(record.key) };
  underNodeLock(() =>
    attempt("cleanup", `masquerading of network ${network}`, () => {
      for (const chain of chainsOfRecord(record))
        if (!isNeeded(chain.name, left, machine)) removeChain(chain, machine);
    }),
  );
}

/**
 * Where to look for chains. Looking through what leads to them is cheap beside thousands of chains of others,
 * and finds each one that does anything.
 */
export type Search = "chains" | "jumps";

/**
 * Takes away all chains of a network that nobody needs. Takes the node's lock where there are any. Throws
 * CniError.
 */
export function removeUnneededChains(left: LeftNetwork, search: Search, machine: Machine): void {
  const { network } = left;
  attempt("cleanup", `masquerading of network ${network}`, () => {
    if (findChains(network, search, machine).next().done === true) return;
    underNodeLock(() => {
      for (const [table, name] of findChains(network, search, machine))
        if (!isNeeded(name, left, machine)) removeJumps(table, name, () => true);
    });
  });
}

function* findChains(network: string, search: Search, machine: Machine): Generator<[IptablesTable, string]> {
  const prefix = chainPrefix(network);
  for (const table of iptablesTables(machine, NAT)) {
    const names =
      search === "chains" ? table.listChains(prefix) : table.listJumps(prefix).map(({ chain }) => chain);
    for (const name of new Set(names)) yield [table, name];
  }
}
