// The table `nat` of iptables, in one family, as far as masquerading concerns it: chains, and the rules in POSTROUTING that
// lead to them. iptables keeps it in nftables (nftables-nat-table.ts) or, older, in a table of its own (legacy-nat-table.ts).
import type { Family } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";
import { CniError } from "../cni/error.ts";
import { isErrno } from "../sys/errno.ts";

export interface NatTable {
  readonly family: Family;
  /** How many rules a chain has, and how many lead to it, in one number; undefined when there is no such chain. Throws SystemError or CniError, as all of these. */
  countUses(chain: string): number | undefined;
  /** The rules of POSTROUTING that lead to a chain whose name starts so. */
  listJumps(prefix: string): Jump[];
  /** The names of the chains that start so. */
  listChains(prefix: string): string[];
  /** Takes out these rules, then these chains with their rules: all or nothing. SystemError ENOENT or EBUSY when the table has changed since the look. */
  remove(jumps: readonly Jump[], chains: readonly string[]): void;
}

/** A rule of POSTROUTING that leads to a chain. */
export interface Jump {
  chain: string;
  /** Where a packet has to come from; undefined: from anywhere. */
  source: Prefix | undefined;
  comment: string;
  /** What the table knows the rule by. */
  rule: Uint8Array | string;
}

const ATTEMPTS = 6;

/** Takes out those rules that lead to a chain and `goes` says, and the chain when nothing else leads to it. False when there is no such chain. Throws SystemError and CniError. */
export function removeJumps(table: NatTable, chain: string, goes: (jump: Jump) => boolean): boolean {
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

/** The refusal of a program that changes or lists the table. */
export function programRefused(command: string, text: string): CniError {
  return new CniError("rules", {
    about: "the table nat of iptables",
    attempted: `Ran ${command}`,
    cause: text.trim().split("\n").join("; ") || "it said nothing",
    hint: 'Run this command by hand to see whether iptables works on this node, or set ipMasqBackend to "nftables"',
  });
}
