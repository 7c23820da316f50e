// Things of attachments that nobody will take down any more: the runtime was killed, or has forgotten them.
import { type Attachment, sameHost } from "../attachment/attachment.ts";
import { readDeviceAlias } from "../attachment/device.ts";
import { hostInterfaceName, keyOfAlias } from "../attachment/name.ts";
import { isNamedById } from "../attachment/word.ts";
import { PONTOON } from "../cni/about.ts";
import { type AttachmentKey, sameKey } from "../cni/attachment-key.ts";
import { DEFAULT_DATA_DIR } from "../cni/netconf-keys.ts";
import { listStrays } from "../host/kind/device/stray.ts";
import { isDead } from "../host/namespace.ts";
import type { Node } from "../host/node.ts";
import { type Address, formatAddress } from "../ip/address.ts";
import { listLeases } from "../ipam/lease-directory.ts";
import { listLinks } from "../net/link-set.ts";
import { listRecordedNetworks } from "../record/store.ts";
import { type CachedAttachment, listCache } from "../runtime/cache.ts";
import { parseNetworkList } from "../runtime/network-list.ts";
import { findStrayLeases, type StrayLease } from "../survey/lease.ts";
import { listDirectory } from "../sys/file.ts";
import { baseName } from "../sys/path.ts";
import { addressesInUse } from "./address-use.ts";
import { idleAmong } from "./idle.ts";
import { isGone, isOutOfSight } from "./life.ts";

/** A thing that may be taken down, with the reason why nobody needs it. */
export type Leftover = { reason: string } & (
  | { kind: "attachment"; attachment: Attachment }
  | { kind: "unrecorded"; key: AttachmentKey }
  | { kind: "cached"; cached: CachedAttachment }
  | ({ kind: "lease" } & Holding)
);

/** The records of all networks, also those of an earlier boot. Throws SystemError. */
export function allRecorded(node: Node): Attachment[] {
  return listRecordedNetworks().flatMap((network) => node.records.listRecords(network).records);
}

/**
 * Everything on the node that is left over: attachments without a namespace, of killed ADDs, and of an
 * earlier boot; with `idle` those in whose namespace no process runs; devices with the alias of an attachment
 * without a record; entries of the runtime's cache for attachments that are no longer there; leases of
 * nobody. Throws SystemError, and CniError as idleAmong does.
 */
export function findLeftovers(node: Node, { idle }: { idle: boolean }): Leftover[] {
  const recorded = allRecorded(node);
  const unused = new Set(idle ? idleAmong(recorded, node) : []);
  const attachments = recorded.flatMap((attachment): Leftover[] => {
    const reason =
      reasonOf(attachment, node) ?? (unused.has(attachment) ? "no process runs in its namespace" : undefined);
    return reason === undefined ? [] : [{ kind: "attachment", attachment, reason }];
  });
  const isRecorded = (key: AttachmentKey): boolean => recorded.some((each) => sameKey(each.key, key));
  const cache = listCache().filter(({ key }) => !isRecorded(key));
  return [
    ...attachments,
    ...strayDevices(node),
    ...strayCache(cache, node),
    ...strayLeases(recorded, cache, node),
  ];
}

/** Attachments without a record that have left a device of the node with their alias. */
function strayDevices(node: Node): Leftover[] {
  return keysOfStrays(node).map((key) => ({ kind: "unrecorded", key, reason: "a device has its alias" }));
}

function keysOfStrays(node: Node): AttachmentKey[] {
  return listStrays(node).flatMap(({ alias }) => readDeviceAlias(alias)?.key ?? []);
}

/**
 * The attachments of containers that a word names, or begins, which have no record: the cache, the leases or
 * the links of the node know of them. Throws SystemError.
 */
