// The judge is judged: what counts as a difference, and what as its explanation.
import { expect, test } from "vitest";
import { compare, matches, report } from "./compare.ts";

const facts = (object: Record<string, string>): Map<string, string> => new Map(Object.entries(object));
const why = "Because.";

test("a fact that one side has not, or has otherwise, is a difference by name", () => {
  const { unexplained } = compare(
    facts({ a: "1", b: "1", c: "1" }),
    facts({ a: "1", b: "2", d: "1" }),
    [],
    [],
  );
  expect(unexplained).toEqual([
    { path: "b", ours: "1", reference: "2" },
    { path: "c", ours: "1", reference: "nothing" },
    { path: "d", ours: "nothing", reference: "1" },
  ]);
});

test("an explanation holds for the paths and the values that it names, and for no others", () => {
  const found = (own: object) =>
    compare(facts({ "a.b": "1" }), facts({ "a.b": "2" }), [{ where: "a.*", why, ...own }], []).unexplained
      .length;
  expect([
    found({}),
    found({ ours: "1" }),
    found({ ours: "1", reference: "2" }),
    found({ ours: "2" }),
    found({ reference: "nothing" }),
  ]).toEqual([0, 0, 0, 1, 1]);
  expect([
    matches("a.?", "a.b"),
    matches("a.?", "a.bc"),
    matches("a[0].*", "a[0].b.c"),
    matches("a", "ab"),
    matches("*.b", "a.b"),
  ]).toEqual([true, false, true, false, true]);
});

test("an explanation by words that count for nothing holds where all other words are equal", () => {
  const left = (ours: string, reference: string) =>
    compare(facts({ a: ours }), facts({ a: reference }), [{ where: "a", why, apart: ["src=*"] }], [])
      .unexplained.length;
  expect([left("x y", "x src=1 y"), left("x y", "x src=1 z"), left("x src=2 y", "x y")]).toEqual([0, 1, 0]);
});

test("an explanation of the row that nothing needs is reported, one that all rows share is not", () => {
  const entry = { where: "b", why };
  const same = facts({ a: "1" });
  expect(report(compare(same, same, [entry], []))).toEqual([expect.stringContaining("no longer different")]);
  expect(report(compare(same, same, [], [entry]))).toEqual([]);
});
