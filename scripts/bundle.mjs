// The TypeScript as functions for the engine, a script each.
//
// The first is called while the heap image is made, and leaves `main`. It is no module: the engine keeps what
// of a module has run once, and a second list of all that is in it.
//
// Late is what few calls need: each module of LATE, with all that is not imported elsewhere. The engine keeps
// such a part packed, and loads it when one of the module's functions is first called. What several parts
// import belongs to the first of them, or is a part of its own that they load.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { pagesText } from "./pages.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const { version } = JSON.parse(readFileSync(resolve(root, "package.json"), "utf8"));

/** It turns lines of the bundle into those of the TypeScript, by a table that is made here. */
const PLACE = "cni/place.ts";
/**
 * The modules of src that are loaded late, known by their place here: first what a runtime may meet, then
 * what people type. They export functions and types alone.
 */
export const LATE = [
  "cni/netconf-schema.ts",
  PLACE,
  "command/run.ts",
  "command/explain/page.ts",
  "doctor/doctor.ts",
  "doctor/trace/probe.ts",
  "picture/svg/svg.ts",
  "picture/text/text.ts",
  "report/report.ts",
  "script/script.ts",
  "trial/trial.ts",
];

/** What gives the exports of a part, which the engine's function loads. */
const LOADER = "{ const parts = []; globalThis.part = (place) => (parts[place] ??= loadPart(place)); }";

/** Namespaces of modules that are no files: the first to run, the start of a part, and what calls a part. */
const [FIRST, PART, STAND_IN] = ["first", "part", "stand-in"];

/**
 * Bundles the module `entry`, which exports `main`, into `outfile`, and each part that is loaded late into a
 * file beside it: FILE.0.mjs and so on, empty where `entry` does not need it. Gives the files in that order.
 * @param {string} entry
 * @param {string} outfile
 * @param {readonly string[]} late
 */
export async function bundleSource(entry, outfile, late = LATE) {
  // The bench builds a copy of src.
  const source = existsSync(resolve(dirname(entry), PLACE)) ? dirname(entry) : resolve(root, "src");
  const paths = late.map((path) => relative(root, resolve(source, path)));
  /** @type {Set<string>} */
  const needed = new Set();
  let scripts = await bundleScripts(entry, paths, needed);
  // The first script shows which parts it needs, and those may need others.
  for (let known = 0; known < needed.size; scripts = await bundleScripts(entry, paths, needed))
    known = needed.size;
  const names = scripts.map((_, at) => (at === 0 ? "" : `.${at - 1}`));
  const tables = Object.fromEntries(scripts.map(({ map }, at) => [`pontoon${names[at]}`, lineTable(map)]));
  return scripts.map(({ text }, at) => {
    const file = outfile.replace(/(?=\.mjs$)/, names[at] ?? "");
    // On the first line, so that the others have the numbers that the map has.
    const lines = text.includes("BUNDLE_LINES") ? `const BUNDLE_LINES = ${JSON.stringify(tables)};` : "";
    const before = `"use strict";${at === 0 ? LOADER : ""}${lines}`;
    writeFileSync(file, text === "" ? "" : `${before}(() => {${text}})();\n`);
    return file;
  });
}

/**
 * One script for all that is not late, one for each late module, and those that they share, with their source
 * maps. The modules that were asked for are added to `needed`; texts of those that are not in there yet are
 * empty.
 * @param {string} entry
 * @param {readonly string[]} late
 * @param {Set<string>} needed
 */
