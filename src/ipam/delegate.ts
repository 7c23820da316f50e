// Telling a foreign IPAM plugin what we are told.

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
 * Runs the IPAM plugin for an attachment that neither record nor result tells of. A plugin that is not there
 * cannot be asked, and has given it nothing (docs/decisions/0010-del-without-ipam-plugin.md). Throws
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
 * The IPAM plugin that may hold addresses of an attachment: the one that the configuration names now, unless
 * ours has given them.
 */
export function foreignIpamOf(
  record: Attachment | undefined,
  { foreignIpam }: { foreignIpam: string | undefined },
): string | undefined {
  return record?.leaseDirectory === undefined ? foreignIpam : undefined;
}

/**
 * Throws the error that is the only one where it says all: an IPAM plugin's in its own words, and code 11,
 * which tells the runtime to try again later.
 */
export function passOn(errors: CniError[]): void {
  const [error] = errors;
  if (errors.length === 1 && (error?.kind === "ipamPlugin" || error?.kind === "tryAgainLater")) throw error;
}
