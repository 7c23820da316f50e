// The node as a call sees it: netlink sockets in the host's namespace, the records, and the node's lock.
import {
  type Attachment,
  type HostIdentity,
  type NamespaceIdentity,
  sameHost,
} from "../attachment/attachment.ts";
import { hostEndOf } from "../attachment/link.ts";
import { attachmentTitle } from "../attachment/name.ts";
import type { AttachmentKey } from "../cni/attachment-key.ts";
import { CniError } from "../cni/error.ts";
import { attempt } from "../failure/failure.ts";
import { getLink, type Link } from "../net/link.ts";
import { NetlinkSocket } from "../netlink/socket.ts";
import { NETLINK_NETFILTER, NETLINK_ROUTE } from "../netlink/uapi/netlink.ts";
import { opened } from "../record/opened.ts";
import { listRecordedNetworks, openRecordStore, RECORD_ROOT, type RecordStore } from "../record/store.ts";
import { isErrno } from "../sys/errno.ts";
import { ensureDirectory, type FileHandle, readText } from "../sys/file.ts";
import { openLock, waitedText } from "../sys/flock.ts";
import { openOwnNamespace } from "../sys/netns.ts";
import { isDeviceOf, isEndOf } from "./link.ts";
import { Pod } from "./pod.ts";

const BOOT_ID = "/proc/sys/kernel/random/boot_id";
/**
 * The file of the node's lock. Its name starts with a dot, which no network's name does, so it is no
 * network's folder.
 */
const NODE_LOCK = `${RECORD_ROOT}/.lock`;

/** The errors of a path that is not, or no longer, that of a namespace. */
export const NO_NAMESPACE = ["ENOENT", "ENOTDIR", "EINVAL", "ENXIO", "ELOOP"] as const;

/** The node's lock was not free in time: nothing that should have happened under it has happened. */
export class NodeIsLocked extends CniError {}

/**
 * The host's side. Sockets are opened at their first use, and all closed at the end of the `using` block.
 * Every method and getter throws SystemError when the system refuses.
 */
export class Node implements Disposable {
  readonly home: FileHandle;
  readonly records: RecordStore = openRecordStore();
  /** The mark that host's ends may be open to the node's 127.0.0.1. */
  readonly opened = opened;
  private openedLinks: NetlinkSocket | undefined;
  private openedRules: NetlinkSocket | undefined;
  private readonly kept: Disposable[] = [];
  private isLocked = false;

  private constructor(home: FileHandle) {
    this.home = home;
  }

  /** The node of the network namespace that this thread is in. */
  static open(): Node {
    return new Node(openOwnNamespace());
  }

  /** rtnetlink of the host. */
  get links(): NetlinkSocket {
    this.openedLinks ??= NetlinkSocket.open(NETLINK_ROUTE);
    return this.openedLinks;
  }

  /** nftables of the host. */
  get rules(): NetlinkSocket {
    this.openedRules ??= NetlinkSocket.open(NETLINK_NETFILTER);
    return this.openedRules;
  }

  /** The identity of this boot and host namespace. */
  identity(): HostIdentity {
    return { bootId: readText(BOOT_ID).trim(), hostCookie: this.links.namespaceCookie };
  }

  /** Opens a pod's namespace; the caller closes it. SystemError EINVAL when the file is no namespace. */
  openPod(path: string): Pod {
    return Pod.open(path, { namespace: this.home, cookie: this.links.namespaceCookie });
  }

  /** Keeps `thing` open until the end of the `using` block of this node, and returns it. */
  keep<T extends Disposable>(thing: T): T {
    this.kept.push(thing);
    return thing;
  }

  /** The attachment in words for people: by its pod's name, where a record tells that. */
  nameOf(key: AttachmentKey): string {
    return attachmentTitle({ key, pod: this.records.getRecord(key)?.pod });
  }

