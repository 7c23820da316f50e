// The node around its pods: its name, its interfaces' addresses, its ways out, and what it does with packets
// that are not its own. Looking changes nothing.
import type { Node } from "../host/node.ts";
import { listDroppingForwards } from "../host/way-out.ts";
import type { Family } from "../ip/address.ts";
import { isLinkLocal } from "../ip/link-local.ts";
import type { Prefix } from "../ip/prefix.ts";
import { listAddressesOfAll } from "../net/address.ts";
import type { RouteWay } from "../net/route-look-up.ts";
import { readSysctl } from "../net/sysctl.ts";
import { describeWayOut } from "../net/way-out.ts";
import { readText } from "../sys/file.ts";

/** The node as its pods have it around them. */
export interface Surroundings {
  /** The node's name (uname(2)). */
  hostName: string;
  /** The way to the Internet, for each family that has one. */
  waysOut: ReadonlyMap<Family, RouteWay>;
  /**
   * The addresses of the node's links, by the link's index; those of a link alone (fe80::/10) are left out.
   */
  addresses: ReadonlyMap<number, Prefix[]>;
  /** The families that the node forwards. */
  forwards: readonly Family[];
  /** The chains that drop by default what the node forwards, as `chain FORWARD of table ip filter`. */
  drops: readonly string[];
}

const FAMILIES = [4, 6] as const;

/** The settings by which a kernel forwards (ip-sysctl in the kernel's documentation). */
const FORWARDING: Readonly<Record<Family, string>> = { 4: "ipv4/ip_forward", 6: "ipv6/conf/all/forwarding" };

/** Looks at what is around the pods. Throws SystemError. */
export function lookAround(node: Node): Surroundings {
  const { links } = node;
  const addresses = new Map<number, Prefix[]>();
  for (const { index, prefix } of FAMILIES.flatMap((family) => listAddressesOfAll(links, family)))
    if (!isLinkLocal(prefix.address)) addresses.set(index, [...(addresses.get(index) ?? []), prefix]);
  const waysOut = new Map<Family, RouteWay>();
  for (const family of FAMILIES) {
    const way = describeWayOut(family, links);
    if (way !== undefined) waysOut.set(family, way);
  }
  return {
    hostName: readText("/proc/sys/kernel/hostname").trim(),
    waysOut,
    addresses,
    forwards: FAMILIES.filter((family) => readSysctl(FORWARDING[family]) === "1"),
    drops: listDroppingForwards(FAMILIES, node),
  };
}
