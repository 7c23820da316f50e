// Kernel settings below /proc/sys/net. They belong to the namespace of the thread that opens the file.
// Interface names may hold dots, so paths are written with slashes throughout. All functions throw
// SystemError.
import { isErrno } from "../sys/errno.ts";
import { readText, writeText } from "../sys/file.ts";

export const SYSCTL_ROOT = "/proc/sys/net";

/** The value of a setting such as `ipv4/ip_forward`; undefined where the kernel has none. */
export function readSysctl(name: string): string | undefined {
  try {
    return readText(`${SYSCTL_ROOT}/${name}`).trim();
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

/** Writes a setting; an empty value is written too. */
export function writeSysctl(name: string, value: string): void {
  writeText(`${SYSCTL_ROOT}/${name}`, `${value}\n`);
}

/**
 * Makes sure that a setting has `value`; writes only if it differs, so a read-only /proc with the right value
 * is fine.
 */
export function ensureSysctl(name: string, value: string): void {
  if (readSysctl(name) !== value) writeText(`${SYSCTL_ROOT}/${name}`, value);
}

/** Makes sure that a setting has `value`; does nothing where the kernel lacks the setting (no IPv6, say). */
export function ensureSysctlIfThere(name: string, value: string): void {
  const current = readSysctl(name);
  if (current !== undefined && current !== value) writeText(`${SYSCTL_ROOT}/${name}`, value);
}

/**
 * Gives a setting a `value` that is useful but not needed: does nothing where the kernel lacks the setting,
 * or where it may not be written (a container's read-only /proc/sys). It writes without a look, which would
 * cost more.
 */
export function ensureSysctlIfPossible(name: string, value: string): void {
  try {
    writeText(`${SYSCTL_ROOT}/${name}`, value);
  } catch (error) {
    if (!isErrno(error, "ENOENT", "ENOTDIR", "EROFS", "EACCES", "EPERM")) throw error;
  }
}
