// The plugin in the runtime's folder: what a removal takes, and what it leaves.
import { createHash } from "node:crypto";
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Plugin, removePlugin } from "../../agent/install.ts";
import { Executable } from "../../agent/node/executable.ts";
import { pluginBinary } from "../support/world.ts";

let folder: string;
let executable: Executable;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pontoon-install-"));
  mkdirSync(join(folder, "net.d"));
  executable = new Executable(pluginBinary(), join(folder, "net.d"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const has = (name: string): boolean => existsSync(join(folder, name));

test("what this agent installed is there until somebody takes it, and goes with its link", async () => {
  const plugin = new Plugin(executable, { binDir: `${folder}/`, confDir: join(folder, "net.d") });
  expect(await plugin.isThere()).toBe(false);
  await plugin.install();
  expect([await plugin.isThere(), has("pontoon"), has("loopback")]).toEqual([true, true, true]);
  expect(await removePlugin(executable, `${folder}/`)).toEqual([
    `${folder}/loopback: removed`,
    `${folder}/pontoon: removed`,
  ]);
  expect(await plugin.isThere()).toBe(false);
  expect([has("pontoon"), has("loopback"), has(".pontoon.agent")]).toEqual([false, false, false]);
  expect(await removePlugin(executable, folder)).toEqual([]);
});

test("what an agent of another version installed goes as well, by its mark", async () => {
  await new Plugin(executable, { binDir: folder, confDir: join(folder, "net.d") }).install();
  const other = new Executable(join(folder, "next"), folder);
  writeFileSync(other.path, "the next version");
  expect(await removePlugin(other, folder)).toContain(`${folder}/pontoon: removed`);
});

test("marks are hashes, and the last twenty of them", async () => {
  const hash = (data: string | Buffer): string => createHash("sha256").update(data).digest("hex");
  const old = Array.from({ length: 30 }, (_, at) => hash(`${at}`));
  writeFileSync(join(folder, ".pontoon.agent"), `${old.join("\n")}\nno hash\n`);
  await new Plugin(executable, { binDir: folder, confDir: join(folder, "net.d") }).install();
  const marks = readFileSync(join(folder, ".pontoon.agent"), "utf8").trim().split("\n");
  expect(marks).toEqual([...old.slice(-19), hash(readFileSync(pluginBinary()))]);
});

test("a plugin that no agent has installed stays, with its link", async () => {
  writeFileSync(join(folder, "pontoon"), "of others");
  symlinkSync("pontoon", join(folder, "loopback"));
  expect(await removePlugin(executable, folder)).toEqual([
    `${folder}/pontoon: kept, no agent has installed it`,
  ]);
  expect([has("pontoon"), has("loopback")]).toEqual([true, true]);
});

test.each([
  ["a file", (path: string) => writeFileSync(path, "of others")],
  ["a link to another", (path: string) => symlinkSync("bridge", path)],
] as const)("the loopback of others, as %s, stays", async (_, make) => {
  await new Plugin(executable, { binDir: folder, confDir: join(folder, "net.d") }).install();
  rmSync(join(folder, "loopback"));
  writeFileSync(join(folder, "bridge"), "of others");
  make(join(folder, "loopback"));
  expect(await removePlugin(executable, folder)).toEqual([`${folder}/pontoon: removed`]);
  expect(has("loopback")).toBe(true);
});

test("a loopback that is the plugin's own file goes", async () => {
  await new Plugin(executable, { binDir: folder, confDir: join(folder, "net.d") }).install();
  rmSync(join(folder, "loopback"));
  linkSync(join(folder, "pontoon"), join(folder, "loopback"));
  expect(await removePlugin(executable, folder)).toContain(`${folder}/loopback: removed`);
});
