// The programs of iptables, for what nobody can do without them: making rules, and all of the legacy variant.
import type { Family } from "../ip/address.ts";
import { findProgram } from "../tool/path.ts";
import { type Outcome, runProgram } from "../tool/program.ts";
import { programRefused } from "./nat-table.ts";

/** The lock that the legacy variant takes is waited for as long as other locks are, in seconds. */
const LOCK_WAIT_S = 10;

/** What iptables says of a chain that is not there. */
const NO_SUCH_CHAIN = 1;

/** The first of the programs `iptables…` (for IPv6 `ip6tables…`) with one of these endings that is there; undefined when none is. */
export function findIptables(family: Family, endings: readonly string[]): string | undefined {
  const program = family === 4 ? "iptables" : "ip6tables";
  return findProgram(endings.map((ending) => `${program}${ending}`));
}

/** The rules of a chain of table nat, one in a line, as `-S` prints them; undefined when there is no such chain. Throws CniError and SystemError. */
export function listRules(program: string, chain: string): string[] | undefined {
  const args = ["-w", String(LOCK_WAIT_S), "-t", "nat", "-S", chain];
  const outcome = run(program, args, "");
  if (outcome.status === NO_SUCH_CHAIN) return undefined;
  if (outcome.status !== 0) throw programRefused([program, ...args].join(" "), textOf(outcome));
  return linesOf(outcome.stdout).filter((line) => line.startsWith("-A "));
}

/** The names of the chains of table nat. Throws CniError and SystemError. */
export function listChainNames(program: string): string[] {
  const args = ["-w", String(LOCK_WAIT_S), "-t", "nat", "-S"];
  const outcome = run(program, args, "");
  if (outcome.status !== 0) throw programRefused([program, ...args].join(" "), textOf(outcome));
  return linesOf(outcome.stdout).flatMap((line) => (line.startsWith("-N ") ? [line.slice(3)] : []));
}

/** Changes table nat as these lines say, all or nothing, and gives what the program did. Throws SystemError. */
export function restore(program: string, lines: readonly string[]): Outcome {
  return run(program, ["--noflush", "-w", String(LOCK_WAIT_S)], `*nat\n${lines.join("\n")}\nCOMMIT\n`);
}

/** What a program that failed said, or how it ended. */
export function textOf({ stderr, status, signal, refusal }: Outcome): string {
  return stderr.trim() || refusal || `it ended with ${signal ?? `status ${status}`}`;
}

function run(file: string, args: string[], stdin: string): Outcome {
  return runProgram({ file, args, env: { ...process.env, LC_ALL: "C" }, stdin, isQuiet: true });
}

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
