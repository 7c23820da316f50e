// The capabilities of this process (capabilities(7)).
import { readText } from "./file.ts";

/** The bits of those that Pontoon needs (linux/capability.h). */
const BITS = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21 } as const;

export type Capability = keyof typeof BITS;

/** True where the kernel lets this process use the capability (proc_pid_status(5)). Throws SystemError. */
export function hasCapability(name: Capability): boolean {
  const [, effective = "0"] = /^CapEff:\t([0-9a-f]+)$/m.exec(readText("/proc/self/status")) ?? [];
  return ((BigInt(`0x${effective}`) >> BigInt(BITS[name])) & 1n) === 1n;
}
