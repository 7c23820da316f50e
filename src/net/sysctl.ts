// Kernel settings below /proc/sys/net. They belong to the namespace of the thread that opens the file.
// Interface names may hold dots, so paths are written with slashes throughout.
import { isErrno } from "../sys/errno.ts";
import { readText, writeText } from "../sys/file.ts";

const ROOT = "/proc/sys/net";

/**
 * The value of a setting such as `ipv4/ip_forward`, or undefined where the kernel has none. Throws
 * SystemError.
 */
export function readSysctl(name: string): string | undefined {
  try {
    return readText(`${ROOT}/${name}`).trim();
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

/** Writes a setting, an empty value too. Throws SystemError. */
export function writeSysctl(name: string, value: string): void {
  writeText(`${ROOT}/${name}`, `${value}\n`);
}

/**
 * Makes sure that a setting has `value`; writes only if it differs, so a read-only /proc that is right is
 * fine. Throws SystemError.
 */
export function ensureSysctl(name: string, value: string): void {
  if (readSysctl(name) !== value) writeText(`${ROOT}/${name}`, value);
}

/** As {@link ensureSysctl}, and nothing where the kernel does not have the setting (no IPv6, say). */
export function ensureSysctlIfThere(name: string, value: string): void {
  const current = readSysctl(name);
  if (current !== undefined && current !== value) writeText(`${ROOT}/${name}`, value);
}

/**
 * Gives a setting `value` for what is better so but not needed: nothing where the kernel does not have it, or
 * where it may not be written (a container's read-only /proc/sys). Does not look first: that is what costs.
 * Throws SystemError.
 */
export function ensureSysctlIfPossible(name: string, value: string): void {
  try {
    writeText(`${ROOT}/${name}`, value);
  } catch (error) {
    if (!isErrno(error, "ENOENT", "ENOTDIR", "EROFS", "EACCES", "EPERM")) throw error;
  }
}