async function bundleScripts(entry, late, needed) {
  const parts = late.map((path, at) => ({ in: `${PART}:${path}`, out: `${PART}${at}`, path }));
  const { outputFiles } = await build({
    // Files are named from here on, whatever folder the build is called in.
    absWorkingDir: root,
    entryPoints: [{ in: FIRST, out: FIRST }, ...parts.filter(({ path }) => needed.has(path))].map(
      ({ in: from, out }) => ({ in: from, out }),
    ),
    plugins: [lateParts(entry, late, needed)],
    splitting: true,
    outdir: root,
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
  const texts = new Map(outputFiles.map(({ path, text }) => [basename(path), text]));
  // What the first script shares with a part is in a file of its own, and that is all of it.
  const first = /^import "\.\/(.*)";$/m.exec(texts.get(`${FIRST}.js`) ?? "")?.[1] ?? `${FIRST}.js`;
  // A chunk is named by a hash that another folder changes: they are put in the order of their sources.
  const chunks = [...texts.keys()]
    .filter((name) => /^chunk-.*js$/.test(name) && name !== first)
    .map((name) => ({ name, sources: JSON.parse(texts.get(`${name}.map`) ?? "").sources.join() }))
    .sort((a, b) => (a.sources < b.sources ? -1 : 1))
    .map(({ name }) => name);
  const names = [...parts.map(({ out }) => `${out}.js`), ...chunks];
  /** @param {string} name */
  const valueOf = (name) => (name === first ? "shared()" : `part(${names.indexOf(name)})`);
  return [first, ...names].map((name) => ({
    text: asFunction(texts.get(name) ?? "", valueOf, name === first ? "globalThis.shared = () =>" : "return"),
    map: JSON.parse(texts.get(`${name}.map`) ?? '{ "mappings": "", "sources": [] }'),
  }));
}

/**
 * Puts a stand-in in the place of each late module, which loads the part and calls the function there.
 * @param {string} entry
 * @param {readonly string[]} late
 * @param {Set<string>} needed
 * @returns {import("esbuild").Plugin}
 */
function lateParts(entry, late, needed) {
  return {
    name: "late",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: new RegExp(`^${FIRST}$`) }, () => ({ path: FIRST, namespace: FIRST }));
      onResolve({ filter: new RegExp(`^${PART}:`) }, ({ path }) => ({
        path: path.slice(PART.length + 1),
        namespace: PART,
      }));
      onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir, namespace }) => {
        const file = relative(root, resolve(resolveDir, path));
        if (namespace === PART || !late.includes(file)) return undefined;
        needed.add(file);
        return { path: file, namespace: STAND_IN };
      });
      onLoad({ filter: /^/, namespace: FIRST }, () => ({
        contents: `import { main } from ${JSON.stringify(entry)}; globalThis.main = main;`,
        resolveDir: root,
      }));
      // With all scripts in front of it, so that what both import is in the one in front.
      onLoad({ filter: /^/, namespace: PART }, ({ path }) => {
        const before = late.slice(0, late.indexOf(path)).filter((other) => needed.has(other));
        const imports = [FIRST, ...before.map((other) => `${PART}:${other}`)];
        const contents = `${imports.map((name) => `import "${name}";`).join("")} export * from "./${path}";`;
        return { contents, resolveDir: root };
      });
      onLoad({ filter: /^/, namespace: STAND_IN }, async ({ path }) => {
        const names = await exportsOf(path);
        const place = late.indexOf(path);
        return {
          contents: names
            .map(
              (name) => `export const ${name} = (...given) => globalThis.part(${place}).${name}(...given);`,
            )
            .join("\n"),
        };
      });
    },
  };
}

/**
 * The names that a module exports, without types.
 * @param {string} path
 */
async function exportsOf(path) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [path],
    outdir: root,
    write: false,
    metafile: true,
    format: "esm",
  });
  return Object.values(metafile.outputs).flatMap(({ exports }) => exports);
}

/**
 * The text of a module as that of a function: what it imports as constants, what it exports as an object
 * behind `giving`.
 * @param {string} text
 * @param {(file: string) => string} valueOf what another script exports
 * @param {string} giving
 */
function asFunction(text, valueOf, giving) {
  return text
    .replaceAll(
      /^import \{([^}]*)\} from "\.\/(.*)";$/gm,
      (_, names, file) => `const {${names.replaceAll(" as ", ": ")}} = globalThis.${valueOf(file)};`,
    )
    .replaceAll(/^import ".*";$/gm, "")
    .replace(
      /^export \{([^}]*)\};$/m,
      (_, names) => `${giving} ({${names.replaceAll(/(\S+) as ([^\s,]+)/g, "$2: $1")}});`,
    );
}

/** What stands for a step of no line; the characters around it stand for the steps around it. */
const NO_STEP = "@".charCodeAt(0);
/** The steps that one character can say, from "!" to "~". */
const [LEAST_STEP, MOST_STEP] = ["!".charCodeAt(0) - NO_STEP, "~".charCodeAt(0) - NO_STEP];

/**
 * Which line of which file each line of a script is from, for src/cni/place.ts: the files, one a line, then
 * an empty line, then a line for each stretch of the script that is from one file, and where a step is too
 * large for a character: `script file line STEPS`, with a character for each line of the script after the
 * first, which says by how much the line in the file is another one.
 * @param {{ mappings: string, sources: string[] }} map
 */
function lineTable({ mappings, sources }) {
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
  return `${sources.join("\n")}\n\n${stretches.join("\n")}`;
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
