// The pod's network namespace, and a netlink socket in it.
import { NetlinkSocket } from "../netlink/socket.ts";
import { NETLINK_ROUTE } from "../netlink/uapi/netlink.ts";
import { RTNLGRP_IPV6_IFADDR } from "../netlink/uapi/rtnetlink.ts";
import type { FileHandle } from "../sys/file.ts";
import { inNamespace, openNamespace } from "../sys/netns.ts";

/** The namespace that Pontoon itself runs in: the host's. */
export interface Home {
  namespace: FileHandle;
  /** What the kernel knows it by. */
  cookie: string;
}

/** A pod's namespace. Its socket stays in the namespace when the thread has left it. */
export class Pod implements Disposable {
  readonly path: string;
  readonly namespace: FileHandle;
  /** True: the namespace is the host's own. */
  readonly isHost: boolean;
  /** rtnetlink of the pod. */
  readonly links: NetlinkSocket;
  private readonly home: FileHandle;

  private constructor(path: string, namespace: FileHandle, home: Home) {
    this.path = path;
    this.namespace = namespace;
    this.home = home.namespace;
    this.links = this.inside(() => NetlinkSocket.open(NETLINK_ROUTE));
    this.isHost = this.links.namespaceCookie === home.cookie;
  }

  /**
   * Opens the namespace and a socket in it. Throws SystemError; EINVAL when the file is no network namespace.
   */
  static open(path: string, home: Home): Pod {
    const namespace = openNamespace(path);
    try {
      return new Pod(path, namespace, home);
    } catch (error) {
      namespace.close();
      throw error;
    }
  }

  /**
   * Opens a socket in the pod that receives events of IPv6 addresses; the caller closes it. Throws
   * SystemError.
   */
  openAddressEvents(): NetlinkSocket {
    return this.inside(() => NetlinkSocket.open(NETLINK_ROUTE, [RTNLGRP_IPV6_IFADDR]));
  }

  /**
   * Runs `action`, which must be synchronous, with the thread inside the pod's namespace. Throws SystemError
   * and the errors of `action`.
   */
  inside<T>(action: () => T): T {
    return inNamespace(this.namespace, this.home, action);
  }

  [Symbol.dispose](): void {
    this.links.close();
    this.namespace.close();
  }
}
