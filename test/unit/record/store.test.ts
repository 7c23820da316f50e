import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Attachment } from "../../../src/attachment/attachment.ts";
import { attachmentDigest } from "../../../src/attachment/name.ts";
import { formatRecord } from "../../../src/attachment/text.ts";
import { openRecordStore, type RecordStore } from "../../../src/record/store.ts";
import { SystemError } from "../../../src/sys/errno.ts";
import { native } from "../../../src/sys/native.ts";
import { refusal } from "../../support/failure.ts";
import { prefix } from "../../support/ip.ts";
import { onBridge } from "../../support/on-bridge.ts";
import { version1Of } from "../attachment/version-1.ts";
import { podAddress, route } from "../plan/input.ts";
import { recordOf } from "./sample.ts";

let root: string;
let store: RecordStore;
const record = recordOf("c1");
const { key } = record;
/** The record as it stands in its file. */
const FIELDS = JSON.parse(formatRecord(record)) as Record<string, unknown>;
/** The record with another MAC of the pod, as another ADD of the attachment may have written it. */
const another: Attachment = {
  ...record,
  link: { ...record.link, pod: { ...record.link.pod, mac: "0a:00:00:00:00:02" } },
};
const place = (ending: string, of = key): string => join(root, "net", attachmentDigest(of) + ending);

