// Calls of a foreign IPAM plugin with Pontoon's own environment and configuration.

import type { Attachment } from "../attachment/attachment.ts";
import type { Verb } from "../cni/environment.ts";
import { CniError } from "../cni/error.ts";
import { callIpam, type ForeignIpam, type ForeignIpamCall, findIpam } from "./foreign.ts";

/**
 * Runs the IPAM plugin of that name for a verb; undefined: there is none, or it is the built-in one. Throws
 * CniError.
 */
export function delegate(name: string | undefined, call: ForeignIpamCall, verb: Verb): void {
  if (name !== undefined) callIpam(findIpam(name, call), verb);
}

/**
 * Runs the IPAM plugin for an attachment that neither record nor result tells of. A missing plugin cannot be
 * asked, and has given the attachment nothing (docs/decisions/0010-del-without-ipam-plugin.md). Throws
 * CniError.
 */
export function delegateIfThere(name: string | undefined, call: ForeignIpamCall, verb: Verb): void {
  if (name === undefined) return;
  let ipam: ForeignIpam;
  try {
    ipam = findIpam(name, call);
  } catch (error) {
    if (error instanceof CniError) return;
    throw error;
  }
  callIpam(ipam, verb);
}

/**
 * The IPAM plugin that may hold addresses of an attachment: the plugin that the configuration names now;
 * undefined when the built-in IPAM gave the addresses.
 */
export function foreignIpamOf(
  record: Attachment | undefined,
  { foreignIpam }: { foreignIpam: string | undefined },
): string | undefined {
  return record?.leaseDirectory === undefined ? foreignIpam : undefined;
}

/**
 * Throws the only error of the list where it says all: an IPAM plugin's own words, or code 11, which tells
 * the runtime to try again later. Returns for any other list.
 */
export function passOn(errors: CniError[]): void {
  const [error] = errors;
  if (errors.length === 1 && (error?.kind === "ipamPlugin" || error?.kind === "tryAgainLater")) throw error;
}
