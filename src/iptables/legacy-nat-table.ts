// The table `nat` of the legacy variant of iptables, which only its program can read and change.
import type { Family } from "../ip/address.ts";
import { parsePrefix } from "../ip/prefix.ts";
import { ERRNO, SystemError } from "../sys/errno.ts";
import { readTextOfAny } from "../sys/file.ts";
import type { Jump, NatTable } from "./nat-table.ts";
import { findIptables, listChainNames, listRules, restore, textOf } from "./program.ts";

const POSTROUTING = "POSTROUTING";

/** One family of the table; undefined where this host has none, or no program for it: then nobody ever made rules there. */
export function legacyNatTable(family: Family): NatTable | undefined {
  if (!isThere(family)) return undefined;
  const list = findIptables(family, ["-legacy", ""]);
  const change = findIptables(family, ["-legacy-restore", "-restore"]);
  if (list === undefined || change === undefined) return undefined;
  const listJumps = (prefix: string): Jump[] => (listRules(list, POSTROUTING) ?? []).flatMap((line) => parseJump(line, prefix) ?? []);
  return {
    family,
    countUses: (chain) => {
      const rules = listRules(list, chain);
      return rules && rules.length + listJumps(chain).filter((jump) => jump.chain === chain).length;
    },
    listJumps,
    listChains: (prefix) => listChainNames(list).filter((name) => name.startsWith(prefix)),
    remove: (jumps, chains) => {
      const outcome = restore(change, [
        ...jumps.map(({ rule }) => `-D ${rule as string}`),
        ...chains.map((chain) => `-F ${chain}`),
        ...chains.map((chain) => `-X ${chain}`),
      ]);
      // It does not say whether a rule was missing or something else was wrong; the one who asked looks again.
      if (outcome.status !== 0) throw new SystemError(`change the table nat by ${change}`, ERRNO.EBUSY, textOf(outcome));
    },
  };
}

/** The kernel's list of tables of the legacy variant in this network namespace; the file is absent where the kernel has none. */
function isThere(family: Family): boolean {
  const names = readTextOfAny(family === 4 ? "/proc/thread-self/net/ip_tables_names" : "/proc/thread-self/net/ip6_tables_names") ?? "";
  return names.split("\n").includes("nat");
}

/** A line such as `-A POSTROUTING -s 10.1.0.2/32 -m comment --comment "name: \"pods\" id: \"1f2a\"" -j CNI-0123456789abcdef01234567`. */
function parseJump(line: string, prefix: string): Jump | undefined {
  const quoted = / --comment (?:"((?:[^"\\]|\\.)*)"|(\S+))/.exec(line);
  const rest = quoted === null ? line : line.replace(quoted[0], "");
  const chain = / -[jg] (\S+)/.exec(rest)?.[1];
  if (chain === undefined || !chain.startsWith(prefix)) return undefined;
  const source = / -s (\S+)/.exec(rest)?.[1];
  return {
    chain,
    source: source === undefined ? undefined : parsePrefix(source),
    comment: (quoted?.[1] ?? quoted?.[2] ?? "").replaceAll(/\\(.)/g, "$1"),
    rule: line.slice("-A ".length),
  };
}
