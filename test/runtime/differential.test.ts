// The parts of src that compute, with the same random input in the engine of the executable and in that of
// the tests.
import { expect, test } from "vitest";
import { sha256 } from "../../src/sys/hash.ts";
import { program } from "../support/engine.ts";
import { run } from "../support/process.ts";
import { textOfCase } from "./program/differential.ts";

const CASES = 2200;

test("both engines read, compute and explain random input the same", async () => {
  using made = await program("differential.ts");
  const { status, stdout } = await run([made.path, "0", String(CASES)], { timeoutMs: 60_000 });
  const here = Array.from(
    { length: CASES },
    (_, number) => `${number} ${sha256(textOfCase(number)).slice(0, 16)}`,
  );
  expect(status).toBe(0);
  const there = stdout.trimEnd().split("\n");
  // `pontoon NUMBER 1 show` of the built program gives the whole text of a case.
  expect(here.filter((line, at) => line !== there[at])).toEqual([]);
  expect(there).toHaveLength(CASES);
});
