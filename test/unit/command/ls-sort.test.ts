// The order of the rows of `pontoon ls`, and the line that sums them up.
import { expect, test } from "vitest";
import type { Row } from "../../../src/command/ls/row.ts";
import { type SortKey, sortRows, summaryOf } from "../../../src/command/ls/sort.ts";

const row = (pod: string, more: Partial<Row>): Row => ({
  ...{ pod, addresses: [], via: "", hostPorts: [], state: "ok", problems: [] },
  ...more,
});
const rows = [
  row("old", { since: 1, addresses: ["10.1.0.10/24"], received: 5, sent: 5 }),
  row("bare", { state: "foreign" }),
  row("six", { since: 3, addresses: ["fd01::2/64"], sent: 100 }),
  row("young", { since: 9, addresses: ["10.1.0.9/24"], received: 11, sent: 0, state: "drift" }),
];

test.each([
  [undefined, "old bare six young"],
  ["age", "young six old bare"],
  ["address", "young old six bare"],
  ["traffic", "six young old bare"],
] as [SortKey | undefined, string][])("by %s: %s", (key, wanted) => {
  expect(sortRows(rows, key).map(({ pod }) => pod)).toEqual(wanted.split(" "));
});

test("the summary counts attachments, and apart what is not as it was made", () => {
  expect(summaryOf(rows)).toBe("3 attachments, 1 with drift, 1 foreign");
  expect(summaryOf(rows.slice(0, 1))).toBe("1 attachment");
  expect(summaryOf([])).toBe("0 attachments");
});
