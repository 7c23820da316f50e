// The interface of a writer, which prints the steps of one kind as commands, and what writers share.
import { type Address, formatAddress } from "../ip/address.ts";
import { formatPrefix, type Prefix } from "../ip/prefix.ts";
import type { Step } from "../plan/step.ts";
import { sh, type Words } from "./shell.ts";

/** Commands that belong together, with the reason in one line of plain English. */
export interface Part {
  why: string;
  lines: readonly string[];
}

/** The facts for a script that no step tells. */
export interface Scene {
  /** The name of the pod's namespace, as `ip netns` has it. */
  netns: string;
  /** A new bridge. */
  bridge: { mac: string; mtu: number };
}

/** The commands that undo a step, by their turn in a DEL: each turn is over before the next one begins. */
export interface Undoing {
  /** Takes down the interface whose rules go next. */
  shut?: Part;
  rules?: readonly Part[];
  links?: readonly Part[];
  /** Removes what pods share, when the links have gone. */
  after?: readonly Part[];
}

/** The writer of a kind of steps. */
export interface Writer<S extends Step> {
  add(step: S, scene: Scene): readonly Part[];
  /** Missing: the thing stays, or goes with the link. */
  del?(step: S, scene: Scene): Undoing;
}

/** The commands for one purpose, under the sentence that tells it. */
export function part(why: string, ...lines: readonly string[]): Part {
  return { why, lines };
}

/** The command that sets a sysctl, by its path below /proc/sys/net. */
export function sysctl(path: string, value: string | number): string {
  return sh`sysctl -qw ${`${nameOf(path)}=${value}`}`;
}

/** As {@link sysctl}, for a setting that a kernel without IPv6 does not have. */
export function sysctlIfThere(path: string, value: string | number): string {
  return sh`sysctl -qew ${`${nameOf(path)}=${value}`}`;
}

/** The name of a sysctl. With a dot in it, as in cni0.100, it is written with slashes. */
function nameOf(path: string): string {
  return path.includes(".") ? `net/${path}` : `net.${path.replaceAll("/", ".")}`;
}

/** The command in the pod's namespace. */
export function inPod(command: string, { netns }: Scene): string {
  return `${sh`ip netns exec ${netns}`} ${command}`;
}

/** The words that put an address on an interface: IPv6 is used at once, without a search for duplicates. */
export function addressWords({ address, length }: Prefix): Words {
  const text = formatPrefix({ address, length });
  if (address.family === 6) return [text, "nodad"];
  return length < 31 ? [text, "brd", "+"] : [text];
}

/** The address alone, as a destination or on an interface. */
export function wholeText(address: Address): string {
  return `${formatAddress(address)}/${address.family === 4 ? 32 : 128}`;
}

/** One queue each way, which is enough for an interface without hardware. */
export const ONE_QUEUE: Words = ["numtxqueues", 1, "numrxqueues", 1];

/** The words for an MTU; none where it is not known. */
export function mtuWords(mtu: number | undefined): Words {
  return mtu === undefined ? [] : ["mtu", mtu];
}

/** A command that is true when the node has an interface of that name. */
export function hasLink(name: string): string {
  return sh`ip link show dev ${name} > /dev/null 2>&1`;
}
