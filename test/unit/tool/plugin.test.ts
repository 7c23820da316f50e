import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
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
  ["the first directory that has a file of that name wins, a directory of that name does not count", "static", "three/static"],
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

test("the program that runs now is known by its file, not by its name", () => {
  symlinkSync(process.execPath, at("myself"));
  expect(isThisProgram(at("myself"))).toBe(true);
  expect(isThisProgram(at("one/other"))).toBe(false);
  expect(isThisProgram(at("nothing"))).toBe(false);
});
