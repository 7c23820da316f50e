import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { expect, test } from "vitest";
import { attachmentDigest } from "../../../src/attachment/name.ts";
import { parseAddress } from "../../../src/ip/address.ts";
import { failure } from "../../support/failure.ts";
import { podAddress } from "../plan/input.ts";
import { HOST } from "../record/sample.ts";
import { keyOf, poolForEachTest, range, SIX } from "./pool.ts";

const FEW = range("10.1.2.0/24", "10.1.2.10", "10.1.2.13", "10.1.2.1");
const NEXT_BOOT = { ...HOST, bootId: "next" };

const pool = poolForEachTest([FEW]);

const ids = (): string[] =>
  pool.records
    .listRecords("net")
    .records.map(({ key }) => key.containerId)
    .sort();

test("after a reboot the first ADD frees what died with it, and leases without a record stay", () => {
  for (const id of ["a", "b", "c"]) pool.add(id);
  pool.records.markRestored(keyOf("a"));
  pool.records.markShared(keyOf("a"));
  pool.put("10.1.2.13", "hostlocals\r\neth0");
  expect(pool.add("new", {}, NEXT_BOOT)).toEqual(["10.1.2.10"]);
  expect(pool.leases()).toEqual(["10.1.2.10", "10.1.2.13"]);
  expect(ids()).toEqual(["new"]);
  const marks = readdirSync(pool.records.directory("net")).filter((name) =>
    /\.(restored|shared)$/.test(name),
  );
  expect(marks).toEqual([]);
});

test("a host namespace that lives beside ours on the same files keeps its pods", () => {
  pool.add("theirs");
  expect(pool.add("ours", {}, { ...HOST, hostCookie: "another" })).toEqual(["10.1.2.11"]);
  expect(pool.leases()).toEqual(["10.1.2.10", "10.1.2.11"]);
  expect(ids()).toEqual(["ours", "theirs"]);
});

test("a host namespace that was replaced leaves nothing", () => {
  pool.add("gone");
  pool.add("new", { isDead: () => true }, { ...HOST, hostCookie: "another" });
  expect(pool.leases()).toEqual(["10.1.2.11"]);
  expect(ids()).toEqual(["new"]);
});

test("the sweep looks at an address again before it frees it", () => {
  pool.add("a");
  pool.put("10.1.2.10", "other\r\neth0");
  pool.add("new", {}, NEXT_BOOT);
  expect(pool.leases()).toEqual(["10.1.2.10", "10.1.2.11"]);
  expect(pool.read("10.1.2.10")).toBe("other\r\neth0");
});

test("the sweep happens once per boot: records that come later are not looked at", () => {
  pool.add("a", {}, NEXT_BOOT);
  pool.records.createIntent(pool.recordOf("old", [])).complete();
  pool.add("b", {}, NEXT_BOOT);
  expect(ids()).toEqual(["a", "b", "old"]);
});

test("an ADD that runs in another host namespace keeps its intent", () => {
  using _intent = pool.records.createIntent(pool.recordOf("running", []));
  pool.add("a", {}, NEXT_BOOT);
  expect(ids()).toEqual(["a", "running"]);
});

test("a record of another lease directory is not of this pool", () => {
  pool.records.createIntent({ ...pool.recordOf("elsewhere", []), leaseDirectory: "/elsewhere" }).complete();
  pool.add("a", {}, NEXT_BOOT);
  expect(ids()).toEqual(["a", "elsewhere"]);
});

test("the same id after a reboot is no duplicate", () => {
  pool.add("a");
  expect(pool.add("a", {}, NEXT_BOOT)).toEqual(["10.1.2.11"]);
  expect(pool.leases()).toEqual(["10.1.2.11"]);
});

test("a record that a power loss emptied still frees its leases", () => {
  pool.rangeSets = [[FEW], [SIX]];
  pool.add("a");
  pool.add("b");
  const path = `${pool.records.root}/net/${attachmentDigest(keyOf("a"))}.json`;
  truncateSync(path);
  pool.add("new", {}, NEXT_BOOT);
  expect(existsSync(path)).toBe(false);
  expect(pool.leases()).toEqual(["10.1.2.12", "fd00::4"]);
});

test("a record of a later Pontoon survives the sweep with its leases", () => {
  pool.add("a");
  const path = `${pool.records.root}/net/${attachmentDigest(keyOf("a"))}.json`;
  writeFileSync(path, readFileSync(path, "utf8").replace('"version": 2', '"version": 9'));
  pool.add("new", {}, NEXT_BOOT);
  expect(existsSync(path)).toBe(true);
  expect(pool.leases()).toContain("10.1.2.10");
});

test("a full pool takes back what dead attachments hold: rules first, then the address", () => {
  for (const id of ["a", "b", "c", "d"]) pool.add(id);
  const discarded: [string, string[]][] = [];
  const callbacks = {
    isDead: ({ key }: { key: { containerId: string } }) => key.containerId === "c",
    discard: ({ key }: { key: { containerId: string } }) =>
      void discarded.push([key.containerId, pool.leases()]),
  };
  expect(pool.add("e", callbacks)).toEqual(["10.1.2.12"]);
  expect(discarded).toEqual([["c", ["10.1.2.10", "10.1.2.11", "10.1.2.12", "10.1.2.13"]]]);
  expect(ids()).toEqual(["a", "b", "d", "e"]);
});

