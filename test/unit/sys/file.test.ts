import { spawnSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  lstatSync,
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
import { afterEach, beforeEach, expect, test } from "vitest";
import { SystemError } from "../../../src/sys/errno.ts";
import {
  ensureDirectory,
  linkFile,
  listDirectory,
  O_CREAT,
  O_EXCL,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  openFile,
  openFileIfThere,
  readFileText,
  readText,
  readTextOfAny,
  removeFile,
  renameFile,
  STATE_LIMIT,
  writeAnew,
  writeText,
} from "../../../src/sys/file.ts";
import { createMemoryFile } from "../../../src/sys/memory-file.ts";
import { fileIdentity, fileStatus, handleStatus } from "../../../src/sys/status.ts";
import { readAll } from "../../../src/sys/stream.ts";

let folder: string;
const at = (name: string): string => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync("/tmp/file-");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function fifo(name: string): void {
  const { status } = spawnSync("mkfifo", [at(name)]);
  if (status !== 0) throw new Error("The test could not make a FIFO.");
}

function errnoOf(action: () => unknown): number {
  try {
    action();
  } catch (error) {
    if (error instanceof SystemError) return error.errno;
    throw error;
  }
  throw new Error("This should have been refused.");
}

test("a text comes back as it was written, whatever letters it has", () => {
  const text = `größe 🚢\r\n\0 end`;
  writeText(at("a"), text, O_WRONLY | O_CREAT);
  expect(readText(at("a"))).toBe(text);
  expect(readFileSync(at("a"), "utf8")).toBe(text);
});

test.each([0, 1, 4095, 4096, 4097, 16384, 100_000])("a file of %i bytes is read whole", (length) => {
  const text = "0123456789".repeat(length / 10 + 1).slice(0, length);
  writeFileSync(at("a"), text);
  expect(readText(at("a"))).toBe(text);
});

test("a file of an expected size takes no more memory than it has bytes, and is read whole where it has others", () => {
  writeFileSync(at("a"), "x".repeat(100_000));
  for (const expected of [0, 99_999, 100_000, 100_001]) {
    using file = openFile(at("a"), O_RDONLY);
    const bytes = readAll(file.fd, "a", { expected });
    expect(bytes).toHaveLength(100_000);
    expect(bytes.buffer.byteLength).toBe(expected >= 100_000 ? expected + 1 : bytes.buffer.byteLength);
  }
});

test("a file that is larger than the limit is EFBIG, one of the limit's size is not", () => {
  writeFileSync(at("a"), "x".repeat(4096));
  using file = openFile(at("a"), O_RDONLY);
  expect(readAll(file.fd, "a", { limit: 8192 })).toHaveLength(4096);
  writeFileSync(at("b"), "x".repeat(70_000));
  using large = openFile(at("b"), O_RDONLY);
  expect(errnoOf(() => readAll(large.fd, "b", { limit: 8192 }))).toBe(27);
  writeFileSync(at("c"), "x".repeat(STATE_LIMIT + 1));
  expect(readTextOfAny(at("c"))).toBeUndefined();
});

test("a NUL in a path is refused everywhere, so that no other file is meant than the one that is named", () => {
  writeFileSync(at("a"), "kept");
  const path = `${at("a")}\0.json`;
  const uses: (() => unknown)[] = [
    () => openFile(path, O_RDONLY),
    () => readText(path),
    () => writeText(path, "x"),
    () => removeFile(path),
    () => fileStatus(path),
    () => renameFile(path, at("b")),
    () => renameFile(at("a"), `${at("b")}\0`),
    () => linkFile(path, at("b")),
    () => ensureDirectory(path),
    () => listDirectory(path),
  ];
  for (const use of uses) expect(errnoOf(use)).toBe(22);
  expect(readdirSync(folder)).toEqual(["a"]);
  expect(readFileSync(at("a"), "utf8")).toBe("kept");
});

test("paths with anything else in them are taken as they are", () => {
  for (const name of ["a b", "ä", "🚢", "a\nb", "..a", "-rf", "x".repeat(255), "\u001b[2J"]) {
    writeText(at(name), name, O_WRONLY | O_CREAT);
    expect(readText(at(name))).toBe(name);
    expect(listDirectory(folder)).toEqual([name]);
    expect(removeFile(at(name))).toBe(true);
  }
  expect(errnoOf(() => writeText(at("x".repeat(256)), "", O_WRONLY | O_CREAT))).toBe(36);
});

test("what is not there is undefined, none or false where that is an answer, and ENOENT where it is not", () => {
  for (const path of [at("none"), at("none/deeper"), (writeFileSync(at("file"), ""), at("file/below"))]) {
    expect(openFileIfThere(path, O_RDONLY)).toBeUndefined();
    expect(readTextOfAny(path)).toBeUndefined();
    expect(fileStatus(path)).toBeUndefined();
    expect(listDirectory(path)).toEqual([]);
    expect(removeFile(path)).toBe(false);
    expect([2, 20]).toContain(errnoOf(() => readText(path)));
  }
});

test("a folder, a pipe, a loop of links or a device in the place of a file is no file, and no failure", () => {
  mkdirSync(at("folder"));
  symlinkSync("loop", at("loop"));
  fifo("pipe");
  for (const path of [at("folder"), at("loop")]) expect(readTextOfAny(path)).toBeUndefined();
  // A signal may cut a read of a device short, which counts as its end.
  expect(readTextOfAny("/dev/zero") ?? "").toMatch(/^\0*$/);
  expect(fileStatus(at("folder"))?.kind).toBe("directory");
  expect(fileStatus(at("pipe"))?.kind).toBe("other");
  expect(fileStatus(at("loop"))?.kind).toBe("other");
  expect(errnoOf(() => readText(at("folder")))).toBe(21);
  expect(errnoOf(() => readText(at("loop")))).toBe(40);
});

test("a status tells kind, permission bits, size and how many names the file has, and follows links", () => {
  writeFileSync(at("a"), "12345");
  chmodSync(at("a"), 0o4751);
  linkSync(at("a"), at("same"));
  symlinkSync("a", at("link"));
  writeFileSync(at("other"), "12345");
  chmodSync(at("other"), 0o4751);
  const status = fileStatus(at("a"));
  expect(status).toMatchObject({ kind: "file", mode: 0o4751, size: 5, links: 2 });
  expect(fileStatus(at("same"))).toEqual(status);
  expect(fileStatus(at("link"))).toEqual(status);
  expect(fileStatus(at("other"))).toMatchObject({ kind: "file", mode: 0o4751, size: 5, links: 1 });
  using file = openFile(at("a"), O_RDONLY);
  expect(handleStatus(file.fd)).toEqual(status);
  expect(fileIdentity(at("link"))).toBe(fileIdentity(at("same")));
  expect(fileIdentity(at("a"))).toMatch(new RegExp(`:0:${statSync(at("a")).ino}$`));
  expect(fileIdentity(at("other"))).not.toBe(fileIdentity(at("a")));
  expect(fileIdentity(at("none"))).toBeUndefined();
  rmSync(at("a"));
  rmSync(at("same"));
  expect(handleStatus(file.fd).links).toBe(0);
});

test("a handle is closed at the end of its block, and once only", () => {
  writeFileSync(at("a"), "");
  let fd: number;
  {
    using file = openFile(at("a"), O_RDONLY);
    fd = file.fd;
    file.close();
  }
  expect(errnoOf(() => handleStatus(fd))).toBe(9);
});

test("no program that is started inherits an open file", () => {
  writeFileSync(at("a"), "");
  using file = openFile(at("a"), O_RDWR);
  using found = openFileIfThere(at("a"), O_RDWR);
  using memory = createMemoryFile("a");
  // O_CLOEXEC, in octal digits.
  for (const fd of [file.fd, found?.fd, memory.fd])
    expect(readText(`/proc/self/fdinfo/${fd}`)).toMatch(/^flags:\s+0?2\d{6}$/m);
});

test("a new file with EXCL is made by one only, and has the mode that was asked for", () => {
  using file = openFile(at("a"), O_WRONLY | O_CREAT | O_EXCL, 0o600);
  expect(handleStatus(file.fd).size).toBe(0);
  expect(statSync(at("a")).mode & 0o777).toBe(0o600);
  expect(errnoOf(() => openFile(at("a"), O_WRONLY | O_CREAT | O_EXCL, 0o600))).toBe(17);
});

test("a file that is written anew is another file: who reads the old one reads on, and a link is not followed", () => {
  writeFileSync(at("a"), "old");
  using old = openFile(at("a"), O_RDONLY);
  writeAnew(at("a"), "new");
  expect(readText(at("a"))).toBe("new");
  expect(new TextDecoder().decode(readAll(old.fd, "a"))).toBe("old");
  symlinkSync(at("a"), at("b"));
  writeAnew(at("b"), "other");
  expect([readText(at("a")), readText(at("b"))]).toEqual(["new", "other"]);
  expect(readdirSync(folder).sort()).toEqual(["a", "b"]);
});

test("a file that a configuration names is read; a pipe or a device in its place is EINVAL at once", () => {
  writeFileSync(at("a"), "text");
  expect(readFileText(at("a"))).toBe("text");
  fifo("pipe");
  for (const path of [at("pipe"), "/dev/zero"]) expect(errnoOf(() => readFileText(path))).toBe(22);
});

test("a link is made once: the second one is told that the name is taken", () => {
  writeFileSync(at("a"), "");
  expect(linkFile(at("a"), at("b"))).toBe(true);
  expect(linkFile(at("a"), at("b"))).toBe(false);
  expect(errnoOf(() => linkFile(at("none"), at("c")))).toBe(2);
});

test("removing says whether there was something", () => {
  writeFileSync(at("a"), "");
  mkdirSync(at("d"));
  expect([removeFile(at("a")), removeFile(at("a"))]).toEqual([true, false]);
  expect(errnoOf(() => removeFile(at("d")))).toBe(21);
  symlinkSync("nowhere", at("l"));
  expect(removeFile(at("l"))).toBe(true);
});

test("a folder is made with all above it; one that is there, or a link to one, will do", () => {
  ensureDirectory(at("a/b/c"), 0o700);
  ensureDirectory(at("a/b/c"));
  ensureDirectory(at("a/b/c/"));
  ensureDirectory(at("a/x/"));
  expect(statSync(at("a/b")).mode & 0o777).toBe(0o700);
  symlinkSync("a", at("link"));
  ensureDirectory(at("link/d"));
  expect(lstatSync(at("a/d")).isDirectory()).toBe(true);
});

test("a file, a broken link or a loop in the place of a folder is ENOTDIR or what the kernel says, and stays", () => {
  writeFileSync(at("file"), "kept");
  symlinkSync("nowhere", at("broken"));
  symlinkSync("loop", at("loop"));
  for (const name of ["file", "file/below", "broken", "loop"])
    expect([20, 40]).toContain(errnoOf(() => ensureDirectory(at(name))));
  expect(readFileSync(at("file"), "utf8")).toBe("kept");
});

test("thousands of names are listed, each once", () => {
  const names = Array.from({ length: 5_000 }, (_, number) => `${number}-${"x".repeat(number % 200)}`);
  for (const name of names) writeFileSync(at(name), "");
  expect(listDirectory(folder).sort()).toEqual(names.sort());
});

test("a file in the place of a folder has no names in it", () => {
  writeFileSync(at("file"), "");
  expect(listDirectory(at("file"))).toEqual([]);
});

test("a failure names the operation, the path and the error number", () => {
  expect(() => readText(at("none"))).toThrow(`read ${at("none")}: ENOENT`);
  expect(() => renameFile(at("none"), at("b"))).toThrow(`rename ${at("none")} to ${at("b")}: ENOENT`);
});
