// The answer to whether Pontoon would take an entry of a network configuration, given by the reader of ADD.
import { parseNetconf } from "../../cni/config.ts";
import { CniError } from "../../cni/error.ts";
import { type Fields, isFields, normaliseKeys } from "../../cni/keys.ts";
import { NETCONF_KEYS } from "../../cni/netconf-keys.ts";

/**
 * The error with which an ADD would refuse this entry of `network` before it does anything; undefined when it
 * would not refuse. `network` is the list around the entry, or the entry itself where there is no list.
 */
export function refusalOf(entry: Fields, { name, cniVersion, cniVersions }: Fields): CniError | undefined {
  const version = cniVersion ?? (Array.isArray(cniVersions) ? (cniVersions as unknown[]).at(-1) : undefined);
  try {
    parseNetconf(JSON.stringify({ ...entry, ...rangesOfRuntime(entry), name, cniVersion: version }), "ADD");
    return undefined;
  } catch (error) {
    if (error instanceof CniError) return error;
    throw error;
  }
}

/** An example of the ranges that the runtime gives, for an entry that leaves all ranges to it. */
function rangesOfRuntime(entry: Fields): Fields {
  const { ipam, capabilities } = normaliseKeys(entry, NETCONF_KEYS) as Fields;
  const isGiven =
    isFields(capabilities) &&
    capabilities["ipRanges"] === true &&
    isFields(ipam) &&
    ipam["ranges"] === undefined &&
    ipam["subnet"] === undefined;
  return isGiven ? { runtimeConfig: { ipRanges: [[{ subnet: "192.0.2.0/24" }]] } } : {};
}
