// Fails as a program does that has a bug.
import { toCniError } from "../../../src/cni/error.ts";
import { writeAll } from "../../../src/sys/file.ts";

const fail = undefined as unknown as (holder: object) => number;

function reachInto(holder: object): number {
  const other = { ...holder };
  return fail(other);
}

export function main(): number {
  try {
    return reachInto({});
  } catch (error) {
    writeAll(1, toCniError(error).toJson("1.0.0"), "stdout");
    return 1;
  }
}
