// A table of the legacy variant of iptables. The kernel tells its content; only changes need the program.
import { addressFromBytes, type Family } from "../ip/address.ts";
import { formatPrefix } from "../ip/prefix.ts";
import { errnoOf, SystemError } from "../sys/errno.ts";
import { readTextOfAny } from "../sys/file.ts";
import { fileIdentity } from "../sys/status.ts";
import { destinationGroupWords, sourceGroupWords } from "./forward-chain.ts";
import { readLegacyEntries } from "./legacy-entries.ts";
import { findIptables, restore, textOf } from "./program.ts";
import { type IptablesTable, type Jump, leadingOnes, type TablePlace } from "./table.ts";

/** One family of the table; undefined where this host has none, or no program that could change it. */
export function legacyTable(family: Family, place: TablePlace): IptablesTable | undefined {
  if (!hasLegacyTable(family, place)) return undefined;
  const program = findLegacyRestore(family);
  return program === undefined
    ? undefined
    : {
        family,
        variant: "legacy",
        mayDrop: () => mayDrop(family, place),
        countUses: (chain) => {
          const entries = readLegacyEntries(family, place);
          const rules = entries.countRules(chain);
          return rules === undefined
            ? undefined
            : rules + entries.listJumps().filter((jump) => jump.chain === chain).length;
        },
        listJumps: (prefix) => listJumps(family, place, prefix),
        listChains: (prefix) => readLegacyEntries(family, place).listChains(prefix),
        remove: (jumps, chains) => change(program, place, removalLines(jumps, chains)),
      };
}

/** The program that changes tables of the legacy variant; undefined when it is missing. */
export function findLegacyRestore(family: Family): string | undefined {
  const [legacy, other, nftables] = ["-legacy-restore", "-restore", "-nft-restore"].map((ending) =>
    findIptables(family, [ending]),
  );
  if (legacy !== undefined || other === undefined) return legacy;
  // The plain name leads to the administrator's variant, which may write into another table.
  return nftables !== undefined && fileIdentity(other) === fileIdentity(nftables) ? undefined : other;
}

/**
 * True when the table drops packets that no rule lets through, and the program to add a rule is missing.
 * Throws SystemError.
 */
export function isOutOfReach(family: Family, place: TablePlace): boolean {
  return dropsByDefault(family, place) && findLegacyRestore(family) === undefined;
}

/** True when the base chain drops packets that no rule lets through. Throws SystemError. */
export function dropsByDefault(family: Family, place: TablePlace): boolean {
  return hasLegacyTable(family, place) && readLegacyEntries(family, place).dropsByDefault();
}

function mayDrop(family: Family, place: TablePlace): boolean {
  const entries = readLegacyEntries(family, place);
  return entries.dropsByDefault() || entries.hasRules();
}

/**
 * True when the kernel lists this legacy table in this network namespace; the list is absent where the kernel
 * has none.
 */
export function hasLegacyTable(family: Family, { table }: { table: string }): boolean {
  const names =
    readTextOfAny(
      family === 4 ? "/proc/thread-self/net/ip_tables_names" : "/proc/thread-self/net/ip6_tables_names",
    ) ?? "";
  return names.split("\n").includes(table);
}

function listJumps(family: Family, place: TablePlace, prefix: string): Jump[] {
  return readLegacyEntries(family, place)
    .listJumps()
    .filter(({ chain }) => chain.startsWith(prefix))
    .map(({ chain, source, input, output, sourceGroup, destinationGroup, comment }) => {
      const from = source && { address: addressFromBytes(source.address), length: leadingOnes(source.mask) };
      const words: string[] = [place.base];
      if (from !== undefined) words.push("-s", formatPrefix(from));
      if (input !== "") words.push("-i", input);
      if (output !== "") words.push("-o", output);
      if (sourceGroup !== undefined) words.push(sourceGroupWords(sourceGroup));
      if (destinationGroup !== undefined) words.push(destinationGroupWords(destinationGroup));
      if (comment !== "") words.push("-m comment --comment", `"${comment.replaceAll(/["\\]/g, "\\$&")}"`);
      return { chain, source: from, comment, rule: [...words, "-j", chain].join(" ") };
    });
}

function removalLines(jumps: readonly Jump[], chains: readonly string[]): string[] {
  return [
    ...jumps.map(({ rule }) => `-D ${rule as string}`),
    ...chains.map((chain) => `-F ${chain}`),
    ...chains.map((chain) => `-X ${chain}`),
  ];
}

/** Says EBUSY, whether a rule was missing or something else was wrong: the caller looks again. */
function change(program: string, place: TablePlace, lines: readonly string[]): void {
  const outcome = restore(program, place, lines);
  if (outcome.status !== 0)
    throw new SystemError(`change the table ${place.table} by ${program}`, errnoOf("EBUSY"), textOf(outcome));
}
