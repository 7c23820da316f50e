// Things that are wrong for a moment are not told.
import { expect, test } from "vitest";
import { lookUntilSure } from "../../../src/survey/sure.ts";

/** The doubts that are left of looks which find these, and the number of looks. */
function after(...found: string[][]): [doubts: string[], looks: number] {
  let looks = 0;
  const { seen, doubts } = lookUntilSure(
    () => ({ seen: ++looks, doubts: new Set(found[looks - 1] ?? found.at(-1)) }),
    () => undefined,
  );
  expect(seen).toBe(looks);
  return [[...doubts], looks];
}

test("one look suffices where nothing is wrong, and two where the same things stay wrong", () => {
  expect(after([])).toEqual([[], 1]);
  expect(after(["a", "b"])).toEqual([["a", "b"], 2]);
  expect(after(["a", "b"], ["b"])).toEqual([["b"], 2]);
});

test("a thing that is new in a look is looked at again, and left out when it never stays", () => {
  expect(after(["a"], ["a", "b"], ["a"])).toEqual([["a"], 3]);
  expect(after(["1", "a"], ["2", "a"], ["3", "a"], ["4", "a"], ["5", "a"])).toEqual([["a"], 5]);
});
