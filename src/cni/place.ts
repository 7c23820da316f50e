// Places in the executable's scripts as places in the TypeScript.

/**
 * The tables of lines by the names of the scripts, made by scripts/bundle.mjs, which describes their form.
 * They are absent in tests, which run the TypeScript itself.
 */
declare const BUNDLE_LINES: { readonly [script: string]: string } | undefined;

/** A script and a line of it, as the engine's stack traces have them (engine/pontoon/src/compile.rs). */
const PLACE = /(pontoon[.\d]*):(\d+):\d+/g;
/** In a table: the character of a line that is from the same line as the one before. */
const NO_STEP = 64;

/** These calls of a stack trace with the places of the TypeScript, where they are known. */
export function withPlaces(calls: readonly string[]): string[] {
  return calls.map((call) =>
    call.replaceAll(PLACE, (place, script: string, line: string) => placeOf(script, Number(line)) ?? place),
  );
}

/** File and line of the TypeScript, for a line of a script. */
function placeOf(script: string, line: number): string | undefined {
  const table = typeof BUNDLE_LINES === "undefined" ? undefined : BUNDLE_LINES[script];
  const [files = "", stretches = ""] = table?.split("\n\n") ?? [];
  const all = stretches.split("\n").map((text) => text.split(" "));
  const [start, file, first, steps = ""] = all.findLast(([at]) => Number(at) <= line) ?? [];
  if (start === undefined) return undefined;
  let own = Number(first);
  for (const step of steps.slice(0, line - Number(start))) own += step.charCodeAt(0) - NO_STEP;
  return `${files.split("\n")[Number(file)]}:${own}`;
}
