// The programs that masquerading by iptables runs.

import { CniError } from "../../../cni/error.ts";
import type { Family } from "../../../ip/address.ts";
import { findIptables } from "../../../iptables/program.ts";
import { iptablesOf } from "../../../iptables/table.ts";

/** Refuses an ADD of these families when a program that it runs is missing. Throws CniError. */
export function checkIptables(families: readonly Family[]): void {
  for (const family of families) restoreProgram(family);
}

/** The program that makes chains of a family. Throws CniError when it is missing. */
export function restoreProgram(family: Family): string {
  const program = findIptables(family, ["-restore"]);
  if (program !== undefined) return program;
  throw new CniError("rules", {
    about: `${iptablesOf(family)}-restore is not there`,
    cause: 'ipMasqBackend is "iptables", and this program is neither in PATH nor in /usr/sbin or /sbin',
    hint: 'Install the package iptables (Debian, Ubuntu) or iptables-nft (Fedora, RHEL), or set ipMasqBackend to "nftables"',
  });
}