beforeEach(() => {
  root = mkdtempSync("/tmp/record-");
  store = openRecordStore(root);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("an intent is readable at once and becomes the record unchanged", () => {
  using intent = store.createIntent(record);
  expect(store.getRecord(key)).toEqual(record);
  expect(store.isComplete(key)).toBe(false);
  const before = readFileSync(place(".intent"), "utf8");
  expect(intent.complete()).toBe(true);
  expect(readFileSync(place(".json"), "utf8")).toBe(before);
  expect(readdirSync(join(root, "net"))).toEqual([`${attachmentDigest(key)}.json`]);
  expect(store.getRecord(key)).toEqual(record);
  expect(store.isComplete(key)).toBe(true);
});

test("an intent can be extended while its ADD lives, and stays locked", () => {
  using intent = store.createIntent({ ...record, addresses: [], leaseDirectory: undefined });
  const longer: Attachment = {
    ...record,
    leaseDirectory: undefined,
    addresses: [podAddress("10.1.2.3/16 10.1.0.1")],
    masquerade: { backend: "nftables", subnets: [prefix("10.1.0.0/16")] },
    routes: [route("10.9.0.0/16")],
  };
  expect(store.extendIntent(intent, longer)).toBe(true);
  expect(store.getRecord(key)).toEqual(longer);
  expect(store.isAddRunning(key)).toBe(true);
  expect(intent.complete()).toBe(true);
  expect(readFileSync(place(".json"), "utf8")).toBe(formatRecord(longer));
});

test("extending says no when a DEL ran meanwhile, and leaves the intent of another ADD alone", () => {
  using first = store.createIntent({ ...record, addresses: [] });
  store.removeRecord(key);
  expect(store.extendIntent(first, record)).toBe(false);
  using _second = store.createIntent(another);
  expect(store.extendIntent(first, record)).toBe(false);
  expect(store.getRecord(key)?.link.pod.mac).toBe("0a:00:00:00:00:02");
});

test("completing says no when a DEL ran meanwhile", () => {
  using intent = store.createIntent(record);
  expect(store.removeRecord(key)).toBe(true);
  expect(intent.complete()).toBe(false);
  expect(store.getRecord(key)).toBeUndefined();
});

test("an ADD whose intent was replaced neither completes nor abandons the other's", () => {
  using first = store.createIntent(record);
  store.removeRecord(key);
  using second = store.createIntent(another);
  expect(first.complete()).toBe(false);
  first.abandon();
  expect(second.complete()).toBe(true);
  expect(store.getRecord(key)?.link.pod.mac).toBe("0a:00:00:00:00:02");
});

test("an ADD that was told to stop does not complete, and is known as running for as long as it lives", () => {
  const intent = store.createIntent(record);
  for (let times = 0; times < 2; times++) {
    expect(store.stopAdd(key)?.endsWithin(0)).toBe(false);
    expect([
      store.hasRecord(key),
      store.isComplete(key),
      store.isAddRunning(key),
      store.isAddOfDigestRunning("net", attachmentDigest(key)),
    ]).toEqual([true, false, true, true]);
    expect([
      store.getRecord(key),
      store.getRecordOfDigest("net", attachmentDigest(key)),
      store.listRecords("net").records,
    ]).toEqual([record, record, [record]]);
    expect([store.extendIntent(intent, record), intent.complete()]).toEqual([false, false]);
  }
  const stopped = store.stopAdd(key);
  intent.abandon();
  expect(stopped?.endsWithin(0)).toBe(true);
  expect(readdirSync(join(root, "net"))).toEqual([]);
  expect(store.stopAdd(key)).toBeUndefined();
});

test("one that was killed after it was told to stop leaves its record, which goes as any other", () => {
  const intent = store.createIntent(record);
  store.stopAdd(key);
  intent[Symbol.dispose]();
  expect([store.stopAdd(key), store.isAddRunning(key), store.getRecord(key)]).toEqual([
    undefined,
    false,
    record,
  ]);
  expect(store.removeRecord(key)).toBe(true);
  expect(readdirSync(join(root, "net"))).toEqual([]);
});

test("the mark of a restore stays for as long as the record, and goes with it; one of nobody is taken away", () => {
  const marks = (): string[] => readdirSync(join(root, "net")).filter((name) => name.endsWith(".restored"));
  store.createIntent(record).complete();
  store.markRestored(key);
  store.removeStrayMark(key);
  store.removeStrayMarks("net");
  expect([store.hasRestoredMark(key), marks().length]).toEqual([true, 1]);
  store.removeRecord(key);
  expect(marks()).toEqual([]);
  for (const remove of [() => store.removeStrayMark(key), () => store.removeStrayMarks("net")]) {
    store.markRestored(key);
    remove();
    expect(marks()).toEqual([]);
  }
  store.removeStrayMarks("nothing");
});

test("a record that could not be read again is not written: the ADD fails with EFBIG, and nothing is left", () => {
  const pod = "x".repeat(4 * 1024 * 1024);
  expect(() => store.createIntent({ ...record, pod })).toThrow(expect.objectContaining({ errno: 27 }));
  expect(store.hasRecord(key)).toBe(false);
  using intent = store.createIntent({ ...record, pod: pod.slice(4096) });
  expect(store.getRecord(key)?.pod).toHaveLength(pod.length - 4096);
  expect(() => store.extendIntent(intent, { ...record, pod })).toThrow(SystemError);
});

test("an abandoned intent leaves nothing", () => {
  const intent = store.createIntent(record);
  intent.abandon();
  expect(store.hasRecord(key)).toBe(false);
  expect(readdirSync(join(root, "net"))).toEqual([]);
});

test("a running ADD is seen, a second one refused", () => {
  const intent = store.createIntent(record);
  expect(store.isAddRunning(key)).toBe(true);
  expect(() => store.createIntent(record)).toThrow(/EBUSY.*another ADD/);
  intent[Symbol.dispose]();
  expect(store.isAddRunning(key)).toBe(false);
  using next = store.createIntent(record);
  expect(next.complete()).toBe(true);
});

test("the lists of networks are apart, and one without a folder is empty", () => {
  for (const id of ["a", "b"]) store.createIntent(recordOf(id)).complete();
  store.createIntent(recordOf("a", "other")).complete();
  store.createIntent(recordOf("c"))[Symbol.dispose]();
  expect(
    store
      .listRecords("net")
      .records.map((entry) => entry.key.containerId)
      .sort(),
  ).toEqual(["a", "b", "c"]);
  expect(store.listRecords("other").records).toHaveLength(1);
  expect(store.listRecords("nothing")).toEqual({ records: [], unreadable: [] });
});

test("a record of a later version is kept and reported, and goes with the DEL of its key", () => {
  mkdirSync(join(root, "net"));
  writeFileSync(place(".json"), JSON.stringify({ ...FIELDS, version: 3, addresses: { new: "shape" } }));
  const { records, unreadable } = store.listRecords("net");
  expect(records).toEqual([]);
  const later = {
    digest: attachmentDigest(key),
    path: place(".json"),
    reason: "unknownVersion",
    version: "3",
  };
  expect(unreadable).toEqual([later]);
  expect(store.findUnknownVersion(key)).toEqual(later);
  expect(store.getRecord(key)).toBeUndefined();
  expect(store.hasRecord(key)).toBe(true);
  expect(store.removeDamaged(unreadable[0]!)).toBe(false);
  expect(store.removeRecord(key)).toBe(true);
  expect(store.hasRecord(key)).toBe(false);
  expect(store.findUnknownVersion(key)).toBeUndefined();
});

test("a record that is readable or damaged is of no unknown version", () => {
  using _intent = store.createIntent(record);
  expect(store.findUnknownVersion(key)).toBeUndefined();
  writeFileSync(place(".json"), "torn");
  expect(store.findUnknownVersion(key)).toBeUndefined();
});

const CONTENTS = [
  "",
  "{",
  "null",
  "[]",
  "42",
  '"text"',
  "\0\0\0\0",
  "{}",
  '{"version":1}',
  '{"version":"1"}',
  '{"version":2}',
  "\xff\xfe",
  formatRecord(record).slice(0, 100),
  ...[FIELDS, version1Of(record)].flatMap((fields) =>
    Object.keys(fields).flatMap((name) =>
      [null, 7, "text", {}, [null], [{}]].map((value) => JSON.stringify({ ...fields, [name]: value })),
    ),
  ),
];

test("hostile content is no record, or one whose every field has its type; never an exception", () => {
  mkdirSync(join(root, "net"));
  const typed: Attachment[] = [];
  for (const content of CONTENTS) {
    writeFileSync(place(".json"), content);
    const found = store.getRecord(key);
    typed.push(...(found === undefined ? [] : [found]));
    const { records, unreadable } = store.listRecords("net");
    expect(records.length + unreadable.length).toBe(1);
    expect(store.removeRecord(key)).toBe(true);
  }
  // Fields that may be missing, and those whose values are free text, still make records.
  expect(typed.length).toBeGreaterThan(0);
  for (const found of typed) expectTyped(found);
});

test("a question to all records of a network is put to complete ones and to intents, and to no more than needed", () => {
  using _first = store.createIntent(record);
  using second = store.createIntent(recordOf("c2"));
  second.complete();
  writeFileSync(place(".json", recordOf("c3").key), "torn");
  const asked: string[] = [];
  expect(store.hasRecordLike("net", ({ key: { containerId } }) => (asked.push(containerId), false))).toBe(
    false,
  );
  expect(asked.sort()).toEqual(["c1", "c2"]);
  asked.length = 0;
  expect(store.hasRecordLike("net", ({ key: { containerId } }) => (asked.push(containerId), true))).toBe(
    true,
  );
  expect(asked).toHaveLength(1);
  expect(store.hasRecordLike("nowhere", () => true)).toBe(false);
});

test("the mark that another attachment waits for ports goes with a record that nothing is left of, and with the ports", () => {
  const names = (): string[] => readdirSync(join(root, "net"));
  store.createIntent(record).complete();
  store.markShared(key);
  expect(store.hasSharedMark(key)).toBe(true);
  store.removeSharedMark(key);
  expect([store.hasSharedMark(key), names().length]).toEqual([false, 1]);
  store.markShared(key);
  store.removeRecordOfDigest("net", attachmentDigest(key));
  expect(names()).toEqual([]);
  store.markShared(key);
  expect(names()).toEqual([]);
});

test("no mark is written through a link", () => {
  store.createIntent(record).complete();
  for (const [ending, leave] of [
    [".shared", () => store.markShared(key)],
    [".restored", () => store.markRestored(key)],
  ] as const) {
    symlinkSync(join(root, "target"), place(ending));
    expect(refusal(leave).errno).toBe(40);
  }
  expect(readdirSync(root)).toEqual(["net"]);
});

test("the mark of an attachment whose rules were put back is no record, and goes with the record", () => {
  using intent = store.createIntent(record);
  intent.complete();
  expect(store.hasRestoredMark(key)).toBe(false);
  store.markRestored(key);
  store.markRestored(key);
  expect(store.listRecords("net")).toMatchObject({ records: [{ key }], unreadable: [] });
  expect(store.hasRestoredMark(key)).toBe(true);
  store.removeRecord(key);
  expect(readdirSync(join(root, "net"))).toEqual([]);
});

test.each([
  ["iptables", true],
  ["ebtables", false],
  [5, false],
])("a record whose masqueradeBackend is %j is readable: %j", (masqueradeBackend, isReadable) => {
  mkdirSync(join(root, "net"));
  const whole = { ...record, masquerade: { backend: "nftables" as const, subnets: [prefix("10.1.0.0/16")] } };
  for (const fields of [
    { ...version1Of(whole), masqueradeBackend },
    { ...FIELDS, masquerade: { backend: masqueradeBackend, subnets: ["10.1.0.0/16"] } },
  ]) {
    writeFileSync(place(".json"), JSON.stringify(fields));
    expect(store.getRecord(key)?.masquerade?.backend).toBe(isReadable ? masqueradeBackend : undefined);
    expect(store.getRecord(key) !== undefined).toBe(isReadable);
  }
});

test("a record under another's name is damaged, so that no DEL frees a stranger's address", () => {
  mkdirSync(join(root, "net"));
  writeFileSync(place(".json"), formatRecord(recordOf("stranger")));
  expect(store.getRecord(key)).toBeUndefined();
  const { unreadable } = store.listRecords("net");
  expect(unreadable.map(({ reason }) => reason)).toEqual(["damaged"]);
  expect(store.removeDamaged(unreadable[0]!)).toBe(true);
});

test("a file whose name is no digest is none of the records, whatever is in it", () => {
  mkdirSync(join(root, "net"));
  for (const text of ["torn", formatRecord(record)])
    for (const name of [`${"z".repeat(32)}.json`, `${"a".repeat(33)}.json`, "a.intent", "readme"]) {
      writeFileSync(join(root, "net", name), text);
      expect(store.listRecords("net")).toEqual({ records: [], unreadable: [] });
    }
});

test("records are listed with the time when their ADD ended, and without one before that", () => {
  using intent = store.createIntent(record);
  expect(store.listDatedRecords("net").records).toEqual([{ attachment: record, completedAt: undefined }]);
  intent.complete();
  const completedAt = Math.floor(statSync(place(".json")).mtimeMs);
  expect(store.listDatedRecords("net").records).toEqual([{ attachment: record, completedAt }]);
  expect(store.completedAt(key)).toBe(completedAt);
});

test("a readable intent counts beside a damaged record", () => {
  store.createIntent(record)[Symbol.dispose]();
  writeFileSync(place(".json"), "torn");
  expect(store.getRecord(key)).toEqual(record);
  expect(store.listRecords("net").records).toEqual([record]);
});

test("folders, links and pipes in the place of files: an answer or a SystemError, and no waiting", () => {
  mkdirSync(join(root, "net"));
  mkdirSync(place(".json"));
  mkdirSync(place(".intent"));
  expect(store.getRecord(key)).toBeUndefined();
  expect(store.listRecords("net").unreadable).toHaveLength(2);
  expect(store.isAddRunning(key)).toBe(false);
  expect(() => store.removeRecord(key)).toThrow(SystemError);
  expect(() => store.createIntent(record)).toThrow(SystemError);
  const other = recordOf("c2");
  const outside = join(root, "outside");
  symlinkSync(outside, place(".intent", other.key));
  using intent = store.createIntent(other);
  expect(intent.complete()).toBe(true);
  expect(readdirSync(root)).toEqual(["net"]);
  symlinkSync(place(".json", recordOf("c3").key), place(".json", recordOf("c3").key));
  expect(store.getRecord(recordOf("c3").key)).toBeUndefined();
  expect(spawnSync("mkfifo", [place(".json", recordOf("c4").key)]).status).toBe(0);
  expect(store.getRecord(recordOf("c4").key)).toBeUndefined();
});

test("a file in the place of a folder is a SystemError that says where", () => {
  writeFileSync(join(root, "net"), "");
  expect(() => store.createIntent(record)).toThrow(SystemError);
  expect(store.getRecord(key)).toBeUndefined();
  expect(store.removeRecord(key)).toBe(false);
});

test.each(["", ".", "..", "a/b", "../x", ".hidden", "a\0b"])("network name %j leads nowhere", (network) => {
  expect(() => store.createIntent({ ...record, key: { ...key, network } })).toThrow(SystemError);
});

function expectTyped(found: Attachment): void {
  const { host, namespace, link, addresses } = onBridge(found);
  expect(typeof link.mtu).toBe("number");
  for (const text of [
    link.bridge.name,
    link.gatewayInterface,
    link.host.name,
    link.host.mac,
    link.pod.mac,
    host.bootId,
    namespace.cookie,
  ])
    expect(typeof text).toBe("string");
  for (const text of [found.pod, found.leaseDirectory])
    expect(["string", "undefined"]).toContain(typeof text);
  for (const { address } of addresses) expect(typeof address.address.value).toBe("bigint");
}

test("an ADD that completes while the records are listed is not missed", () => {
  using intent = store.createIntent(record);
  const { getdents64 } = native;
  using _completing = vi.spyOn(native, "getdents64").mockImplementation((...of) => {
    const count = getdents64(...of);
    if (count === 0) intent.complete();
    return count;
  });
  expect(store.listRecords("net").records).toEqual([record]);
});
