import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { markBootSwept, needsBootSweep } from "../../../src/record/boot-marker.ts";
import { openRecordStore } from "../../../src/record/store.ts";
import { HOST, recordOf } from "./sample.ts";

const root = mkdtempSync("/tmp/marker-");
const store = openRecordStore(root);
const SWEPT = { records: store, network: "net", directory: "/leases" };
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("a sweep is needed once per boot, host, network and lease directory", () => {
  expect(needsBootSweep(SWEPT, HOST)).toBe(true);
  markBootSwept(SWEPT, HOST);
  expect(needsBootSweep(SWEPT, HOST)).toBe(false);
  expect(needsBootSweep({ ...SWEPT, directory: "/elsewhere" }, HOST)).toBe(true);
  expect(needsBootSweep({ ...SWEPT, network: "other" }, HOST)).toBe(true);
  expect(needsBootSweep(SWEPT, { ...HOST, bootId: "another" })).toBe(true);
  expect(needsBootSweep(SWEPT, { ...HOST, hostCookie: "1" })).toBe(true);
  markBootSwept(SWEPT, { ...HOST, hostCookie: "1" });
  expect(needsBootSweep(SWEPT, HOST)).toBe(true);
});

test("the marker is no record", () => {
  markBootSwept(SWEPT, HOST);
  store.createIntent(recordOf("c1")).complete();
  expect(store.listRecords("net")).toMatchObject({ records: [{}], unreadable: [] });
});

test("a marker that is written in part is none, and nothing else is left", () => {
  markBootSwept(SWEPT, HOST);
  const [name = ""] = readdirSync(`${root}/net`);
  const path = `${root}/net/${name}`;
  const text = readFileSync(path, "utf8");
  for (let length = 0; length < text.length; length++) {
    writeFileSync(path, text.slice(0, length));
    expect(needsBootSweep(SWEPT, HOST)).toBe(true);
  }
  // Earlier releases wrote under this name first.
  writeFileSync(`${path}.new`, "");
  markBootSwept(SWEPT, HOST);
  expect(readdirSync(`${root}/net`)).toEqual([name]);
});

test("a link in the place of the marker is replaced, and what it leads to stays as it was", () => {
  markBootSwept(SWEPT, HOST);
  const [name = ""] = readdirSync(`${root}/net`);
  writeFileSync(`${root}/victim`, "mine");
  for (const planted of [name, `${name}.new`]) {
    rmSync(`${root}/net/${planted}`, { force: true });
    symlinkSync(`${root}/victim`, `${root}/net/${planted}`);
  }
  markBootSwept(SWEPT, HOST);
  expect(readFileSync(`${root}/victim`, "utf8")).toBe("mine");
  expect(needsBootSweep(SWEPT, HOST)).toBe(false);
});
