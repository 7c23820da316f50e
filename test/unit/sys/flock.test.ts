import { mkdtempSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { O_RDWR, openFile } from "../../../src/sys/file.ts";
import { openLock, renewPatience, tryLock } from "../../../src/sys/flock.ts";
import { refusal } from "../../support/failure.ts";
import { openFilesBelow } from "../../support/open-file.ts";
import { BackgroundProcess } from "../../support/process.ts";

const HOLDER = fileURLToPath(new URL("./lock-holder.ts", import.meta.url));

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync("/tmp/lock-");
  path = join(folder, "lock");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function holder(): Promise<BackgroundProcess> {
  const process_ = new BackgroundProcess([process.execPath, HOLDER, path]);
  await process_.says("held");
  return process_;
}

test("a lock is held until its handle is closed, and makes its file", () => {
  {
    using _lock = openLock(path, 0);
    using other = openFile(path, O_RDWR);
    expect(tryLock(other, path)).toBe(false);
  }
  using again = openFile(path, O_RDWR);
  expect(tryLock(again, path)).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o750);
});

test("a lock that another process holds is waited for as long as is said, then it is ETIMEDOUT", async () => {
  await using _holder = await holder();
  const start = performance.now();
  expect(refusal(() => openLock(path, 150))).toMatchObject({ errno: 110, operation: `lock ${path}` });
  const waited = performance.now() - start;
  expect(waited).toBeGreaterThanOrEqual(150);
  expect(waited).toBeLessThan(2_000);
});

test("a call that gets more time for its rollback keeps what it had left", async () => {
  await using _holder = await holder();
  renewPatience(10);
  const start = performance.now();
  refusal(() => openLock(path, 150));
  expect(performance.now() - start).toBeGreaterThanOrEqual(150);
});

test("a waiter that gave up leaves no open file behind", async () => {
  await using _holder = await holder();
  for (let count = 0; count < 5; count++) refusal(() => openLock(path, 0));
  expect(openFilesBelow(folder)).toEqual([]);
});

test("a holder that is killed frees the lock at once", async () => {
  const process_ = await holder();
  using file = openFile(path, O_RDWR);
  expect(tryLock(file, path)).toBe(false);
  await process_.stop("SIGKILL");
  expect(tryLock(file, path)).toBe(true);
});

test("whoever waits gets the lock when the holder lets go", async () => {
  const first = await holder();
  const second = new BackgroundProcess([process.execPath, HOLDER, path]);
  try {
    await first.finish();
    await second.says("held");
    using file = openFile(path, O_RDWR);
    expect(tryLock(file, path)).toBe(false);
  } finally {
    await first.stop();
    await second.stop();
  }
});

test("a folder in the lock's place is an error, not a lock", () => {
  expect(refusal(() => openLock(folder, 100)).errno).toBe(21);
});
