// A table of iptables, in one family, as far as it has chains of Pontoon: those, and the rules of its base
// chain that lead to them. iptables keeps it in nftables (nftables-table.ts) or, older, in a table of its own
// (legacy-table.ts).

import { CniError } from "../cni/error.ts";
import type { Family } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";
import { isErrno } from "../sys/errno.ts";

/** The name of the program for a family; its other programs have an ending behind it, as in `-restore`. */
export function iptablesOf(family: Family): string {
  return family === 4 ? "iptables" : "ip6tables";
}

/** A table and the chain in it from which rules lead to Pontoon's chains. */
export interface ChainPlace {
  table: "nat" | "filter";
  base: string;
}

/**
 * A table and its base chain (the kernel sends packets through it), from which rules lead to Pontoon's
 * chains.
 */
export interface TablePlace extends ChainPlace {
  base: "POSTROUTING" | "FORWARD";
}

/** The table in which networks are masqueraded. */
export const NAT: TablePlace = { table: "nat", base: "POSTROUTING" };

/** The table that lets packets on their way through the node pass, or drops them. */
export const FILTER: TablePlace = { table: "filter", base: "FORWARD" };

/** A table in one family and one variant. */
export interface IptablesTable {
  readonly family: Family;
  readonly variant: "nftables" | "legacy";
  /**
   * True when packets may be dropped here. In nftables: there is a base chain. In the legacy variant, where
   * there always is one: it drops by default, or has rules.
   */
  mayDrop(): boolean;
  /** The number of rules in a chain plus the number of jumps to it; undefined when there is no such chain. */
  countUses(chain: string): number | undefined;
  /** The rules of the base chain that lead to a chain with a name that starts with `prefix`. */
  listJumps(prefix: string): Jump[];
  /** The names of the chains that start with `prefix`. */
  listChains(prefix: string): string[];
  /**
   * Removes these rules, then these chains with their rules: all or nothing. SystemError ENOENT or EBUSY when
   * the table has changed since the look.
   */
  remove(jumps: readonly Jump[], chains: readonly string[]): void;
}

/** A rule of the base chain that leads to a chain. */
export interface Jump {
  chain: string;
  /** The source of the packets; undefined: any. */
  source: Prefix | undefined;
  comment: string;
  /** The rule's identity in the table. */
  rule: Uint8Array | string;
}

const ATTEMPTS = 6;

/**
 * Removes the jumps to a chain for which `goes` is true, and the chain when nothing else leads to it. False
 * when there is no such chain. Throws SystemError and CniError.
 */
export function removeJumps(table: IptablesTable, chain: string, goes: (jump: Jump) => boolean): boolean {
  for (let attempt = 1; ; attempt++) {
    if (table.countUses(chain) === undefined) return false;
    const jumps = table.listJumps(chain).filter((jump) => jump.chain === chain);
    const going = jumps.filter(goes);
    const isLast = going.length === jumps.length;
    if (going.length === 0 && !isLast) return true;
    try {
      table.remove(going, isLast ? [chain] : []);
      return true;
    } catch (error) {
      if (attempt === ATTEMPTS || !isErrno(error, "ENOENT", "EBUSY")) throw error;
    }
  }
}

/** The length of the prefix that a mask stands for. */
export function leadingOnes(mask: Uint8Array): number {
  const zero = mask.findIndex((byte) => byte !== 0xff);
  return zero < 0 ? mask.length * 8 : zero * 8 + Math.clz32(~((mask[zero] ?? 0) << 24));
}

/** A program that refused to change a table. */
export interface Refusal {
  command: string;
  /** What it said. */
  text: string;
  /** What helps where the program does not. */
  instead: string;
}

/** The refusal as an error. */
export function programRefused({ table }: TablePlace, { command, text, instead }: Refusal): CniError {
  return new CniError("rules", {
    about: `the table ${table} of iptables`,
    attempted: `Ran ${command}`,
    cause: text.trim().split("\n").join("; ") || "it said nothing",
    hint: `Run this command by hand to see whether iptables works on this node, or ${instead}`,
  });
}
