import { mkdtempSync, rmSync } from "node:fs";
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
