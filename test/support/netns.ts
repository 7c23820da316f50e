// Throw-away network namespaces inside the test process: made and entered by the test's own thread, gone with
// the last handle. `ip`, `nft` and other witnesses run in them by nsenter.
import { spawnSync } from "node:child_process";
import { NetlinkSocket } from "../../src/netlink/socket.ts";
import { NETLINK_NETFILTER, NETLINK_ROUTE } from "../../src/netlink/uapi/netlink.ts";
import type { FileHandle } from "../../src/sys/file.ts";
import { native } from "../../src/sys/native.ts";
import { inNamespace, openOwnNamespace } from "../../src/sys/netns.ts";
import { unshareNetwork } from "./libc.ts";
import { SYSTEM_PATH, toolPath } from "./tool.ts";

const CLONE_NEWNET = 0x40000000;

export class Netns implements Disposable {
  readonly handle: FileHandle;
  #links: NetlinkSocket | undefined;
  #rules: NetlinkSocket | undefined;

  /** A new one, with nothing but a loopback that is down. */
  static open(): Netns {
    if (process.getuid?.() !== 0)
      throw new Error("The tests make network namespaces. Hint: run them as root.");
    using home = openOwnNamespace();
    if (!unshareNetwork())
      throw new Error(
        "The kernel refuses a new network namespace. Hint: run the tests as root, with CAP_SYS_ADMIN.",
      );
    try {
      return new Netns(openOwnNamespace());
    } finally {
      if (native.setns(home.fd, CLONE_NEWNET) !== 0) process.abort();
    }
  }

  private constructor(handle: FileHandle) {
    this.handle = handle;
  }

  /** A path that leads to the namespace as long as it is open. */
  get path(): string {
    return `/proc/${process.pid}/fd/${this.handle.fd}`;
  }

  /** rtnetlink. */
  get links(): NetlinkSocket {
    return (this.#links ??= this.inside(() => NetlinkSocket.open(NETLINK_ROUTE)));
  }

  /** nftables. */
  get rules(): NetlinkSocket {
    return (this.#rules ??= this.inside(() => NetlinkSocket.open(NETLINK_NETFILTER)));
  }

  /**
   * Runs `action`, which must be synchronous, with the thread in this namespace; then the thread is back
   * where it was.
   */
  inside<T>(action: () => T): T {
    using back = openOwnNamespace();
    return inNamespace(this.handle, back, action);
  }

  /** The command line that runs a command in here. */
  command(words: string[]): string[] {
    return [toolPath("nsenter"), `--net=${this.path}`, "--", ...words];
  }

  /** Runs a command, words divided by blanks, that has to succeed; gives what it printed. */
  run(command: string, stdin = ""): string {
    const [file = "", ...args] = this.command(command.split(" "));
    const { status, stdout, stderr } = spawnSync(file, args, {
      input: stdin,
      encoding: "utf8",
      timeout: 10_000,
      killSignal: "SIGKILL",
      env: { PATH: SYSTEM_PATH, LC_ALL: "C" },
    });
    if (status !== 0)
      throw new Error(`A command of the test failed: ${command}\nexit status: ${status}\n${stdout}${stderr}`);
    return stdout;
  }

  /** Runs a command that prints JSON. */
  json<T>(command: string): T {
    const text = this.run(command).trim();
    return JSON.parse(text === "" ? "[]" : text) as T;
  }

  [Symbol.dispose](): void {
    this.#links?.close();
    this.#rules?.close();
    this.handle.close();
  }
}

/** What `ip -j -d link` says of a link, as far as the tests look at it. */
export interface IpLink {
  ifindex: number;
  ifname: string;
  link_index?: number;
  link_netnsid?: number;
  flags: string[];
  mtu: number;
  operstate: string;
  address: string;
  promiscuity: number;
  master?: string;
  ifalias?: string;
  num_tx_queues: number;
  num_rx_queues: number;
  inet6_addr_gen_mode?: string;
  linkinfo?: {
    info_kind?: string;
    info_data?: Record<string, unknown>;
    info_slave_kind?: string;
    info_slave_data?: { state: string; hairpin: boolean; isolated: boolean };
  };
}

/** A link as `ip` sees it; undefined when there is none. */
export function ipLink(netns: Netns, name: string): IpLink | undefined {
  return netns.json<IpLink[]>("ip -j -d link show").find(({ ifname }) => ifname === name);
}
