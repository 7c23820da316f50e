// Telling a whole table from a damaged one, and from one that a release before has made.
import { expect, test } from "vitest";
import { isKnownIn, isWholeIn, missingIn, type TableLayout } from "../../../src/nft/table-layout.ts";

const LAYOUT: TableLayout = {
  table: { family: 1, name: "pontoon", title: "inet pontoon" },
  rules: [
    ["postrouting", 3],
    ["prerouting", 1],
  ],
  earlier: [[["postrouting", 2]], [["postrouting", 1]]],
  chains: () => [],
  tableMessages: () => [],
  ruleMessages: () => [],
};

test.each([
  { name: "as this release makes it", rules: { postrouting: 3, prerouting: 1 }, whole: true, known: true },
  { name: "as the release before made it", rules: { postrouting: 2 }, whole: false, known: true },
  {
    name: "as the release before that made it",
    rules: { postrouting: 1, mine: 7 },
    whole: false,
    known: true,
  },
  { name: "with a rule too many", rules: { postrouting: 4, prerouting: 1 }, whole: false, known: false },
  { name: "emptied", rules: {}, whole: false, known: false },
])(
  "a table $name: an ADD takes it for whole: $whole, CHECK accepts it: $known",
  ({ rules, whole, known }) => {
    const counts = new Map(Object.entries(rules));
    expect(isWholeIn(counts, LAYOUT)).toBe(whole);
    expect(isKnownIn(counts, LAYOUT)).toBe(known);
    expect(missingIn(counts, { layout: LAYOUT, chains: [] })).toEqual(whole ? [] : ["table"]);
    expect(missingIn(counts, { layout: LAYOUT, chains: [] }, isKnownIn)).toEqual(known ? [] : ["table"]);
  },
);
