// The TypeScript as one ES module for the engine.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { pagesText } from "./pages.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const { version } = JSON.parse(readFileSync(resolve(root, "package.json"), "utf8"));

/**
 * Bundles the module `entry`, which exports `main`, into `outfile`.
 * @param {string} entry
 * @param {string} outfile
 */
export async function bundleSource(entry, outfile) {
  const { outputFiles } = await build({
    // Files are named from here on, whatever folder the build is called in.
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    write: false,
    bundle: true,
    // Neither Node nor a browser: what asks for one of them does not build.
    platform: "neutral",
    mainFields: ["module", "main"],
    format: "esm",
    // As new as the engine: `using` stays, which as a function of its own would cost each call its making.
    target: "esnext",
    // Names and lines stay, for the trace of an internal error.
    minifySyntax: true,
    legalComments: "none",
    sourcemap: "external",
    sourcesContent: false,
    define: {
      PONTOON_VERSION: JSON.stringify(version),
      PONTOON_PAGES: JSON.stringify(pagesText()),
    },
    logLevel: "warning",
  });
  const [map, code] = outputFiles.sort((a, b) => b.path.length - a.path.length);
  if (map === undefined || code === undefined) throw new Error("esbuild made no bundle with a source map");
  const table = lineTable(JSON.parse(map.text), dirname(outfile));
  writeFileSync(outfile, `${code.text}const BUNDLE_LINES = ${JSON.stringify(table)};\n`);
}

/**
 * Which line of which file each line of the bundle is from, for src/cni/trace.ts: the files, one a line, an
 * empty line, then `bundle:file:line` for each line of the bundle that does not follow its predecessor in the
 * same file.
 * @param {{ mappings: string, sources: string[] }} map
 * @param {string} folder where the bundle is
 */
function lineTable({ mappings, sources }, folder) {
  const entries = [];
  let [file, line, follows] = [0, 0, ""];
  for (const [at, segments] of mappings.split(";").entries()) {
    if (segments === "") continue;
    let [firstFile, firstLine] = [-1, 0];
    for (const segment of segments.split(",")) {
      const [, fileStep = 0, lineStep = 0] = decodeVlq(segment);
      file += fileStep;
      line += lineStep;
      if (firstFile < 0) [firstFile, firstLine] = [file, line + 1];
    }
    if (`${firstFile}:${firstLine - at}` !== follows) entries.push(`${at + 1}:${firstFile}:${firstLine}`);
    follows = `${firstFile}:${firstLine - at}`;
  }
  const files = sources.map((source) => relative(root, resolve(folder, source)));
  return `${files.join("\n")}\n\n${entries.join(" ")}`;
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/**
 * The numbers of one segment of a source map (ECMA-426): five bits a digit, the lowest first, with the sign
 * in the lowest of all.
 * @param {string} segment
 */
function decodeVlq(segment) {
  const numbers = [];
  let [value, shift] = [0, 0];
  for (const digit of segment) {
    const bits = DIGITS.indexOf(digit);
    value |= (bits & 31) << shift;
    shift += 5;
    if ((bits & 32) !== 0) continue;
    numbers.push((value & 1) === 0 ? value >> 1 : -(value >> 1));
    [value, shift] = [0, 0];
  }
  return numbers;
}
