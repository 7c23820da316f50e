import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { getLink } from "../../../src/net/link.ts";
import { NetlinkSocket } from "../../../src/netlink/socket.ts";
import { NETLINK_ROUTE } from "../../../src/netlink/uapi/netlink.ts";
import { inNamespace, openNamespace, openOwnNamespace } from "../../../src/sys/netns.ts";
import { refusal } from "../../support/failure.ts";
import { Netns } from "../../support/netns.ts";

const PIPE_READER = fileURLToPath(new URL("./pipe-reader.ts", import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync("/tmp/netns-");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The names of the links that a socket opened right now would see. */
function sees(name: string): boolean {
  using links = NetlinkSocket.open(NETLINK_ROUTE);
  return getLink(links, { name }) !== undefined;
}

test("the action runs inside and the thread is back after it, whatever it did", () => {
  using place = Netns.open();
  using home = openOwnNamespace();
  place.run("ip link add marker0 type bridge");
  expect(sees("marker0")).toBe(false);
  expect(inNamespace(place.handle, home, () => sees("marker0"))).toBe(true);
  expect(sees("marker0")).toBe(false);
  expect(() =>
    inNamespace(place.handle, home, () => {
      throw new Error("inside");
    }),
  ).toThrow("inside");
  expect(sees("marker0")).toBe(false);
});

test("a file that is no network namespace is not entered, and the error says so", () => {
  using home = openOwnNamespace();
  const path = join(folder, "file");
  writeFileSync(path, "");
  for (const wrong of [path, folder, "/proc/self/status", "/proc/self/ns/uts", "/proc/self/ns/mnt"]) {
    using namespace = openNamespace(wrong);
    const error = refusal(() =>
      inNamespace(namespace, home, () => {
        throw new Error("The thread went in.");
      }),
    );
    expect(error).toMatchObject({
      errno: 22,
      operation: "enter the namespace",
      kernelText: "the file is not a network namespace",
    });
  }
});

test("a FIFO in the place of a namespace, or of any file, is not waited for", () => {
  const path = join(folder, "pipe");
  expect(spawnSync("mkfifo", [path]).status).toBe(0);
  const { stdout, status } = spawnSync(process.execPath, [PIPE_READER, path], {
    encoding: "utf8",
    timeout: 5_000,
    killSignal: "SIGKILL",
  });
  expect({ stdout, status }).toEqual({ stdout: "opened\nnothing\n", status: 0 });
});

test("what is not there is ENOENT, a loop of links ELOOP", () => {
  symlinkSync("loop", join(folder, "loop"));
  expect(refusal(() => openNamespace(join(folder, "none"))).errno).toBe(2);
  expect(refusal(() => openNamespace(join(folder, "loop"))).errno).toBe(40);
  expect(refusal(() => openNamespace("/proc/4194305/ns/net")).errno).toBe(2);
});
