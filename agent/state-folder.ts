// What pods leave on the disk when the last of them has gone: marks of leases and records. Nothing else reads
// them.
import { readdir, rm } from "node:fs/promises";

/** Where plugins keep their state. A container that has the node's folder mounted sees it. */
const STATE = "/var/lib/cni";

/** Files in a folder of leases that are no lease (host-local has them). */
const NO_LEASE = /^(lock|last_reserved_ip\..+)$/;
/** In a folder of records, what is no record: the mark of a boot. */
const NO_RECORD = /^boot-/;

/** Takes away the folders of a network without leases and records. Gives what was done, one line each. */
export async function removeState(network: string, state = STATE): Promise<string[]> {
  const leases = await removeIdle(`${state}/networks/${network}`, NO_LEASE);
  const records = await removeIdle(`${state}/pontoon/${network}`, NO_RECORD);
  const others = (await namesIn(`${state}/pontoon`)).filter((name) => name !== ".lock");
  if (others.length === 0) await rm(`${state}/pontoon`, { recursive: true, force: true });
  return [...leases, ...records];
}

async function removeIdle(folder: string, idle: RegExp): Promise<string[]> {
  const names = await namesIn(folder);
  if (names.length === 0) return [];
  const used = names.filter((name) => !idle.test(name));
  if (used.length > 0) return [`${folder}: kept, pods have ${used.length} of its files`];
  await rm(folder, { recursive: true, force: true });
  return [`${folder}: removed`];
}

/** The names in a folder; none where there is no such folder. */
async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
}
