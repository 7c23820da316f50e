// Network lists as libcni reads them.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { findNetworkList, parseNetworkList, readNetworkList } from "../../../src/runtime/network-list.ts";

const folder = mkdtempSync(join(tmpdir(), "lists-"));
afterAll(() => rmSync(folder, { recursive: true }));

const LIST = { name: "pods", cniVersion: "1.0.0", plugins: [{ type: "one" }] };
const put = (name: string, value: unknown): string => {
  writeFileSync(join(folder, name), typeof value === "string" ? value : JSON.stringify(value));
  return join(folder, name);
};

test.each([
  [{ cniVersion: "0.4.0" }, "0.4.0"],
  [{ cniVersion: "0.4.0", cniVersions: ["1.1.0", "1.0.0"] }, "1.1.0"],
  [{ cniVersion: "1.1.0", cniVersions: ["0.4.0"] }, "1.1.0"],
  [{ cniVersion: "1.0.0", cniVersions: ["2.0.0"] }, "1.0.0"],
  [{ cniVersion: undefined, cniVersions: ["0.3.1", "0.4.0"] }, "0.4.0"],
  [{ cniVersion: undefined }, ""],
])("%j: the version of the calls is %j", (versions, version) => {
  expect(parseNetworkList(JSON.stringify({ ...LIST, ...versions })).cniVersion).toBe(version);
});

test("flags may be texts, and a wrong one is an error", () => {
  const flags = { disableCheck: "TRUE", disableGC: true };
  expect(parseNetworkList(JSON.stringify({ ...LIST, ...flags }))).toMatchObject({
    disableCheck: true,
    disableGc: true,
  });
  expect(() => parseNetworkList(JSON.stringify({ ...LIST, disableGC: 1 }))).toThrow("must be true or false");
});

test.each([
  ["[]", "it is no network configuration"],
  ["{", "unexpected end"],
  [{ ...LIST, name: "../etc" }, "is no network's name"],
  [{ ...LIST, name: undefined }, "it has no name"],
  [{ ...LIST, plugins: [] }, "plugins: must be a list"],
  [{ ...LIST, plugins: [{}] }, "plugins[0]: names no plugin"],
  [{ ...LIST, plugins: undefined, loadOnlyInlinedPlugins: true }, "there are no plugins"],
  [{ ...LIST, cniVersion: 1 }, "cniVersion: must be a text"],
])("%j is refused with the file's name", (value, sentence) => {
  const path = put("bad.conflist", value);
  expect(() => readNetworkList(path)).toThrow(sentence);
  expect(() => readNetworkList(path)).toThrow("bad.conflist");
});

test("plugins in files of the network's folder come behind those of the list, unless it says otherwise", () => {
  mkdirSync(join(folder, "pods"), { recursive: true });
  put("pods/2.conf", { type: "three" });
  put("pods/1.conf", { type: "two" });
  const typesOf = (path: string) => readNetworkList(path).plugins.map(({ type }) => type);
  expect(typesOf(put("a.conflist", LIST))).toEqual(["one", "two", "three"]);
  expect(typesOf(put("a.conflist", { ...LIST, loadOnlyInlinedPlugins: true }))).toEqual(["one"]);
});

test("a name is looked for in lists first, then in single configurations, past broken files", () => {
  put("0.conflist", "{");
  put("1.conf", { name: "single", cniVersion: "0.4.0", type: "one" });
  put("z.conflist", { ...LIST, name: "single", plugins: [{ type: "of the list" }] });
  expect(findNetworkList(folder, "single").plugins).toMatchObject([{ type: "of the list" }]);
  rmSync(join(folder, "z.conflist"));
  expect(findNetworkList(folder, "single")).toMatchObject({
    cniVersion: "0.4.0",
    plugins: [{ type: "one" }],
  });
  expect(() => findNetworkList(folder, "nobody")).toThrow('there is no network "nobody"');
});
