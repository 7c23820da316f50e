// Taking down what is left over: by the rules of DEL, without a runtime.
import type { Attachment } from "../attachment/attachment.ts";
import { bridgeOf } from "../attachment/link.ts";
import { attachmentTitle } from "../attachment/name.ts";
import { type AttachmentKey, sameKey } from "../cni/attachment-key.ts";
import { CniError } from "../cni/error.ts";
import { DEFAULT_DATA_DIR } from "../cni/netconf-keys.ts";
import { collectErrors } from "../failure/failure.ts";
import { openRecordedPod } from "../host/namespace.ts";
import type { Node } from "../host/node.ts";
import { type CachedAttachment, readCache } from "../runtime/cache.ts";
import { askedOf, delChain } from "../runtime/chain.ts";
import { parseNetworkList } from "../runtime/network-list.ts";
import { ADD_ENDS_MS, detach } from "./detach.ts";
import { allRecorded, type Leftover } from "./leftover.ts";

/** The node, and the folders of the plugins of its networks. */
export interface Means {
  node: Node;
  folders: readonly string[];
}

/** Takes one thing down; what is gone already is no error. Gives the errors of the parts that stayed. */
export function takeDown(leftover: Leftover, means: Means): CniError[] {
  switch (leftover.kind) {
    case "attachment":
      return takeDownRecorded(leftover.attachment, means);
    case "cached":
      return collectErrors([() => delByCache(leftover.cached, undefined, means)]);
    case "unrecorded":
      return collectErrors([() => detachUnrecorded(leftover.key, directoryOf(leftover.key), means.node)]);
    case "lease":
      return collectErrors([() => detachUnrecorded(leftover.key, leftover.directory, means.node)]);
  }
}

/**
 * Takes a recorded attachment down. Where the runtime's cache knows the plugins of its network, all of them
 * get their DEL, so that others than Pontoon remove their part too. Where it does not, or one of them fails,
 * Pontoon's part goes by the record alone.
 */
function takeDownRecorded(attachment: Attachment, means: Means): CniError[] {
  const { key } = attachment;
  const { records } = means.node;
  const cached = readCache(key);
  const errors = collectErrors(cached === undefined ? [] : [() => delByCache(cached, attachment, means)]);
  const left = records.getRecord(key);
  if (left === undefined) return errors;
  const own = collectErrors([() => detachRecorded(left, means.node)]);
  // What Pontoon could not do as a plugin, and can no more do now, is one error.
  return [...errors.filter(({ message }) => !own.some((error) => message.endsWith(error.message))), ...own];
}

/**
 * DEL of all plugins. Where a record tells that the path of the namespace is another pod's by now, none is
 * named.
 */
function delByCache(cached: CachedAttachment, attachment: Attachment | undefined, means: Means): void {
  const chain = { list: parseNetworkList(cached.list), folders: means.folders };
  using pod = attachment && openRecordedPod(attachment, means.node);
  const isOwn = attachment === undefined || pod !== undefined;
  delChain(chain, { ...askedOf(cached), namespacePath: isOwn ? cached.namespacePath : "" });
}

function detachRecorded(attachment: Attachment, node: Node): void {
  const { key, link, leaseDirectory, addresses } = attachment;
  const running = node.records.stopAdd(key);
  running?.endsWithin(ADD_ENDS_MS);
  using pod = openRecordedPod(attachment, node);
  const releaseForeign = (): void => {
    if (leaseDirectory === undefined && addresses.length > 0) throw foreignAddresses(attachment);
  };
  const bridge = bridgeOf(link);
  const directory = directoryOf(key);
  const hasDevices = link.kind === "device";
  detach({ key, attachment, bridge, directory, hasDevices, pod, running, releaseForeign }, node);
}

function detachUnrecorded(key: AttachmentKey, directory: string, node: Node): void {
  const sibling = allRecorded(node).find(
    (each) => each.key.network === key.network && !sameKey(each.key, key),
  );
  const bridge = sibling && bridgeOf(sibling.link);
  // An attachment of which nothing is known may have left a device of the node.
  const hasDevices = sibling === undefined || sibling.link.kind === "device";
  detach({ key, attachment: undefined, bridge, directory, hasDevices, releaseForeign: () => {} }, node);
}

function directoryOf({ network }: AttachmentKey): string {
  return `${DEFAULT_DATA_DIR}/${network}`;
}

/** The refusal to forget addresses that another IPAM plugin has given, and would keep for ever. */
function foreignAddresses(attachment: Attachment): CniError {
  const { key } = attachment;
  return new CniError("ipamPlugin", {
    about: `the addresses of ${attachmentTitle(attachment)} were given by an IPAM plugin that cannot be asked`,
    cause: "no result cache of a runtime tells the network's configuration, or its plugins failed",
    hint: `Run "pontoon cni del ${key.network} --id ${key.containerId} --ifname ${key.interfaceName}"`,
  });
}
