// How the sources are written, as far as neither the formatter nor the compiler looks at it.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { REPOSITORY } from "../support/tool.ts";

const COLUMNS = 110;

/** What people write in these folders. Prose (Markdown), data, and what programs write is not looked at. */
const WRITTEN = /(\.(ts|mjs|c|go|sh)|\/[a-z-]+)$/;

/** Files whose odd code is what they are about; biome.jsonc leaves them out too. */
const ODD = ["test/runtime/program/differential-language.ts"];

/** Text between quotes, or a pattern, as far as it stands in one line: a formatter cannot break it. */
const LITERALS =
  /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|(?<![\w)])\/(?:[^/\\\s*]|\\.)(?:[^/\\]|\\.)*\//g;

const COMMENT = /^\s*(\/\/|\/?\*|#)/;

const files = globSync("{src,agent,test,scripts,bench}/**", { cwd: REPOSITORY, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(REPOSITORY.length).replace(/^\//, ""))
  .filter((path) => WRITTEN.test(path) && !ODD.includes(path))
  .sort()
  .map((path) => ({ path, lines: readFileSync(join(REPOSITORY, path), "utf8").split("\n") }));

/** True when the line is too long, and by more than a text in it. A comment counts with its texts. */
function isTooLong(line: string): boolean {
  if ([...line].length <= COLUMNS) return false;
  if (COMMENT.test(line)) return true;
  const code = line.replaceAll(LITERALS, "");
  return [...code].length > COLUMNS || code.includes(" // ");
}

/** The comments of a file that begin with such words, each with its line's number. */
function commentsThatBegin(words: string, lines: string[]): string[] {
  const opening = new RegExp(String.raw`^\s*(/\*\*?|\*|//)\s+${words}`);
  return lines.flatMap((line, at) => {
    const goesOn = /^\s*(\*|\/\/)\s+\S/.test(lines[at - 1] ?? "") && /^\s*(\*|\/\/)/.test(line);
    return opening.test(line) && !goesOn ? [`${at + 1}: ${line.trim()}`] : [];
  });
}

test("no line is longer than 110 columns, comments included, unless it is by a text in it", () => {
  expect(files.length).toBeGreaterThan(500);
  const long = files.flatMap(({ path, lines }) =>
    lines.flatMap((line, at) => (isTooLong(line) ? [`${path}:${at + 1}: ${line.trim()}`] : [])),
  );
  expect(long).toEqual([]);
});

test("the help of each script fits into a terminal of 80 columns", () => {
  const helps = files.flatMap(({ path, lines }) => {
    const [, text] = /<<'TEXT'\n([^]*?)\nTEXT\n/.exec(lines.join("\n")) ?? [];
    return path.startsWith("scripts/") && text !== undefined ? [{ path, text }] : [];
  });
  expect(helps.length).toBeGreaterThanOrEqual(10);
  const long = helps.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line) => ([...line].length > 80 ? [`${path}: ${line}`] : [])),
  );
  expect(long).toEqual([]);
});

describe("what counts as too long", () => {
  const text = "x".repeat(COLUMNS);
  test.each([
    { what: "110 columns", line: text, isLong: false },
    { what: "code with a long text", line: `  const sentence = "${text}";`, isLong: false },
    { what: "code with a long pattern", line: `  pattern: /${text}/,`, isLong: false },
    { what: "long code with a short text", line: `${text}.call("x")`, isLong: true },
    { what: "a comment behind a long text", line: `short("${text}"); // why`, isLong: true },
    { what: "a comment", line: `// ${text}`, isLong: true },
    { what: "a comment with a long text", line: ` * As in "${text}"`, isLong: true },
  ])("$what: $isLong", ({ line, isLong }) => {
    expect(isTooLong(line)).toBe(isLong);
  });
});

test('no comment of src begins with "The same": alone in an editor it would say nothing', () => {
  const found = files
    .filter(({ path }) => path.startsWith("src/"))
    .flatMap(({ path, lines }) => commentsThatBegin("The same\\b", lines).map((each) => `${path}:${each}`));
  expect(found).toEqual([]);
});
