#!/usr/bin/env node
// Plays the fuzz of the native functions, of stdin and of foreign answers, and whole lives of pods, with an
// executable whose C part is watched by AddressSanitizer. `scripts/test --asan` calls it.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { READ_ONLY } from "../test/reliability/read-only.ts";
import { bundleSource } from "./bundle.mjs";
import { compileSanitizedEngine } from "./engine.mjs";

/** Calls of native functions, in rounds with a seed each. */
const [ROUNDS, CALLS] = [25, 20_000];

/**
 * Options of AddressSanitizer. What is in use at the end is left to the kernel, as in the real executable; a
 * finding has a status of its own.
 */
const OPTIONS = "detect_leaks=0:verify_asan_link_order=0:exitcode=99:allocator_may_return_null=1";

const LIVES = ["test/plugin/leftovers.test.ts", "test/plugin/killed-step.test.ts"];
const PARTS = ["fuzz-input", "fuzz-foreign"];

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, ".tools/sanitized");
mkdirSync(folder, { recursive: true });
const engine = compileSanitizedEngine(root);
// A name that C code has where its reads are watched.
if (!readFileSync(engine).includes("__asan_report_load8")) throw new Error(`${engine} is not watched`);
const plugin = await executable("plugin", "src/main.ts");
const fuzz = await executable("native-fuzz", "test/runtime/program/native-fuzz.ts");

for (let round = 0; round < ROUNDS; round++) fuzzNatives(2 * round + 1);
console.log(`native functions: ${ROUNDS * CALLS} calls, nothing found`);
run(["node_modules/vitest/vitest.mjs", "run", ...LIVES]);
for (const part of PARTS) run(["test/reliability/main.ts", "--seconds", "60", part]);
console.log("AddressSanitizer found nothing");

/**
 * A round of calls. No file can be written, and no interface is there.
 * @param {number} seed
 */
function fuzzNatives(seed) {
  const command = [
    "--net",
    "--mount",
    "sh",
    "-c",
    `${READ_ONLY}\nexec "$@"`,
    "sh",
    fuzz,
    String(seed),
    String(CALLS),
  ];
  const said = execFileSync("unshare", command, {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  }).toString();
  if (!said.endsWith(" functions\n")) throw new Error(`seed ${seed} did not come to its end: ${said}`);
}

/**
 * Runs tests with the watched executable in the place of dist/pontoon. Their failure ends the process.
 * @param {string[]} args
 */
function run(args) {
  const env = { ...process.env, PONTOON_BINARY: plugin, PONTOON_SLOWNESS: "5" };
  try {
    execFileSync(process.execPath, args, { cwd: root, env, stdio: ["ignore", "inherit", "inherit"] });
  } catch {
    console.error(`scripts/test --asan: ${args.join(" ")} failed`);
    process.exit(1);
  }
}

/**
 * Makes a program of the watched engine and a module; gives its path.
 * @param {string} name
 * @param {string} entry
 */
async function executable(name, entry) {
  const bundle = join(folder, `${name}.mjs`);
  // In one piece: nothing lies packed behind an image.
  await bundleSource(join(root, entry), bundle, []);
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\nPONTOON_BUNDLE=${bundle} ASAN_OPTIONS=${OPTIONS} exec ${engine} "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}
