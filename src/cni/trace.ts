// The trace of an internal error, in lines of the TypeScript.

/**
 * The table of the bundle's lines, made by scripts/bundle.mjs, which describes its form. It is absent in
 * tests, which run the TypeScript itself.
 */
declare const BUNDLE_LINES: string | undefined;

/** The name of the bundle in stack traces of the engine (engine/pontoon/src/engine.rs). */
const PLACE = /pontoon:(\d+):\d+/g;
const MOST_CALLS = 6;

/** The innermost calls of an error's stack, as `function (file:line)`; empty when it has no stack. */
export function traceOf(error: unknown): string[] {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const calls = stack
    .split("\n")
    .filter((line) => /^\s+at /.test(line))
    .slice(0, MOST_CALLS);
  const lines = typeof BUNDLE_LINES === "undefined" ? undefined : readLines(BUNDLE_LINES);
  return calls.map((call) =>
    call
      .trim()
      .replace(/^at /, "")
      .replaceAll(PLACE, (place, line: string) => lines?.(Number(line)) ?? place),
  );
}

/** Reads the table: gives a function from a line of the bundle to the file and line of its TypeScript. */
function readLines(table: string): (line: number) => string | undefined {
  const [files = "", entries = ""] = table.split("\n\n");
  const names = files.split("\n");
  const starts = entries.split(" ").map((entry) => entry.split(":").map(Number));
  return (line) => {
    const [start = 0, file = 0, first = 0] = starts.findLast(([at = 0]) => at <= line) ?? [];
    return start === 0 ? undefined : `${names[file]}:${first + line - start}`;
  };
}
