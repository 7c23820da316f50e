import { expect, test } from "vitest";
import { tableOf } from "../../../src/terminal/table.ts";
import { cut, PLAIN, shown, styled } from "../../../src/terminal/terminal.ts";
import { wrapped } from "../../../src/terminal/wrap.ts";

const COLUMNS = [
  { title: "POD", least: 6 },
  { title: "AGE", isRight: true },
  { title: "STATE", least: 5 },
];
const ROWS = [
  ["default/web-0", "5s", { text: "ok", style: "green" as const }],
  ["kube-system/coredns-7db6d8ff4d-abcde", "12d", ""],
];

test("a table is as wide as its widest cells, and no line ends in blanks", () => {
  expect(tableOf(COLUMNS, ROWS, PLAIN)).toBe(
    [
      "POD                                   AGE  STATE",
      "default/web-0                          5s  ok",
      "kube-system/coredns-7db6d8ff4d-abcde  12d",
      "",
    ].join("\n"),
  );
});

test("a cell of others moves no cursor and sets no colour", () => {
  expect(
    tableOf(COLUMNS, [["a\u001b[2J\u009b\u202e", "", { text: "\u001b[31m", style: "green" }]], PLAIN),
  ).toBe(["POD      AGE  STATE", "a?[2J??       ?[31m", ""].join("\n"));
});

test("where the terminal is narrow the widest column that may be cut is cut, others stay whole", () => {
  const narrow = tableOf(COLUMNS, ROWS, { columns: 30, hasColours: false });
  expect(narrow).toBe(
    ["POD                 AGE  STATE", "default/web-0        5s  ok", "kube-system/cored…  12d", ""].join(
      "\n",
    ),
  );
  const least = tableOf(COLUMNS, ROWS, { columns: 3, hasColours: false });
  expect(least.split("\n")[2]).toBe("kube-…  12d");
});

test("colours change no width", () => {
  const coloured = tableOf(COLUMNS, ROWS, { ...PLAIN, hasColours: true });
  expect(coloured).toContain("\u001b[32mok\u001b[0m");
  expect(coloured.replaceAll(/\u001b\[\d+m/g, "")).toBe(tableOf(COLUMNS, ROWS, PLAIN));
  expect(styled("x", "red", PLAIN)).toBe("x");
});

test("a text of others moves no cursor and reorders nothing", () => {
  expect(shown("a\u001b[2Jb\u202ec\nd\u00e9")).toBe("a?[2Jb?c?d?");
  expect(shown("plain text, ~ too")).toBe("plain text, ~ too");
});

test("a cut text says so, and words are wrapped where they end", () => {
  expect([cut("abcdef", 4), cut("abc", 3), cut("abc", 0)]).toEqual(["abc…", "abc", ""]);
  expect(wrapped("one two three  four", 9, "  ")).toEqual(["  one two", "  three", "  four"]);
  expect(wrapped("a longerthanall b", 5)).toEqual(["a", "longerthanall", "b"]);
  expect(wrapped("one two", Number.POSITIVE_INFINITY)).toEqual(["one two"]);
  expect(wrapped("", 5)).toEqual([]);
});
