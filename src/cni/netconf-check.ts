// The limits of values in a configuration, beyond their type.
import type { Family } from "../ip/address.ts";
import type { LeaseRange } from "../ip/range.ts";
import { byteLength, hasUnprintable, hasWhiteSpace } from "./name.ts";
import type { Problems } from "./problems.ts";
import { compareVersions, type Version } from "./version.ts";

/** The smallest MTU that IPv4 allows on a link (RFC 791), and that IPv6 does (RFC 8200, section 5). */
export const SMALLEST_MTU = { 4: 68, 6: 1280 } as const;
export const LARGEST_MTU = 65535;

/** Reports a network's name that is too long for the name of a directory. */
export function checkName(name: string, problems: Problems): void {
  if (name.length > 255) problems.add("name", name, "must have 255 characters at most");
}

/**
 * True for a name that the kernel takes for a new interface as it is (dev_valid_name in net/core/dev.c, and
 * no pattern).
 */
export function isBridgeName(name: string): boolean {
  return name !== "" && bridgeNameProblem(name) === undefined;
}

/** Reports a name that no bridge can have; undefined: the key is absent. */
export function checkBridge(name: string | undefined, problems: Problems): void {
  const text = name === undefined ? undefined : bridgeNameProblem(name);
  if (text !== undefined) problems.add("bridge", name, text);
}

function bridgeNameProblem(name: string): string | undefined {
  if (name === "") return "must not be empty; leave the key out for the default";
  if (byteLength(name) > 15) return "must have 15 bytes at most";
  if (name === "." || name === "..") return "must not be . or ..";
  if (name.includes("/") || name.includes(":") || hasWhiteSpace(name))
    return "must not contain /, : or white space";
  // The kernel makes br0, br1 and so on of "br%d".
  if (name.includes("%")) return "must not contain %";
  if (hasUnprintable(name)) return "must not contain control characters or broken Unicode";
  return undefined;
}

/**
 * Reports an MTU that is too small for a family of `sets`, or too large for the kernel. `sets`: the ranges
 * of the built-in IPAM, empty where it gives no addresses.
 */
export function checkMtu(mtu: number, sets: LeaseRange[][], problems: Problems): void {
  if (mtu === 0) return;
  const hasIpv6 = familyOfEachSet(sets).includes(6);
  const smallest = SMALLEST_MTU[hasIpv6 ? 6 : 4];
  if (mtu >= smallest && mtu <= LARGEST_MTU) return;
  const reason = hasIpv6 ? "IPv6 needs packets of 1280 bytes" : "IPv4 needs packets of 68 bytes";
  problems.add("mtu", mtu, `must be 0 (pontoon decides) or from ${smallest} to ${LARGEST_MTU}; ${reason}`);
}

/**
 * Reports disableContainerInterface beside an IPAM: an interface that stays down has no use for an address.
 */
export function refuseContainerInterface(problems: Problems): void {
  problems.add(
    "disableContainerInterface",
    true,
    "cannot use IPAM when DisableContainerInterface flag is set; take one of them out",
  );
}

/** Reports ipspoofchk without an IPAM: the pod would have no address to send from. */
export function refuseAddressCheck(problems: Problems): void {
  problems.add(
    "ipspoofchk",
    true,
    "needs ipam: without addresses nothing of the pod's would pass; add ipam, or use macspoofchk",
  );
}

/** Reports a folder for leases that is no absolute path; an empty one counts as absent. */
export function checkDataDir(path: string | undefined, problems: Problems): void {
  if (path === undefined || path === "") return;
  if (!isUsablePath(path))
    problems.add("ipam.dataDir", path, "must be an absolute path, as in /var/lib/cni/networks");
}

/** True for an absolute path that the kernel can be given. */
export function isUsablePath(path: string): boolean {
  return path.startsWith("/") && !path.includes("\0");
}

/** Reports several addresses of one family in a version with a result that has room for one of each. */
export function checkOneAddressPerFamily(sets: LeaseRange[][], version: Version, problems: Problems): void {
  if (compareVersions(version, "0.3.0") >= 0) return;
  const families = familyOfEachSet(sets);
  if (new Set(families).size === families.length) return;
  problems.addAt(
    "ipam.ranges",
    `CNI version ${version} does not support more than 1 address per family; set cniVersion to 0.3.0 or newer, or give one range set per family`,
  );
}

/** The family of each set that has a range, in the order of the sets; a family may be there several times. */
function familyOfEachSet(sets: LeaseRange[][]): Family[] {
  const families: Family[] = [];
  for (const [range] of sets) if (range !== undefined) families.push(range.first.family);
  return families;
}
