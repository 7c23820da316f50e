// A lease, and its text in a file. The format is host-local's: both programs may share a directory.
import { isPlainName } from "../cni/name.ts";
import type { Address } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";

/** An address given to an attachment. */
export interface Lease {
  /** The range set of the configuration that it comes from, counted from 0. */
  set: number;
  /** The address with the length of its subnet. */
  address: Prefix;
  /** Undefined on a link without a gateway. */
  gateway: Address | undefined;
  /** True: another program may have given out IPv4 addresses of the set since Pontoon last did. */
  givenByOthers: boolean;
}

/** The owner of a lease. Files of old host-local versions hold no interface name. */
export interface LeaseOwner {
  containerId: string;
  interfaceName?: string | undefined;
}

const LINE_BREAK = "\r\n";

/** The text of a lease file, as host-local writes it. */
export function formatOwner(owner: LeaseOwner): string {
  return owner.interfaceName === undefined
    ? owner.containerId
    : `${owner.containerId}${LINE_BREAK}${owner.interfaceName}`;
}

/**
 * The owner that a lease file names; undefined when its content cannot be a lease (empty or garbage), so that
 * the address is free.
 */
export function parseOwner(text: string): LeaseOwner | undefined {
  const trimmed = text.trim();
  const end = trimmed.indexOf("\n");
  const first = (end < 0 ? trimmed : trimmed.slice(0, end)).trimEnd();
  if (!isPlainName(first)) return undefined;
  return end < 0
    ? { containerId: first }
    : { containerId: first, interfaceName: trimmed.slice(end + 1).trim() };
}
