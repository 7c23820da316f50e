// The machine as a call sees it: the host's namespace, the pod's, and a netlink socket in each.
import { NetlinkSocket } from "../netlink/socket.ts";
import { NETLINK_NETFILTER, NETLINK_ROUTE } from "../netlink/uapi/netlink.ts";
import { RTNLGRP_IPV6_IFADDR } from "../netlink/uapi/rtnetlink.ts";
import type { HostIdentity } from "../record/attachment.ts";
import type { FileHandle } from "../sys/file.ts";
import { readText } from "../sys/file.ts";
import { inNamespace, openNamespace, openOwnNamespace } from "../sys/netns.ts";

const BOOT_ID = "/proc/sys/kernel/random/boot_id";

/**
 * The host's side. Sockets are opened when first asked for, and all closed at the end of the `using` block.
 */
export class Machine implements Disposable {
  readonly home: FileHandle;
  private openedLinks: NetlinkSocket | undefined;
  private openedRules: NetlinkSocket | undefined;
  private openedPod: Pod | undefined;

  private constructor(home: FileHandle) {
    this.home = home;
  }

  /** The machine whose network namespace this thread is in. Throws SystemError. */
  static open(): Machine {
    return new Machine(openOwnNamespace());
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

  /** The pod's side; only after {@link enterPod}. */
  get pod(): Pod {
    if (this.openedPod === undefined) throw new Error("the pod's namespace was not opened");
    return this.openedPod;
  }

  /** Which boot and which host namespace this is. Throws SystemError. */
  identity(): HostIdentity {
    return { bootId: readText(BOOT_ID).trim(), hostCookie: this.links.namespaceCookie };
  }

  /** Opens the pod's namespace. Throws SystemError; EINVAL when the file is no namespace. */
  enterPod(path: string): Pod {
    this.openedPod = this.openPod(path);
    return this.openedPod;
  }

  /**
   * Opens any pod's namespace; the caller closes it. Throws SystemError; EINVAL when the file is no
   * namespace.
   */
  openPod(path: string): Pod {
    return Pod.open(path, this.home, this.links.namespaceCookie);
  }

  /**
   * The nftables socket goes last: its close waits for the kernel's clean-up, which is free after a veth's
   * own wait.
   */
  [Symbol.dispose](): void {
    this.openedPod?.[Symbol.dispose]();
    this.openedLinks?.close();
    this.openedRules?.close();
    this.home.close();
  }
}

/** The pod's namespace. Its socket stays there while the thread is at home. */
export class Pod implements Disposable {
  readonly path: string;
  readonly namespace: FileHandle;
  /** The namespace is the host's own. */
  readonly isHost: boolean;
  /** rtnetlink of the pod. */
  readonly links: NetlinkSocket;
  private readonly home: FileHandle;

  private constructor(path: string, namespace: FileHandle, home: FileHandle, hostCookie: string) {
    this.path = path;
    this.namespace = namespace;
    this.home = home;
    this.links = this.inside(() => NetlinkSocket.open(NETLINK_ROUTE));
    this.isHost = this.links.namespaceCookie === hostCookie;
  }

  /**
   * Opens the namespace and a socket in it. Throws SystemError; EINVAL when the file is no network namespace.
   */
  static open(path: string, home: FileHandle, hostCookie: string): Pod {
    const namespace = openNamespace(path);
    try {
      return new Pod(path, namespace, home, hostCookie);
    } catch (error) {
      namespace.close();
      throw error;
    }
  }

  /** A socket of the pod that hears of IPv6 addresses that come into use. The caller closes it. */
  openAddressEvents(): NetlinkSocket {
    return this.inside(() => NetlinkSocket.open(NETLINK_ROUTE, [RTNLGRP_IPV6_IFADDR]));
  }

  /** Runs `action`, which must be synchronous, with the thread inside the pod's namespace. */
  inside<T>(action: () => T): T {
    return inNamespace(this.namespace, this.home, action);
  }

  [Symbol.dispose](): void {
    this.links.close();
    this.namespace.close();
  }
}
