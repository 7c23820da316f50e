// What is set inside the pod's namespace beyond addresses and routes: the keys of the reference `tuning`.
import { hasUnprintable, hasWhiteSpace } from "./name.ts";
import type { Shape } from "./netconf-keys.ts";
import { type Problems, quote } from "./problems.ts";

export interface TuningConfig {
  /** In the order in which they are set. */
  sysctls: Sysctl[];
  /** Packets; undefined is the kernel's choice. */
  txQueueLength: number | undefined;
  promiscuous: boolean;
  allMulticast: boolean;
}

export interface Sysctl {
  /** As it was written. */
  key: string;
  /** Below /proc/sys/net, with slashes; INTERFACE_PLACEHOLDER stands for the interface's name. */
  name: string;
  value: string;
}

/** In a key, as in the reference. */
export const INTERFACE_PLACEHOLDER = "IFNAME";

const UINT32 = 0xffff_ffff;

/**
 * What these keys ask for; undefined when that is nothing. Settings in args.cni count before those of the
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
 * libcni sorts the keys of an object, so their order means nothing: what sets something for all interfaces
 * comes before what sets it for one.
 */
function byReach(a: Sysctl, b: Sysctl): number {
  return reachOf(a) - reachOf(b) || (a.name < b.name ? -1 : 1);
}

function reachOf({ name }: Sysctl): number {
  if (name === "ipv4/ip_forward" || name.includes("/all/")) return 0;
  return name.includes("/default/") ? 1 : 2;
}

/**
 * Below /proc/sys/net a pod's namespace has its own of all that it may write (the kernel leaves out or
 * protects what is not; a test tries each), except for this one, which once switched on stays on for all.
 */
const HOST_WIDE = ["netfilter/nf_hooks_lwtunnel"];

/**
 * The name below net. As with sysctl(8), what divides the first two words divides all: `net.ipv4.ip_forward`,
 * or `net/ipv4/conf/eth0.100/forwarding`, in which dots are part of a name. Undefined for what leads
 * elsewhere.
 */
function nameOf(key: string): string | undefined {
  const path = /^[^./]*\//.test(key) ? key : key.replaceAll(".", "/");
  const [root, ...words] = path.split("/");
  const isPlain = (word: string): boolean =>
    word !== "" && word !== "." && word !== ".." && !hasWhiteSpace(word) && !hasUnprintable(word);
  return root === "net" && words.length >= 2 && words.every(isPlain) ? words.join("/") : undefined;
}
