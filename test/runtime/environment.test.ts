// A container runtime hands its whole environment and its working directory to the plugin. Neither may make something
// else of the executable: the JavaScript runtime inside listens to variables and files of its own, unless it is built
// not to (docs/decisions/0001-runtime-environment.md).
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Outcome, run } from "../support/process.ts";
import { SYSTEM_PATH } from "../support/tool.ts";
import { pluginBinary } from "../support/world.ts";

const folder = mkdtempSync(join(tmpdir(), "pontoon-environment-"));
const intruder = join(folder, "intruder.js");

/** Each of these changes what an executable made with bun does, says or writes, as long as it listens. */
const VARIABLES = [
  "BUN_BE_BUN=1",
  `BUN_OPTIONS=--preload=${intruder}`,
  "BUN_OPTIONS=--version",
  `BUN_OPTIONS=--cpu-prof --cpu-prof-dir=${folder}`,
  "BUN_INSPECT=garbage",
  `BUN_BYTECODE_ORDER_OUT=${folder}/order`,
  `BUN_BYTECODE_DIGEST_OUT=${folder}/digest`,
  "BUN_JSC_noSuchOption=1",
  "BUN_JSC_useJIT=0",
  "BUN_JSC_dumpOptions=1",
  "JavaScriptCoreUseJIT=0",
  "JSC_SIGNAL_FOR_GC=0",
  "MIMALLOC_VERBOSE=1",
  "NODE_CHANNEL_FD=no-number",
  "SIMDUTF_FORCE_IMPLEMENTATION=none",
  "WTF_numberOfProcessorCores=many",
  // These say and write nothing even where they are listened to; here they are watched, so that a new version of the
  // runtime cannot change that.
  "BUN_CONFIG_FILE=/proc/self/environ",
  "BUN_DEBUG=1",
  `BUN_INSPECT_CONNECT_TO=${folder}/socket`,
  "BUN_INSPECT_PRELOAD=/proc/self/environ",
  "NODE_DEBUG=*",
  "NODE_EXTRA_CA_CERTS=/proc/self/environ",
  `NODE_OPTIONS=--require=${intruder}`,
  "NODE_V8_COVERAGE=/proc/self",
];

let undisturbed: Outcome;

beforeAll(async () => {
  writeFileSync(intruder, 'console.log("the intruder was here");');
  undisturbed = await version({});
  expect(JSON.parse(undisturbed.stdout)).toHaveProperty("supportedVersions");
});

afterEach(() => {
  for (const file of intruded()) rmSync(join(folder, file), { recursive: true });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

for (const variable of VARIABLES) {
  test(`${variable.replace(folder, "…")} in the caller's environment changes nothing`, async () => {
    const equals = variable.indexOf("=");
    expect(await version({ [variable.slice(0, equals)]: variable.slice(equals + 1) })).toEqual(undisturbed);
    expect(intruded()).toEqual([]);
  });
}

test("files of the working directory that the runtime would read change nothing", async () => {
  const directory = mkdtempSync(join(folder, "cwd-"));
  writeFileSync(join(directory, ".env"), "BUN_OPTIONS=--version\nCNI_COMMAND=ADD\n");
  writeFileSync(join(directory, "bunfig.toml"), `preload = ["${intruder}"]\n`);
  writeFileSync(join(directory, "package.json"), "no JSON");
  writeFileSync(join(directory, "tsconfig.json"), "no JSON");
  const command = (cwd: string) => ["env", `--chdir=${cwd}`, pluginBinary()];
  const about = await run(command("/"), { env: { PATH: SYSTEM_PATH } });
  const there = await run(command(directory), { env: { PATH: SYSTEM_PATH } });
  expect({ ...there, command: "" }).toEqual({ ...about, command: "" });
});

/** Files that somebody but this test wrote. */
function intruded(): string[] {
  return readdirSync(folder).filter((file) => file !== "intruder.js");
}

async function version(env: Record<string, string>): Promise<Outcome> {
  return run([pluginBinary()], { env: { CNI_COMMAND: "VERSION", PATH: SYSTEM_PATH, ...env } });
}
