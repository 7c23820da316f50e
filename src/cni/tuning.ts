// The settings inside the pod's namespace beyond addresses and routes: the keys of the reference `tuning`.
import { hasUnprintable, hasWhiteSpace } from "./name.ts";
import type { Shape } from "./netconf-keys.ts";
import { type Problems, quote } from "./problems.ts";

export interface TuningConfig {
  /** In the order in which they are set. */
  sysctls: Sysctl[];
  /** Packets; undefined: the kernel's choice. */
  txQueueLength: number | undefined;
  promiscuous: boolean;
  allMulticast: boolean;
}

export interface Sysctl {
  /** The key as it was written. */
  key: string;
  /** The path below /proc/sys/net, with slashes; INTERFACE_PLACEHOLDER stands for the interface's name. */
  name: string;
  value: string;
}

/** The word that stands for the interface's name in a key, as in the reference. */
export const INTERFACE_PLACEHOLDER = "IFNAME";

const UINT32 = 0xffff_ffff;

/**
 * The settings of these keys; undefined when there is none. Settings in args.cni count before those of the
 * entry.
 */
export function readTuning(shape: Shape, problems: Problems): TuningConfig | undefined {
  const { txQLen, promisc = false, allmulti = false } = shape;
  const sysctls = saysSomethingOfSysctls(shape) ? readSysctls(shape, problems) : [];
  if (txQLen !== undefined && (txQLen < 0 || txQLen > UINT32))
    problems.add("txQLen", txQLen, `must be a number of packets from 0 to ${UINT32}`);
  if (sysctls.length === 0 && txQLen === undefined && !promisc && !allmulti) return undefined;
  return { sysctls, txQueueLength: txQLen, promiscuous: promisc, allMulticast: allmulti };
}

function saysSomethingOfSysctls({ sysctl, args }: Shape): boolean {
  return sysctl !== undefined || args?.cni?.sysctl !== undefined;
}

function readSysctls({ sysctl = {}, args }: Shape, problems: Problems): Sysctl[] {
  const found = new Map<string, Sysctl>();
  for (const [path, settings] of [
    ["sysctl", sysctl],
    ["args.cni.sysctl", args?.cni?.sysctl ?? {}],
  ] as const) {
    const here = new Set<string>();
    for (const [key, value] of Object.entries(settings)) {
      const where = `${path}[${quote(key)}]`;
      const name = nameOf(key);
      const text = typeof value === "number" ? String(value) : value;
      if (name === undefined)
        problems.addAt(
          where,
          `invalid net sysctl key: ${quote(key)}; write a setting of the pod's network, as in "net.ipv4.conf.IFNAME.forwarding"`,
        );
      else if (here.has(name))
        problems.addAt(
          where,
          "duplicated sysctl keys are not allowed; the same setting stands there in another spelling",
        );
      else if (HOST_WIDE.includes(name))
        problems.addAt(where, "is one setting for the whole node, not for a pod; take it out");
      else if (typeof text !== "string" || hasUnprintable(text.replaceAll("\t", " ")))
        problems.addAt(where, `${quote(value)}: must be text on one line, or a number`);
      else found.set(name, { key, name, value: text });
      if (name !== undefined) here.add(name);
    }
  }
  return [...found.values()].toSorted(byReach);
}

/**
 * The order of settings: those of all interfaces come before those of one. The order of keys means nothing,
 * since libcni sorts the keys of an object.
 */
function byReach(a: Sysctl, b: Sysctl): number {
  return reachOf(a) - reachOf(b) || (a.name < b.name ? -1 : 1);
}

function reachOf({ name }: Sysctl): number {
  if (name === "ipv4/ip_forward" || name.includes("/all/")) return 0;
  return name.includes("/default/") ? 1 : 2;
}

/**
 * The settings below /proc/sys/net that a pod's namespace shares with the node. All others that a pod may
 * write are its own (the kernel leaves out or protects the rest; a test tries each). This one stays on for
 * all once it is switched on.
 */
const HOST_WIDE = ["netfilter/nf_hooks_lwtunnel"];

/**
 * The name below net; undefined for a key that leads elsewhere. As with sysctl(8), the first separator is the
 * separator of the whole key: `net.ipv4.ip_forward`, or `net/ipv4/conf/eth0.100/forwarding`, in which dots
 * are part of a name.
 */
function nameOf(key: string): string | undefined {
  const path = /^[^./]*\//.test(key) ? key : key.replaceAll(".", "/");
  const [root, ...words] = path.split("/");
  const isPlain = (word: string): boolean =>
    word !== "" && word !== "." && word !== ".." && !hasWhiteSpace(word) && !hasUnprintable(word);
  return root === "net" && words.length >= 2 && words.every(isPlain) ? words.join("/") : undefined;
}
