// The bridge of a configuration that goes, and the table of host ports. An ADD makes them, and they outlive
// pods; with the network they go too.
import type { Node } from "../host/node.ts";
import { formatPrefix, type Prefix, parsePrefix, parsePrefixes, prefixContains } from "../ip/prefix.ts";
import { deleteAddressMessage, listAddresses } from "../net/address.ts";
import { getLink, listPorts } from "../net/link.ts";
import { deleteLinkMessage } from "../net/link-change.ts";
import { deletePortTable, isPortTableIdle } from "../nft/host-port.ts";
import type { Report } from "./report.ts";

/** A bridge that a configuration names, and the subnets of its pods. */
export interface NamedBridge {
  name: string;
  subnets: Prefix[];
}

const LINK_LOCAL = parsePrefixes(["fe80::/10"]);

/** The bridges that the text of a network configuration names for Pontoon; none where it cannot be read. */
export function bridgesIn(text: string): NamedBridge[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return [];
  }
  return items(key(list, "plugins")).flatMap((entry) => {
    const name = key(entry, "bridge");
    if (key(entry, "type") !== "pontoon" || typeof name !== "string") return [];
    const ranges = items(key(key(entry, "ipam"), "ranges")).flatMap(items);
    const subnets = ranges.map((range) => key(range, "subnet")).filter((each) => typeof each === "string");
    return [{ name, subnets: subnets.flatMap((each) => parsePrefix(each) ?? []) }];
  });
}

/**
 * Takes the gateways of subnets that are this node's pods' no longer off their bridges. An ADD refuses a
 * bridge that has another address, and no route to another node may lead over such a subnet. Throws
 * SystemError.
 */
export function removeFormerGateways(
  bridges: readonly NamedBridge[],
  podSubnets: readonly Prefix[],
  { node, report }: { node: Node; report: Report },
): void {
  for (const { name, subnets } of bridges) {
    const link = getLink(node.links, { name });
    if (link?.kind !== "bridge") continue;
    const former = listAddresses(node.links, link.index)
      .map(({ prefix }) => prefix)
      .filter(({ address }) => {
        const holds = (each: Prefix): boolean => prefixContains(each, address);
        return subnets.some(holds) && !podSubnets.some(holds);
      });
    report.carryOut(
      node.links,
      former.map((prefix) => ({
        what: `address ${formatPrefix(prefix)} of ${name}`,
        action: "removed",
        messages: [deleteAddressMessage(link.index, prefix)],
      })),
    );
  }
}

/**
 * Removes bridges that no pod is on. One that has an address beside those of the pods' subnets serves
 * somebody else too, and stays. Throws SystemError.
 */
export function removeBridges(bridges: readonly NamedBridge[], node: Node, report: Report): void {
  let removed = 0;
  for (const { name, subnets } of bridges) {
    const link = getLink(node.links, { name });
    if (link?.kind !== "bridge") continue;
    const ports = listPorts(node.links, link.index).length;
    const own = [...subnets, ...LINK_LOCAL];
    const isOurs = listAddresses(node.links, link.index).every(({ prefix }) =>
      own.some((each) => prefixContains(each, prefix.address)),
    );
    const what = `bridge ${name}`;
    if (ports > 0)
      report.note("inUse", `${what} stays: ${ports === 1 ? "1 port is" : `${ports} ports are`} on it`);
    else if (!isOurs) report.note("inUse", `${what} stays: it has an address of others`);
    else {
      report.carryOut(node.links, [
        { what, action: "removed", messages: [deleteLinkMessage({ index: link.index })] },
      ]);
      removed++;
    }
  }
  // The table of host ports outlives the last of them.
  if (removed > 0 && isPortTableIdle(node.rules))
    report.attempt({ what: "table inet pontoon-ports", action: "removed" }, () =>
      deletePortTable(node.rules),
    );
}

function items(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function key(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
