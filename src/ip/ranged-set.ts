// The door to the package ip-num, which does the arithmetic of address ranges. Nothing else imports it.
//
// Its numbers are made from bits alone: the classes IPv4 and IPv6 of ip-num would take each number apart into
// octets with patterns, and Pontoon needs no octets. Text never goes to ip-num: see address.ts.
import { AbstractIPNum } from "ip-num/dist/src/IPNumber.js";
import { RangedSet } from "ip-num/dist/src/IPRange.js";
import { type Address, familyBits } from "./address.ts";

/** An unbroken run of addresses of one family, both ends included. */
export interface AddressRange {
  readonly first: Address;
  readonly last: Address;
}

/** `range` as ip-num has it. Throws Error when the last address comes before the first. */
export function rangedSet(range: AddressRange): RangedSet<AbstractIPNum> {
  return new RangedSet(numberOf(range.first), numberOf(range.last));
}

/** A number of ip-num with the fields that its comparisons and a RangedSet read, and no more. */
function numberOf(address: Address): AbstractIPNum {
  const bits = { value: address.value, bitSize: familyBits(address.family) };
  return Object.assign(Object.create(AbstractIPNum.prototype) as AbstractIPNum, bits);
}
