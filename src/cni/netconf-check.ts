// What the values of a configuration must keep to, beyond their type.
import { type Family, formatAddress, sameAddress } from "../ip/address.ts";
import { formatPrefix, networkOf, samePrefix } from "../ip/prefix.ts";
import type { IngressPolicy, MasqueradeBackend } from "./bridge-config.ts";
import type { IpamConfig, LeaseRange } from "./ipam-config.ts";
import { byteLength, hasUnprintable, hasWhiteSpace } from "./name.ts";
import type { Shape } from "./netconf-schema.ts";
import type { Problems } from "./problems.ts";
import { type Route, TABLE_MAIN } from "./result.ts";
import { compareVersions, type Version } from "./version.ts";

/** The smallest MTU that IPv4 allows on a link (RFC 791), and that IPv6 does (RFC 8200, section 5). */
export const SMALLEST_MTU = { 4: 68, 6: 1280 } as const;
export const LARGEST_MTU = 65535;

/** The name of a network is the name of a directory too. */
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
  // The kernel would make "br%d" br0, br1 and so on.
  if (name.includes("%")) return "must not contain %";
  if (hasUnprintable(name)) return "must not contain control characters or broken Unicode";
  return undefined;
}

export function checkMtu(mtu: number | undefined, ipam: IpamConfig | undefined, problems: Problems): void {
  if (mtu === undefined || mtu === 0) return;
  const hasIpv6 = ipam !== undefined && setFamilies(ipam.rangeSets).includes(6);
  const smallest = SMALLEST_MTU[hasIpv6 ? 6 : 4];
  if (mtu >= smallest && mtu <= LARGEST_MTU) return;
  const reason = hasIpv6 ? "IPv6 needs packets of 1280 bytes" : "IPv4 needs packets of 68 bytes";
  problems.add("mtu", mtu, `must be 0 (pontoon decides) or from ${smallest} to ${LARGEST_MTU}; ${reason}`);
}

export function checkTogether({ hairpinMode, promiscMode }: Shape, problems: Problems): void {
  if (hairpinMode !== true || promiscMode !== true) return;
  problems.add(
    "hairpinMode",
    true,
    "cannot set hairpin mode and promiscuous mode at the same time; take one of them out",
  );
}

/** An interface that stays down has no use for an address. */
export function checkContainerInterface(hasIpam: boolean, problems: Problems): void {
  if (hasIpam)
    problems.add(
      "disableContainerInterface",
      true,
      "cannot use IPAM when DisableContainerInterface flag is set; take one of them out",
    );
}

export function readBackend(name: string, problems: Problems): MasqueradeBackend {
  if (name === "nftables" || name === "iptables") return name;
  problems.add("ipMasqBackend", name, 'unknown ipmasq backend; it must be "nftables" or "iptables"');
  return "nftables";
}

/**
 * Rules of iptables name the bridge, where a plus stands for any ending and a name may not start with a dash.
 */
export function readPolicy(name: string, bridge: string, problems: Problems): IngressPolicy {
  if (!/^[A-Za-z0-9_.][A-Za-z0-9_.-]*$/.test(bridge) && isBridgeName(bridge))
    problems.add(
      "bridge",
      bridge,
      "must consist of letters, digits, _, . and -, and not start with -, where there is an ingressPolicy",
    );
  if (name === "open" || name === "same-bridge" || name === "isolated") return name;
  problems.add(
    "ingressPolicy",
    name,
    'unknown ingress policy; it must be "open", "same-bridge" or "isolated"',
  );
  return "open";
}

export function checkDataDir(path: string | undefined, problems: Problems): void {
  if (path === undefined || path === "") return;
  if (!isUsablePath(path))
    problems.add("ipam.dataDir", path, "must be an absolute path, as in /var/lib/cni/networks");
}

export function isUsablePath(path: string): boolean {
  return path.startsWith("/") && !path.includes("\0");
}

/**
 * Up to here each is compared with those before it: that costs less than the first text that is made of a
 * route.
 */
const FEW_ROUTES = 8;

/** The kernel takes a gateway of the destination's family only, and no route twice. */
export function checkRoutes(routes: Route[], problems: Problems): void {
  const seen = routes.length > FEW_ROUTES ? new Set<string>() : undefined;
  let at = 0;
  for (const route of routes) {
    const { dst, gw } = route;
    if (gw !== undefined && gw.family !== dst.address.family) {
      problems.addAt(
        "ipam.routes",
        `the gateway ${formatAddress(gw)} of ${formatPrefix(dst)} must be of the family of its destination, IPv${dst.address.family}`,
      );
    }
    if (seen === undefined ? isBefore(routes, at, route) : isSeen(seen, route)) {
      problems.addAt(
        "ipam.routes",
        `${formatPrefix(dst)} is there twice; take one of the two out, or give them different gateways, priorities or tables`,
      );
    }
    at++;
  }
}

function isBefore(routes: Route[], end: number, route: Route): boolean {
  for (let at = 0; at < end; at++) if (isSame(routes[at], route)) return true;
  return false;
}

/** Two routes that are the same give the same text. */
function isSeen(seen: Set<string>, { dst, gw, priority, table }: Route): boolean {
  const text = `${formatPrefix(networkOf(dst))} ${gw && formatAddress(gw)} ${priority ?? 0} ${table || TABLE_MAIN}`;
  if (seen.has(text)) return true;
  seen.add(text);
  return false;
}

function isSame(one: Route | undefined, other: Route): boolean {
  if (
    one === undefined ||
    one.dst.length !== other.dst.length ||
    !samePrefix(networkOf(one.dst), networkOf(other.dst))
  )
    return false;
  if (
    (one.priority ?? 0) !== (other.priority ?? 0) ||
    (one.table || TABLE_MAIN) !== (other.table || TABLE_MAIN)
  )
    return false;
  return one.gw === undefined || other.gw === undefined ? one.gw === other.gw : sameAddress(one.gw, other.gw);
}

/** The result of the oldest versions has room for one address of each family. */
export function checkOneAddressPerFamily(sets: LeaseRange[][], version: Version, problems: Problems): void {
  if (compareVersions(version, "0.3.0") >= 0) return;
  const families = setFamilies(sets);
  if (new Set(families).size === families.length) return;
  problems.addAt(
    "ipam.ranges",
    `CNI version ${version} does not support more than 1 address per family; set cniVersion to 0.3.0 or newer, or give one range set per family`,
  );
}

/** The family of each set that has a range. */
function setFamilies(sets: LeaseRange[][]): Family[] {
  const families: Family[] = [];
  for (const [range] of sets) if (range !== undefined) families.push(range.first.family);
  return families;
}
