// The error of an ADD that was given an address which a living attachment has.
import { CniError } from "../cni/error.ts";

/**
 * An address of the ADD belongs to a living attachment, so the lease of that one was lost, or two networks
 * give out one address. An error with parts that rollback could not remove is none any more: then the ADD
 * must not begin again.
 */
export class AddressTaken extends CniError {}