test("an attachment whose rules stay keeps its address, and the refusal says why", () => {
  for (const id of ["a", "b", "c", "d"]) pool.add(id);
  const discard = (): void => {
    throw new Error("rules are stuck");
  };
  expect(() => pool.add("e", { isDead: ({ key }) => key.containerId === "c", discard })).toThrow(
    expect.objectContaining({ details: expect.stringContaining("(network net, eth0): rules are stuck") }),
  );
  expect(ids()).toEqual(["a", "b", "c", "d"]);
});

test("an ADD that is running is not taken for dead", () => {
  for (const id of ["a", "b", "c"]) pool.add(id);
  pool.put("10.1.2.13", "running\r\neth0");
  using _intent = pool.records.createIntent(pool.recordOf("running", [podAddress("10.1.2.13/24")]));
  const asked: string[] = [];
  expect(() => pool.add("e", { isDead: ({ key }) => (asked.push(key.containerId), false) })).toThrow(
    "no IP addresses available",
  );
  expect(asked.sort()).toEqual(["a", "b", "c"]);
});

test("an address that is asked for is taken back from a dead holder, and from no other", () => {
  for (const id of ["a", "b"]) pool.add(id);
  pool.put("10.1.2.12", "elsewhere\r\neth0");
  const ask = (text: string) => ({
    requested: [parseAddress(text)!],
    isDead: ({ key }: { key: { containerId: string } }) => key.containerId !== "b",
  });
  expect(pool.add("e", ask("10.1.2.10"))).toEqual(["10.1.2.10"]);
  expect(() => pool.add("f", ask("10.1.2.11"))).toThrow(
    expect.objectContaining({ details: expect.stringContaining("(network net, eth0) has it") }),
  );
  expect(() => pool.add("f", ask("10.1.2.12"))).toThrow(
    expect.objectContaining({
      details: expect.stringContaining("container elsewhere (network net, eth0) has it"),
    }),
  );
  expect(ids()).toEqual(["b", "e"]);
  expect(pool.read("10.1.2.12")).toContain("elsewhere");
});

test("an address that is asked for stays with an ADD that is running", () => {
  pool.put("10.1.2.13", "running\r\neth0");
  using _intent = pool.records.createIntent(pool.recordOf("running", [podAddress("10.1.2.13/24")]));
  expect(() => pool.add("e", { requested: [parseAddress("10.1.2.13")!], isDead: () => true })).toThrow(
    expect.objectContaining({ details: expect.stringContaining("(network net, eth0) has it") }),
  );
  expect(ids()).toEqual(["running"]);
  expect(pool.read("10.1.2.13")).toBe("running\r\neth0");
});

test("a full pool leaves dead attachments of another lease directory alone: their addresses are there", () => {
  pool.records
    .createIntent({
      ...pool.recordOf("elsewhere", [podAddress("10.1.2.10/24")]),
      leaseDirectory: "/elsewhere",
    })
    .complete();
  for (const id of ["a", "b", "c", "d"]) pool.add(id);
  const discarded: string[] = [];
  expect(() =>
    pool.add("e", {
      isDead: ({ key }) => key.containerId === "elsewhere",
      discard: ({ key }) => void discarded.push(key.containerId),
    }),
  ).toThrow("no IP addresses available");
  expect(discarded).toEqual([]);
  expect(ids()).toEqual(["a", "b", "c", "d", "elsewhere"]);
});

test("a full pool frees garbage that stands in the place of leases", () => {
  const wide = range("10.1.0.0/16", "10.1.0.10", "10.1.0.109", "10.1.0.1");
  pool.rangeSets = [[wide]];
  for (let at = 10; at < 110; at++) pool.put(`10.1.0.${at}`, at === 77 ? "{garbage}" : `c${at}\r\neth0`);
  expect(pool.add("e")).toEqual(["10.1.0.77"]);
});

test("the last free address of a wide pool is found among taken ones", () => {
  const wide = range("10.1.0.0/16", "10.1.0.10", "10.1.3.250", "10.1.0.1");
  pool.rangeSets = [[wide]];
  for (let at = 10; at <= 3 * 256 + 250; at++)
    if (at !== 555) pool.put(`10.1.${at >> 8}.${at & 255}`, `c${at}\r\neth0`);
  expect(pool.add("e")).toEqual(["10.1.2.43"]);
});

test("the sweep removes the intent of an ADD that died before it wrote it, and leaves one that is being written", () => {
  const pathOf = (id: string): string => `${pool.records.root}/net/${attachmentDigest(keyOf(id))}.intent`;
  mkdirSync(`${pool.records.root}/net`, { recursive: true });
  writeFileSync(pathOf("dead"), "");
  using _intent = pool.records.createIntent(pool.recordOf("running", []));
  truncateSync(pathOf("running"));
  pool.add("new", {}, NEXT_BOOT);
  expect([existsSync(pathOf("dead")), existsSync(pathOf("running"))]).toEqual([false, true]);
});

test("a link in the place of the lock is refused, in the place of a hint it is not followed", () => {
  const victim = `${pool.root}/victim`;
  pool.add("a");
  writeFileSync(victim, "::ffff:10.1.2.10");
  const plant = (name: string): void => {
    unlinkSync(`${pool.directory}/${name}`);
    symlinkSync(victim, `${pool.directory}/${name}`);
  };
  plant("last_reserved_ip.0");
  pool.add("b");
  plant("lock");
  expect(failure(() => pool.add("c")).code).toBe(102);
  expect(readFileSync(victim, "utf8")).toBe("::ffff:10.1.2.10");
});
