#!/usr/bin/env node
// Builds the executable:
//
//   src/main.ts --esbuild--> scripts --compiler--> bytecode ----------+
//   engine/ --cargo--> compiler, and an engine with an empty heap ----+--run once--> heap --> dist/pontoon
//
// The engine loads the first script, once, here; what its heap holds then is put into the executable, so a
// start loads nothing (docs/decisions/0013-engine.md). The other scripts, which few calls need, are put there
// as packed bytecode. Files are made in a directory of their own and moved into place, so a dist/pontoon that
// is running or being built by somebody else is never half a file.
//
// The same sources and compilers give the same bytes, in whatever folder and whatever environment.

import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compileEngine } from "./engine.mjs";
import { withImage } from "./heap-image.mjs";

const usage = `usage: node scripts/build.mjs [--entry FILE] [--out-dir DIR] [--engine FILE]

Builds DIR/pontoon.mjs (the bundle), DIR/pontoon.0.mjs and so on (its parts that
are loaded late), and DIR/pontoon (the executable, engine inside).
  --entry FILE    what to build: a module that exports main   (src/main.ts)
  --out-dir DIR   where the files go                          (dist)
  --engine FILE   an engine that is compiled already, beside its compiler; without it cargo compiles engine/
Relative names count from the top of the repository.
`;

/** What the README promises. */
const MOST_BYTES = 3_300_000;

const { values: options } = parseArgs({
  options: {
    entry: { type: "string", default: "src/main.ts" },
    "out-dir": { type: "string", default: "dist" },
    engine: { type: "string" },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (options.help) {
  process.stdout.write(usage);
  process.exit(0);
}

const root = fileURLToPath(new URL("..", import.meta.url));
if (!existsSync(join(root, "node_modules/esbuild"))) {
  console.error("The packages that build Pontoon are missing: run scripts/setup first.");
  process.exit(1);
}
// Only now: this needs the packages.
const { bundleSource } = await import("./bundle.mjs");

const outDir = resolve(root, options["out-dir"]);
mkdirSync(outDir, { recursive: true });
const workDir = mkdtempSync(join(outDir, ".build-"));
try {
  const engine = options.engine === undefined ? compileEngine(root) : resolve(root, options.engine);
  const scripts = await bundleSource(resolve(root, options.entry), join(workDir, "pontoon.mjs"));
  const names = scripts.map((path) => basename(path));
  const image = join(workDir, "image");
  // By names without a folder: what the arguments were leaves its traces in the heap. Node hands argv0 on to
  // spawnSync, although its types know it there alone.
  /** @type {import("node:child_process").SpawnSyncOptions} */
  const alike = { cwd: workDir, argv0: "pontoon", env: {}, stdio: ["ignore", "inherit", "inherit"] };
  execFileSync(join(dirname(engine), "compiler"), ["bytecode", "parts", ...names], alike);
  execFileSync(engine, ["bytecode", "parts", "image"], alike);
  const executable = withImage(readFileSync(engine), readFileSync(image));
  if (executable.length > MOST_BYTES) {
    console.error(tooLarge(executable.length));
    process.exitCode = 1;
  } else {
    writeFileSync(join(workDir, "pontoon"), executable, { mode: 0o755 });
    for (const name of [...names, "pontoon"]) renameSync(join(workDir, name), join(outDir, name));
    const [bundle = "", ...parts] = names;
    console.log(`${join(options["out-dir"], bundle)} and ${parts.length} parts  ${size(names)}`);
    console.log(`${join(options["out-dir"], "pontoon")}  ${size(["pontoon"])}`);
  }
} finally {
  rmSync(workDir, { recursive: true, force: true });
}

/** @param {number} bytes */
function tooLarge(bytes) {
  const [has, most] = [bytes, MOST_BYTES].map((number) => number.toLocaleString("en"));
  return (
    `the executable would have ${has} bytes, and at most ${most} are allowed: take something out, or raise ` +
    "MOST_BYTES in scripts/build.mjs and the promise in README.md"
  );
}

/** @param {readonly string[]} names */
function size(names) {
  const bytes = names.reduce((sum, name) => sum + statSync(join(outDir, name)).size, 0);
  return bytes > 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e3).toFixed(1)} kB`;
}
