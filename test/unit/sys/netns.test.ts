import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { getLink } from "../../../src/net/link.ts";
import { NetlinkSocket } from "../../../src/netlink/socket.ts";
import { NETLINK_ROUTE } from "../../../src/netlink/uapi/netlink.ts";
import { inNamespace, isSameNamespace, openNamespace, openOwnNamespace } from "../../../src/sys/netns.ts";
import { Netns } from "../../support/netns.ts";
import { openFilesBelow } from "../../support/open-file.ts";
import { refusal } from "../../support/failure.ts";

const PIPE_READER = fileURLToPath(new URL("./pipe-reader.ts", import.meta.url));

let folder: string;
beforeEach(() => { folder = mkdtempSync("/tmp/netns-"); });
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The names of the links that a socket opened right now would see. */
function sees(name: string): boolean {
  using links = NetlinkSocket.open(NETLINK_ROUTE);
  return getLink(links, { name }) !== undefined;
}

test("two handles of one namespace are the same, of two they are not", () => {
  using one = Netns.open();
  using other = Netns.open();
  using again = openNamespace(one.path);
  using home = openOwnNamespace();
  expect(isSameNamespace(one.handle, again)).toBe(true);
  expect(isSameNamespace(one.handle, other.handle)).toBe(false);
  expect(isSameNamespace(one.handle, home)).toBe(false);
  using inside = one.inside(() => openOwnNamespace());
  expect(isSameNamespace(inside, one.handle)).toBe(true);
});

test("the action runs inside and the thread is back after it, whatever it did", () => {
  using place = Netns.open();
  using home = openOwnNamespace();
  place.run("ip link add marker0 type bridge");
  expect(sees("marker0")).toBe(false);
  expect(inNamespace(place.handle, home, () => sees("marker0"))).toBe(true);
  expect(sees("marker0")).toBe(false);
  expect(() => inNamespace(place.handle, home, () => { throw new Error("inside"); })).toThrow("inside");
  using now = openOwnNamespace();
  expect(isSameNamespace(now, home)).toBe(true);
});

test("a plain file is no namespace, and the error says so", () => {
  const path = join(folder, "file");
  writeFileSync(path, "");
  expect(refusal(() => openNamespace(path))).toMatchObject({ errno: 22, operation: `open namespace ${path}`, kernelText: "the file is not a namespace" });
});

test("neither is a folder, a file of /proc or a namespace of another kind", () => {
  using home = openOwnNamespace();
  for (const path of [folder, "/proc/self/status", "/proc/self/ns/uts", "/proc/self/ns/mnt"]) {
    const error = refusal(() => {
      using namespace = openNamespace(path);
      inNamespace(namespace, home, () => { throw new Error("The thread went in."); });
    });
    expect(error.errno).toBe(22);
  }
});

test("a FIFO in the place of a namespace, or of any file, is not waited for", () => {
  const path = join(folder, "pipe");
  expect(spawnSync("mkfifo", [path]).status).toBe(0);
  const { stdout, status } = spawnSync(process.execPath, [PIPE_READER, path], { encoding: "utf8", timeout: 5_000, killSignal: "SIGKILL" });
  expect({ stdout, status }).toEqual({ stdout: `open namespace ${path}: EINVAL (the file is not a namespace)\nnothing\n`, status: 0 });
});

test("what is not there is ENOENT, a loop of links ELOOP", () => {
  symlinkSync("loop", join(folder, "loop"));
  expect(refusal(() => openNamespace(join(folder, "none"))).errno).toBe(2);
  expect(refusal(() => openNamespace(join(folder, "loop"))).errno).toBe(40);
  expect(refusal(() => openNamespace("/proc/4194305/ns/net")).errno).toBe(2);
});

test("a refused path leaves no open file behind", () => {
  const path = join(folder, "file");
  writeFileSync(path, "");
  for (let count = 0; count < 5; count++) refusal(() => openNamespace(path));
  expect(openFilesBelow(folder)).toEqual([]);
});
