// The veth pairs of the node: which end belongs to which namespace, whoever made them.

import { hostInterfaceName, isHostInterface, keyOfAlias } from "../attachment/name.ts";
import { stateOfFreeEnd } from "../attachment/wire.ts";
import type { AttachmentKey } from "../cni/attachment-key.ts";
import type { Node } from "../host/node.ts";
import { isLinkLocal } from "../ip/link-local.ts";
import type { Prefix } from "../ip/prefix.ts";
import { addProcesses, type Namespaces, type NetworkNamespace } from "../look/namespaces.ts";
import { listAddresses, listFarAddresses } from "../net/address.ts";
import type { Device } from "../net/device.ts";
import { type CountedLink, type FarLink, getFarLinks } from "../net/link-list.ts";
import { namespaceIds } from "../net/namespace-id.ts";
import { orNone, SystemError } from "../sys/errno.ts";
import { openNamespace } from "../sys/netns.ts";

/** A veth end on the node. */
export interface Pair {
  link: CountedLink;
  /** The other end is in the same namespace. */
  isNear: boolean;
  /** The namespace of the other end elsewhere; undefined where no path and no process leads there. */
  namespace: NetworkNamespace | undefined;
  /** The other end; undefined where the kernel does not show it. */
  far: Device | undefined;
  /** The addresses of the other end, where the link is of others; read when they are asked for. */
  farAddresses(): Prefix[];
  /** The attachment that the link's name and alias tell; undefined for a link of others. */
  key: AttachmentKey | undefined;
  /** It is the end of a wire that waits for its second pod. */
  isParked: boolean;
}

/** Where the other ends may be. */
interface Known {
  /** The links of the node, by index. */
  links: ReadonlyMap<number, CountedLink>;
  /** Processes are added where a pair leads away. */
  namespaces: Namespaces;
  /** The namespaces of recorded attachments. */
  ofPods: ReadonlySet<NetworkNamespace>;
  node: Node;
}

/** The pairs of these veth ends of the node, which belong to no recorded attachment. Throws SystemError. */
export function findPairs(veths: readonly CountedLink[], known: Known): Pair[] {
  const { links, node } = known;
  const away = veths.filter(({ peerNamespace }) => peerNamespace !== undefined);
  const byId = away.length === 0 ? NOWHERE : findById(away, known);
  const found = getFarLinks(node.links, away.map(farOf));
  const far = new Map(away.map((link, at) => [link, found[at]]));
  return veths.map((link): Pair => {
    const isNear = link.peerNamespace === undefined;
    return {
      link,
      isNear,
      namespace: isNear ? undefined : byId.get(link.peerNamespace ?? -1),
      far: isNear ? links.get(link.peerIndex) : far.get(link),
      farAddresses: () => addressesOf(link, node),
      key: ownerOf(link),
      isParked: stateOfFreeEnd(link.alias) !== undefined,
    };
  });
}

const NOWHERE: ReadonlyMap<number, NetworkNamespace> = new Map();

/**
 * The namespaces by the numbers that the node's namespace has for them. Those of the node's own pods come
 * last: they are many, and a pair of others seldom leads there.
 */
function findById(
  away: readonly CountedLink[],
  { namespaces, ofPods, node }: Known,
): Map<number, NetworkNamespace> {
  addProcesses(namespaces);
  const byId = new Map<number, NetworkNamespace>();
  const all = [...namespaces.values()];
  for (const part of [all.filter((each) => !ofPods.has(each)), [...ofPods]]) {
    if (away.every(({ peerNamespace = -1 }) => byId.has(peerNamespace))) break;
    for (const [id, namespace] of numbered(part, node)) byId.set(id, namespace);
  }
  return byId;
}

/** The place of the other end. */
function farOf({ peerNamespace = 0, otherEnd }: CountedLink): FarLink {
  return { namespace: peerNamespace, index: otherEnd };
}

/** The addresses of the other end that are not of the link alone; none where they cannot be seen. */
function addressesOf(link: CountedLink, { links }: Node): Prefix[] {
  const far = farOf(link);
  const all = orNone(() =>
    link.peerNamespace === undefined ? listAddresses(links, far.index) : listFarAddresses(links, far),
  );
  return all.map(({ prefix }) => prefix).filter(({ address }) => !isLinkLocal(address));
}

/** The attachment whose host's end this is: by its alias, where the name goes with that. */
function ownerOf({ name, alias }: CountedLink): AttachmentKey | undefined {
  const key = isHostInterface(name) ? keyOfAlias(alias) : undefined;
  return key !== undefined && hostInterfaceName(key) === name ? key : undefined;
}

/** So many namespaces are open at once: a process may open 1,024 files by default. */
const MOST_OPEN = 200;

/** The namespaces by the numbers that the node's namespace has for them. Throws SystemError. */
function numbered(namespaces: readonly NetworkNamespace[], node: Node): Map<number, NetworkNamespace> {
  const byId = new Map<number, NetworkNamespace>();
  for (let at = 0; at < namespaces.length; at += MOST_OPEN) {
    const opened = namespaces.slice(at, at + MOST_OPEN).flatMap((namespace) => {
      const file = openAny(namespace);
      return file === undefined ? [] : [{ namespace, file }];
    });
    try {
      const ids = namespaceIds(
        node.links,
        opened.map(({ file }) => file.fd),
      );
      for (const [place, id] of ids.entries()) {
        const namespace = opened[place]?.namespace;
        if (id !== undefined && namespace !== undefined) byId.set(id, namespace);
      }
    } finally {
      for (const { file } of opened) file.close();
    }
  }
  return byId;
}

/** Opens the namespace by the first of its paths that still leads to it. */
function openAny({ paths }: NetworkNamespace): ReturnType<typeof openNamespace> | undefined {
  for (const path of paths) {
    try {
      return openNamespace(path);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
    }
  }
  return undefined;
}
