// The table `nat` of the legacy variant of iptables. What is in it the kernel says; only changing it needs the program.
import { addressFromBytes, type Family } from "../ip/address.ts";
import { formatPrefix } from "../ip/prefix.ts";
import { ERRNO, SystemError } from "../sys/errno.ts";
import { readTextOfAny } from "../sys/file.ts";
import { readLegacyEntries } from "./legacy-entries.ts";
import { type Jump, leadingOnes, type NatTable } from "./nat-table.ts";
import { findIptables, restore, textOf } from "./program.ts";

/** One family of the table; undefined where this host has none, or no program for it: then there is nothing that we could do. */
export function legacyNatTable(family: Family): NatTable | undefined {
  if (!isThere(family)) return undefined;
  const program = findIptables(family, ["-legacy-restore", "-restore"]);
  return program === undefined ? undefined : {
    family,
    countUses: (chain) => {
      const entries = readLegacyEntries(family);
      const rules = entries.countRules(chain);
      return rules === undefined ? undefined : rules + entries.listJumps().filter((jump) => jump.chain === chain).length;
    },
    listJumps: (prefix) => listJumps(family, prefix),
    listChains: (prefix) => readLegacyEntries(family).listChains(prefix),
    remove: (jumps, chains) => remove(program, jumps, chains),
  };
}

/** The kernel's list of tables of the legacy variant in this network namespace; the file is absent where the kernel has none. */
function isThere(family: Family): boolean {
  const names = readTextOfAny(family === 4 ? "/proc/thread-self/net/ip_tables_names" : "/proc/thread-self/net/ip6_tables_names") ?? "";
  return names.split("\n").includes("nat");
}

function listJumps(family: Family, prefix: string): Jump[] {
  return readLegacyEntries(family).listJumps().filter(({ chain }) => chain.startsWith(prefix)).map(({ chain, source, comment }) => {
    const from = source && { address: addressFromBytes(source.address), length: leadingOnes(source.mask) };
    const words = ["POSTROUTING"];
    if (from !== undefined) words.push("-s", formatPrefix(from));
    if (comment !== "") words.push("-m comment --comment", `"${comment.replaceAll(/["\\]/g, "\\$&")}"`);
    return { chain, source: from, comment, rule: [...words, "-j", chain].join(" ") };
  });
}

/** It does not say whether a rule was missing or something else was wrong; the one who asked looks again. */
function remove(program: string, jumps: readonly Jump[], chains: readonly string[]): void {
  const outcome = restore(program, [
    ...jumps.map(({ rule }) => `-D ${rule as string}`),
    ...chains.map((chain) => `-F ${chain}`),
    ...chains.map((chain) => `-X ${chain}`),
  ]);
  if (outcome.status !== 0) throw new SystemError(`change the table nat by ${program}`, ERRNO.EBUSY, textOf(outcome));
}
