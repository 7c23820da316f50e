// The TypeScript as one function for the engine, which is called once and leaves `main`. Not as a module: the
// engine keeps what of a module has run once, and a second list of all that is in it.
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
    stdin: {
      contents: `import { main } from ${JSON.stringify(entry)}; globalThis.main = main;`,
      resolveDir: root,
      sourcefile: "scripts/bundle.mjs",
    },
    outfile,
    write: false,
    bundle: true,
    // Neither Node nor a browser: what asks for one of them does not build.
    platform: "neutral",
    mainFields: ["module", "main"],
    format: "iife",
    banner: { js: `"use strict";` },
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

/** What stands for a step of no line; the characters around it stand for the steps around it. */
const NO_STEP = "@".charCodeAt(0);
/** The steps that one character can say, from "!" to "~". */
const [LEAST_STEP, MOST_STEP] = ["!".charCodeAt(0) - NO_STEP, "~".charCodeAt(0) - NO_STEP];

/**
 * Which line of which file each line of the bundle is from, for src/cni/trace.ts: the files, one a line, then
 * an empty line, then a line for each stretch of the bundle that is from one file, and where a step is too
 * large for a character: `bundle file line STEPS`, with a character for each line of the bundle after the
 * first, which says by how much the line in the file is another one.
 * @param {{ mappings: string, sources: string[] }} map
 * @param {string} folder where the bundle is
 */
function lineTable({ mappings, sources }, folder) {
  const stretches = [];
  let [file, line, ownFile, ownLine] = [0, 0, -1, 0];
  for (const [at, segments] of mappings.split(";").entries()) {
    let [firstFile, firstLine] = [ownFile, ownLine];
    for (const [place, segment] of segments.split(",").entries()) {
      const [, fileStep = 0, lineStep = 0] = decodeVlq(segment);
      file += fileStep;
      line += lineStep;
      if (place === 0 && segment !== "") [firstFile, firstLine] = [file, line];
    }
    const step = firstLine - ownLine;
    if (firstFile !== ownFile || step < LEAST_STEP || step > MOST_STEP)
      stretches.push(`${at + 1} ${firstFile} ${firstLine + 1} `);
    else if (stretches.length > 0) stretches[stretches.length - 1] += String.fromCharCode(NO_STEP + step);
    [ownFile, ownLine] = [firstFile, firstLine];
  }
  const files = sources.map((source) => relative(root, resolve(folder, source)));
  return `${files.join("\n")}\n\n${stretches.join("\n")}`;
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
