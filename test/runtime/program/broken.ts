// Fails as a program does that has a bug: it asks nothing for a property, calls nothing, or reads too early.
import { toCniError } from "../../../src/cni/error.ts";
import { native } from "../../../src/sys/native.ts";
import { writeAll } from "../../../src/sys/stream.ts";

const nothing = undefined as unknown as { deep: number } & ((holder: object) => number);

function reachInto(holder: object): number {
  const other = Object.keys(holder).length;
  return other + nothing.deep;
}

function callIt(holder: object): number {
  const other = { ...holder };
  return nothing(other);
}

function readEarly(holder: object): number {
  const give = (): number => notYetThere;
  const other = Object.keys(holder).length + give();
  const notYetThere = other + native.argv().length;
  return notYetThere;
}

const BUGS: Record<string, (holder: object) => number> = { call: callIt, early: readEarly };

export function main(): number {
  try {
    return (BUGS[native.argv()[0] ?? ""] ?? reachInto)({});
  } catch (error) {
    writeAll(1, toCniError(error).toJson("1.0.0"), "stdout");
    return 1;
  }
}
