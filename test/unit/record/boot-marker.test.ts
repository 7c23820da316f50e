import { mkdtempSync, rmSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { markBootSwept, needsBootSweep } from "../../../src/record/boot-marker.ts";
import { openRecordStore } from "../../../src/record/store.ts";
import { HOST, recordOf } from "./sample.ts";

const root = mkdtempSync("/tmp/marker-");
const store = openRecordStore(root);
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("a sweep is needed once per boot, host, network and lease directory", () => {
  expect(needsBootSweep(store, "net", "/leases", HOST)).toBe(true);
  markBootSwept(store, "net", "/leases", HOST);
  expect(needsBootSweep(store, "net", "/leases", HOST)).toBe(false);
  expect(needsBootSweep(store, "net", "/elsewhere", HOST)).toBe(true);
  expect(needsBootSweep(store, "other", "/leases", HOST)).toBe(true);
  expect(needsBootSweep(store, "net", "/leases", { ...HOST, bootId: "another" })).toBe(true);
  expect(needsBootSweep(store, "net", "/leases", { ...HOST, hostCookie: "1" })).toBe(true);
  markBootSwept(store, "net", "/leases", { ...HOST, hostCookie: "1" });
  expect(needsBootSweep(store, "net", "/leases", HOST)).toBe(true);
});

test("the marker is no record", () => {
  markBootSwept(store, "net", "/leases", HOST);
  store.createIntent(recordOf("c1")).complete();
  expect(store.listRecords("net")).toMatchObject({ records: [{}], unreadable: [] });
});
