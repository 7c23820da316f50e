// The trace of an internal error, in lines of the TypeScript.

/**
 * The table of the bundle's lines, made by scripts/bundle.mjs, which describes its form. It is absent in
 * tests, which run the TypeScript itself.
 */
declare const BUNDLE_LINES: string | undefined;

/** The name of the bundle in stack traces of the engine (engine/pontoon/src/engine.rs). */
const PLACE = /pontoon:(\d+):\d+/g;
const MOST_CALLS = 6;
/** In the table: the character of a line that is from the same line as the one before. */
const NO_STEP = 64;

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
  const [files = "", stretches = ""] = table.split("\n\n");
  const names = files.split("\n");
  const all = stretches.split("\n").map((text) => text.split(" "));
  return (line) => {
    const [start, file, first, steps = ""] = all.findLast(([at]) => Number(at) <= line) ?? [];
    if (start === undefined) return undefined;
    let own = Number(first);
    for (const step of steps.slice(0, line - Number(start))) own += step.charCodeAt(0) - NO_STEP;
    return `${names[Number(file)]}:${own}`;
  };
}
