// The answer to whether Pontoon would take an entry of a network configuration, given by the reader of ADD.
import { type Netconf, parseNetconf } from "../../cni/config.ts";
import { CniError } from "../../cni/error.ts";
import { type Fields, isFields, normaliseKeys } from "../../cni/keys.ts";
import { NETCONF_KEYS } from "../../cni/netconf-keys.ts";

/**
 * The error with which an ADD would refuse this entry of `network` before it does anything; undefined when it
 * would not refuse. `network` is the list around the entry, or the entry itself where there is no list.
 */
export function refusalOf(entry: Fields, network: Fields): CniError | undefined {
  const read = readEntry(entry, network);
  return read instanceof CniError ? read : undefined;
}

/** The entry of `network` as an ADD reads it, or the error with which an ADD would refuse it. */
export function readEntry(entry: Fields, { name, cniVersion, cniVersions }: Fields): Netconf | CniError {
  const version = cniVersion ?? (Array.isArray(cniVersions) ? (cniVersions as unknown[]).at(-1) : undefined);
  try {
    return parseNetconf(
      JSON.stringify({ ...entry, ...rangesOfRuntime(entry), name, cniVersion: version }),
      "ADD",
    );
  } catch (error) {
    if (error instanceof CniError) return error;
    throw error;
  }
}

/** An example of the ranges that the runtime gives, for an entry that leaves all ranges to it. */
function rangesOfRuntime(entry: Fields): Fields {
  return leavesRangesToRuntime(entry) ? { runtimeConfig: { ipRanges: [[{ subnet: "192.0.2.0/24" }]] } } : {};
}

/** True for an entry whose ranges all come from the runtime. */
export function leavesRangesToRuntime(entry: Fields): boolean {
  const { ipam, capabilities } = normaliseKeys(entry, NETCONF_KEYS) as Fields;
  return (
    isFields(capabilities) &&
    capabilities["ipRanges"] === true &&
    isFields(ipam) &&
    ipam["ranges"] === undefined &&
    ipam["subnet"] === undefined
  );
}