export function findUnrecorded(word: string, node: Node): Leftover[] {
  const recorded = allRecorded(node);
  const reason = "it has no record";
  const isWanted = (key: AttachmentKey): boolean =>
    isNamedById(key.containerId, word) && !recorded.some((each) => sameKey(each.key, key));
  const cached = listCache().filter((each) => isWanted(each.key) && isOurs(each));
  const keys: AttachmentKey[] = [];
  const add = (key: AttachmentKey): void => {
    const isKnown = [...cached.map((each) => each.key), ...keys].some((each) => sameKey(each, key));
    if (!isKnown && isWanted(key)) keys.push(key);
  };
  for (const { alias } of listLinks(node.links, "veth")) {
    const key = keyOfAlias(alias);
    if (key !== undefined) add(key);
  }
  for (const key of keysOfStrays(node)) add(key);
  for (const network of listDirectory(DEFAULT_DATA_DIR))
    for (const { owner } of listLeases(`${DEFAULT_DATA_DIR}/${network}`).leases)
      if (owner.interfaceName !== undefined)
        add({ network, containerId: owner.containerId, interfaceName: owner.interfaceName });
  return [
    ...cached.map((each): Leftover => ({ kind: "cached", cached: each, reason })),
    ...keys.map((key): Leftover => ({ kind: "unrecorded", key, reason })),
  ];
}

/** The reason why nobody needs an attachment; undefined: it is in use, or may be. Throws SystemError. */
export function reasonOf(attachment: Attachment, node: Node): string | undefined {
  const { key, host } = attachment;
  if (node.records.isAddRunning(key)) return undefined;
  const here = node.identity();
  if (host.bootId !== here.bootId) return "it is of an earlier boot";
  if (isOutOfSight(attachment.namespace.path)) return undefined;
  if (isDead(attachment, node)) return "its namespace is gone";
  return !sameHost(host, here) || node.records.isComplete(key) ? undefined : "its ADD was killed";
}

/** Entries of the cache for attachments of Pontoon's that have neither a record nor a namespace. */
function strayCache(cache: readonly CachedAttachment[], node: Node): Leftover[] {
  return cache
    .filter((cached) => isOurs(cached) && isGone(cached.namespacePath, node))
    .map((cached) => ({ kind: "cached", cached, reason: "its namespace is gone" }));
}

/** True for an attachment in whose network Pontoon is a plugin. */
function isOurs({ list }: CachedAttachment): boolean {
  try {
    return parseNetworkList(list).plugins.some(({ type }) => type === PONTOON);
  } catch {
    return false;
  }
}

/**
 * Leases in networks of Pontoon's whose owner has neither a record that can be read nor a link nor, by the
 * cache, a namespace, and whose addresses no namespace of the node has. The owner may be one of host-local's,
 * so all has to agree.
 */
function strayLeases(
  recorded: readonly Attachment[],
  cache: readonly CachedAttachment[],
  node: Node,
): Leftover[] {
  const living = cache.filter(({ namespacePath }) => !isGone(namespacePath, node));
  const isUsed = (key: AttachmentKey): boolean =>
    key.interfaceName === "" ||
    recorded.some((each) => sameKey(each.key, key)) ||
    node.records.isAddRunning(key) ||
    node.records.findUnknownVersion(key) !== undefined ||
    node.hasInterface(hostInterfaceName(key)) ||
    living.some((each) => each.key.containerId === key.containerId);
  const held = byOwner(findStrayLeases(recorded, listRecordedNetworks())).filter(({ key }) => !isUsed(key));
  if (held.length === 0) return [];
  const used = addressesInUse(node);
  const reason = "it has no record, and no namespace of the node has its address";
  return held
    .filter(({ addresses }) => !addresses.some((address) => used.has(formatAddress(address))))
    .map((each) => ({ kind: "lease", ...each, reason }));
}

/** The leases of one owner, IPv4 first. */
export interface Holding {
  key: AttachmentKey;
  directory: string;
  addresses: Address[];
}

function byOwner(leases: readonly StrayLease[]): Holding[] {
  const found = new Map<string, Holding>();
  const inOrder = [...leases].sort(
    ({ address: a }, { address: b }) => a.family - b.family || (a.value < b.value ? -1 : 1),
  );
  for (const { directory, address, owner } of inOrder) {
    const { containerId, interfaceName = "" } = owner;
    const place = `${directory} ${containerId} ${interfaceName}`;
    const key = { network: baseName(directory), containerId, interfaceName };
    const holding = found.get(place) ?? { key, directory, addresses: [] };
    holding.addresses.push(address);
    found.set(place, holding);
  }
  return [...found.values()];
}
