// The programs of iptables, for changes that need them: to make rules, and to change those of the legacy
// variant.
import type { Family } from "../ip/address.ts";
import { wholeEnvironment } from "../sys/environment.ts";
import { findProgram } from "../tool/path.ts";
import { type Outcome, runProgram } from "../tool/program.ts";
import { type ForwardChain, forwardLines } from "./forward-chain.ts";
import { type NetworkChain, restoreLines } from "./network-chain.ts";
import { type ChainPlace, FILTER, iptablesOf, NAT, programRefused, type TablePlace } from "./table.ts";

/** The longest wait for the lock of the legacy variant, in seconds, as for other locks. */
const LOCK_WAIT_S = 10;

/**
 * The first existing program `iptables…` (for IPv6 `ip6tables…`) with one of these endings; undefined when
 * none exists.
 */
export function findIptables(family: Family, endings: readonly string[]): string | undefined {
  const program = iptablesOf(family);
  return findProgram(endings.map((ending) => `${program}${ending}`));
}

/**
 * Changes a table as these lines say, all or nothing, and gives the program's outcome. Throws SystemError.
 */
export function restore(program: string, place: TablePlace, lines: readonly string[]): Outcome {
  return run(program, ["--noflush", "-w", String(LOCK_WAIT_S)], inputOf(place, lines));
}

/** Restores by a program before 1.6.2, which does not know -w here. Throws SystemError. */
function restoreByOld(program: string, place: TablePlace, lines: readonly string[]): Outcome {
  return run(program, ["--noflush"], inputOf(place, lines));
}

function inputOf({ table }: TablePlace, lines: readonly string[]): string {
  return `*${table}\n${lines.join("\n")}\nCOMMIT\n`;
}

/**
 * The rules of a chain as `iptables -S` shows them; undefined when there is no such chain. Throws
 * SystemError.
 */
export function listRules(program: string, { table, base }: ChainPlace): string[] | undefined {
  const outcome = run(program, ["-w", String(LOCK_WAIT_S), "-t", table, "-S", base], "");
  return outcome.status === 0
    ? outcome.stdout.split("\n").filter((line) => line.startsWith("-A "))
    : undefined;
}

/** Makes these chains of one family in table nat; no part of them exists. Throws CniError and SystemError. */
export function makeChains(program: string, chains: readonly NetworkChain[]): void {
  make(program, {
    place: NAT,
    lines: (isOld) => chains.flatMap((chain) => restoreLines(chain, !isOld)),
    instead: 'set ipMasqBackend to "nftables"',
  });
}

/** Makes this chain in table filter; no part of it exists. Throws CniError and SystemError. */
export function makeForwardChain(program: string, chain: ForwardChain, hasAdmin: boolean): void {
  make(program, {
    place: FILTER,
    lines: () => forwardLines(chain, hasAdmin),
    instead: "take ingressPolicy out of the configuration",
  });
}

/** Rules that are to be made. */
interface Making {
  place: TablePlace;
  /** What iptables reads; before 1.6.2 (`isOld`) it knows neither -w here nor --random-fully. */
  lines: (isOld: boolean) => string[];
  /** What helps where it refuses. */
  instead: string;
}

function make(program: string, { place, lines, instead }: Making): void {
  const outcome = restore(program, place, lines(false));
  if (outcome.status === 0) return;
  const again = /unknown option|(unrecognized|invalid) option/.test(outcome.stderr)
    ? restoreByOld(program, place, lines(true))
    : outcome;
  if (again.status !== 0)
    throw programRefused(place, { command: `${program} --noflush`, text: textOf(again), instead });
}

/** The message of a program that failed, or the way it ended. */
export function textOf({ stderr, status, signal, refusal }: Outcome): string {
  return stderr.trim() || refusal || `it ended with ${signal ?? `status ${status}`}`;
}

function run(file: string, args: string[], stdin: string): Outcome {
  return runProgram({ file, args, env: { ...wholeEnvironment(), LC_ALL: "C" }, stdin, isQuiet: true });
}