  /** The record of the attachment with this digest, in whichever network; undefined when there is none. */
  findRecord(digest: string): Attachment | undefined {
    for (const network of listRecordedNetworks()) {
      const attachment = this.records.getRecordOfDigest(network, digest);
      if (attachment !== undefined) return attachment;
    }
    return undefined;
  }

  /**
   * True when the link of the attachment is there: the host's end where it has one, else the pod's interface,
   * by its name and {@link isEndOf} or {@link isDeviceOf} in the namespace that the attachment was made for.
   */
  hasLink({ key, link, namespace }: Attachment): boolean {
    const host = hostEndOf(link);
    if (host !== undefined) return this.hasInterface(host.name);
    const { name, mac } = link.pod;
    const isOurs = link.kind === "device" ? isDeviceOf : isEndOf;
    return this.hasPodInterface(namespace, name, (found) => isOurs(found, { key, mac }));
  }

  private hasPodInterface(
    { path, cookie }: NamespaceIdentity,
    name: string,
    isWanted: (link: Link) => boolean,
  ): boolean {
    try {
      using pod = this.openPod(path);
      const link = pod.links.namespaceCookie === cookie ? getLink(pod.links, { name }) : undefined;
      return link !== undefined && isWanted(link);
    } catch (error) {
      if (isErrno(error, ...NO_NAMESPACE)) return false;
      throw error;
    }
  }

  /** True when the host has an interface of that name. */
  hasInterface(name: string): boolean {
    return getLink(this.links, { name }) !== undefined;
  }

  /**
   * Runs `action` while no other process changes what all networks of the node share (rules, host ports). A
   * call that holds the lock already just runs it. Throws NodeIsLocked (code 11) when the lock is not free
   * within `timeoutMs`, or in what the call has left of its time for locks.
   */
  underLock<T>(action: () => T, timeoutMs?: number): T {
    if (this.isLocked) return action();
    using _lock = attempt("recordStore", NODE_LOCK, () => {
      ensureDirectory(RECORD_ROOT);
      return openNodeLock(timeoutMs);
    });
    this.isLocked = true;
    try {
      return action();
    } finally {
      this.isLocked = false;
    }
  }

  /** The recorded attachments of this host, in these networks or in all. */
  recorded(networks: readonly string[] = listRecordedNetworks()): Attachment[] {
    const host = this.identity();
    return networks.flatMap((network) =>
      this.records.listRecords(network).records.filter((attachment) => sameHost(attachment.host, host)),
    );
  }

  /** The recorded attachments of this host that have their link. */
  living(): Attachment[] {
    return this.recorded().filter((attachment) => this.hasLink(attachment));
  }

  /**
   * The first recorded attachment of a network that is of this host, has its link, and for which `wanted`
   * holds; undefined when there is none. However many there are, no more is read than that needs.
   */
  findLiving(network: string, wanted: (attachment: Attachment) => boolean): Attachment | undefined {
    const host = this.identity();
    return this.records.findRecordLike(
      network,
      (attachment) => sameHost(attachment.host, host) && wanted(attachment) && this.hasLink(attachment),
    );
  }

  /**
   * Closes all sockets. Of the sockets that of nftables goes last: its close waits for the kernel's clean-up,
   * which ends during a veth's own wait.
   */
  [Symbol.dispose](): void {
    for (const thing of this.kept) thing[Symbol.dispose]();
    this.openedLinks?.close();
    this.openedRules?.close();
    this.home.close();
  }
}

function openNodeLock(timeoutMs: number | undefined): FileHandle {
  try {
    return openLock(NODE_LOCK, timeoutMs);
  } catch (error) {
    if (!isErrno(error, "ETIMEDOUT")) throw error;
    throw new NodeIsLocked("tryAgainLater", {
      about: "the node's lock is held by another process",
      cause: `${NODE_LOCK} was not free; this call has waited ${waitedText()} for locks and other calls`,
      hint: `Look with "fuser ${NODE_LOCK}" who holds it`,
    });
  }
}
