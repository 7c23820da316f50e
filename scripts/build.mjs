#!/usr/bin/env node
// Builds the executable:
//
//   src/main.ts --esbuild--> dist/pontoon.cjs --bun build --compile--> dist/pontoon
//
// CommonJS keeps what is required late late; an ES module bundle would load it at every start.
// Both files are made in a directory of their own and moved into place, so a dist/pontoon that is running or being
// built by somebody else is never half a file.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { heardStill, muteEnvironment } from "./runtime-environment.mjs";
import { muteQuestions } from "./runtime-questions.mjs";
import { isWarmUpKnown, switchWarmUpOff } from "./runtime-warm-up.mjs";

const usage = `usage: node scripts/build.mjs [--entry FILE] [--out-dir DIR]

Builds DIR/pontoon.cjs (the bundle) and DIR/pontoon (the executable, runtime inside).
  --entry FILE    what to build           (src/main.ts)
  --out-dir DIR   where the files go      (dist)
Relative names count from the top of the repository.
`;

const { values: options } = parseArgs({
  options: {
    entry: { type: "string", default: "src/main.ts" },
    "out-dir": { type: "string", default: "dist" },
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
// Only now: these need the packages.
const { build } = await import("esbuild");
const { lateModules } = await import("./late-modules.mjs");
const { lazyIpNum } = await import("./lazy-ip-num.mjs");

const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

const outDir = resolve(root, options["out-dir"]);
mkdirSync(outDir, { recursive: true });
const workDir = mkdtempSync(join(outDir, ".build-"));
try {
  const bundle = join(workDir, "pontoon.cjs");
  const executable = join(workDir, "pontoon");
  await bundleSource(resolve(root, options.entry), bundle);
  compile(bundle, executable);
  for (const name of ["pontoon.cjs", "pontoon"]) {
    renameSync(join(workDir, name), join(outDir, name));
    console.log(`${join(options["out-dir"], name)}  ${size(join(outDir, name))}`);
  }
} finally {
  rmSync(workDir, { recursive: true, force: true });
}

async function bundleSource(entry, outfile) {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "cjs",
    // As new as the runtime inside: `using` stays, which as a function of its own would cost each call its making.
    target: "esnext",
    minify: true,
    legalComments: "none",
    external: ["bun:ffi"],
    define: { PONTOON_VERSION: JSON.stringify(version) },
    plugins: [lazyIpNum, lateModules],
    logLevel: "warning",
  });
}

// Without the two --no-compile-autoload flags the executable would read ./.env and ./bunfig.toml of whatever directory
// the container runtime stands in, as root. A call lives for milliseconds: compiling to machine code is rarely worth its
// while, so it starts a hundred times later than usual (docs/decisions/0002-start-time.md).
function compile(bundle, outfile) {
  const autoload = ["--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"];
  const flags = ["--compile", "--bytecode", "--compile-jit-policy=100", ...autoload];
  execFileSync(preparedBun(), ["build", ...flags, bundle, "--outfile", outfile], { stdio: ["ignore", "ignore", "inherit"] });
}

// bun puts a copy of itself around the bundle, so a bun that listens to no variable and starts no thread makes such an
// executable.
function preparedBun() {
  const runtime = readFileSync(findBun());
  muteEnvironment(runtime, process.arch);
  muteQuestions(runtime);
  if (isWarmUpKnown(process.arch)) switchWarmUpOff(runtime);
  else console.log(`the executable still starts the engine's warm-up thread on ${process.arch} (docs/decisions/0002-start-time.md)`);
  const heard = heardStill[process.arch];
  if (heard.length > 0) console.log(`the executable still listens to ${heard.join(", ")} (docs/decisions/0001-runtime-environment.md)`);
  const bun = join(workDir, "bun");
  writeFileSync(bun, runtime, { mode: 0o755 });
  return bun;
}

// npm's install script of the package `bun` moves the runtime from the platform's package into node_modules/bun. Where
// install scripts do not run (npm asks for approval from version 11 on) it is still in the platform's package.
function findBun() {
  const modules = join(root, "node_modules");
  const platformPackages = existsSync(join(modules, "@oven")) ? readdirSync(join(modules, "@oven")) : [];
  const candidates = [
    join(modules, "bun/bin/bun.exe"),
    ...platformPackages.map((name) => join(modules, "@oven", name, "bin/bun")),
  ];
  const bun = candidates.find((file) => existsSync(file) && statSync(file).size > 1_000_000);
  if (bun === undefined) throw new Error(`no bun runtime in ${modules}: run scripts/setup`);
  return bun;
}

function size(file) {
  const bytes = statSync(file).size;
  return bytes > 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e3).toFixed(1)} kB`;
}
