// Hints for rules that nftables refuses.
import { soundsLikeNoNftables } from "../nft/answer.ts";
import { isErrno, type SystemError } from "../sys/errno.ts";

/**
 * `hint` when the kernel lacks a part; undefined when only the error number can tell. ENOENT counts, since a
 * chain's type or an expression is a module too.
 */
export function hintOfMissing(error: SystemError, hint: string): string | undefined {
  return soundsLikeNoNftables(error) || isErrno(error, "ENOENT") ? hint : undefined;
}

/** A hint that names the kernel modules which rules take; undefined when only the error number can tell. */
export function modulesHint(error: SystemError, modules: string): string | undefined {
  return hintOfMissing(error, `Load the kernel modules ${modules}, or use a kernel that has them`);
}
