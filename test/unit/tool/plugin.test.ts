import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findProgram } from "../../../src/tool/path.ts";
import { findPlugin, isThisProgram } from "../../../src/tool/plugin.ts";

let folder: string;
const at = (name: string): string => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync("/tmp/plugins-");
  mkdirSync(at("one"));
  mkdirSync(at("two/static"), { recursive: true });
  mkdirSync(at("three"));
  writeFileSync(at("one/other"), "");
  writeFileSync(at("three/static"), "");
  symlinkSync("../three/static", at("one/linked"));
  symlinkSync("nowhere", at("one/dangling"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each<[string, string, string | undefined]>([
  [
    "the first directory that has a file of that name wins, a directory of that name does not count",
    "static",
    "three/static",
  ],
  ["a link to a file counts", "linked", "one/linked"],
  ["a link to nothing does not", "dangling", undefined],
  ["what is nowhere is undefined", "dhcp", undefined],
  ["an empty name is", "", undefined],
  ["and so is one that leads elsewhere", "../three/static", undefined],
])("%s", (_, name, found) => {
  const directories = [at("zero"), at("one"), at("two"), at("three")];
  expect(findPlugin(name, directories)).toBe(found === undefined ? undefined : at(found));
});

test("an absolute path means exactly that file", () => {
  expect(findPlugin(at("three/static"), [])).toBe(at("three/static"));
  expect(findPlugin(at("two/static"), [at("three")])).toBeUndefined();
});

test("a program is looked for in the absolute folders of PATH, never below the working directory", () => {
  writeFileSync(at("one/tool"), "");
  const fromHere = relative(process.cwd(), at("one"));
  expect(findProgram(["tool"], `${fromHere}:${at("one")}`)).toBe(at("one/tool"));
  expect(findProgram(["tool"], `${fromHere}::.`)).toBeUndefined();
  // Of several names the first one that is anywhere counts.
  expect(findProgram(["none", "other", "tool"], `${at("three")}:${at("one")}`)).toBe(at("one/other"));
});

test("the program that runs now is known by its file, not by its name", () => {
  symlinkSync(process.execPath, at("myself"));
  expect(isThisProgram(at("myself"))).toBe(true);
  expect(isThisProgram(at("one/other"))).toBe(false);
  expect(isThisProgram(at("nothing"))).toBe(false);
});
