// The door to the package ip-num, which does the arithmetic of address ranges. Nothing else imports it.
//
// It is loaded at the first question about a range, so a DEL or a VERSION never pays for it. The modules are named one by
// one, because its index would load pools, masks and AS numbers as well. Its numbers are made from bits alone: IPv4 and
// IPv6 of ip-num would take each number apart into octets with patterns (0.5 ms the first time), and nobody here looks at
// those. Text never goes to ip-num: see address.ts.
import type { AbstractIPNum } from "ip-num/dist/src/IPNumber.js";
import type { RangedSet } from "ip-num/dist/src/IPRange.js";
import { type Address, familyBits } from "./address.ts";

/** An unbroken run of addresses of one family, both ends included. */
export interface AddressRange {
  readonly first: Address;
  readonly last: Address;
}

interface Loaded {
  readonly AbstractIPNum: typeof AbstractIPNum;
  readonly RangedSet: typeof RangedSet;
}

let loaded: Loaded | undefined;

/** `range` as ip-num has it. Throws Error when the last address comes before the first. */
export function rangedSet(range: AddressRange): RangedSet<AbstractIPNum> {
  loaded ??= load();
  return new loaded.RangedSet(numberOf(loaded, range.first), numberOf(loaded, range.last));
}

/** A number of ip-num with the fields that its comparisons and a RangedSet read, and no more. */
function numberOf({ AbstractIPNum }: Loaded, address: Address): AbstractIPNum {
  const bits = { value: address.value, bitSize: familyBits(address.family) };
  return Object.assign(Object.create(AbstractIPNum.prototype) as AbstractIPNum, bits);
}

function load(): Loaded {
  // require, not import: esbuild turns it into a call that runs the module when it is reached.
  const { AbstractIPNum } = require("ip-num/dist/src/IPNumber.js") as typeof import("ip-num/dist/src/IPNumber.js");
  const { RangedSet } = require("ip-num/dist/src/IPRange.js") as typeof import("ip-num/dist/src/IPRange.js");
  return { AbstractIPNum, RangedSet };
}
