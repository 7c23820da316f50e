// What the Node add-on (engine/addon) makes of values: tests that run in process rest on it. What the
// functions do is test/runtime/native.test.ts's, by the executable's engine.
import { spawnSync } from "node:child_process";
import { openSync, readlinkSync } from "node:fs";
import { expect, test } from "vitest";
import { native } from "../../../src/sys/native.ts";

const any = native as unknown as Record<string, (...args: unknown[]) => unknown>;

test("texts go in and out as UTF-8, half a surrogate pair as U+FFFD", () => {
  expect(native.encode("aß€😀\ud800\0")).toEqual(new Uint8Array(Buffer.from("aß€😀\ufffd\0")));
  expect(native.decode(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41, 0, 0xff, 0xf0, 0x9f, 0x98, 0x80))).toBe(
    "\ufeffA\0\ufffd😀",
  );
  expect([native.encode("").length, native.decode(new Uint8Array())]).toEqual([0, ""]);
});

test("bytes are read and written in place, also those of a part of a buffer and of none", () => {
  const whole = new Uint8Array(8).fill(7);
  const zero = openSync("/dev/zero", "r");
  expect(native.read(zero, whole.subarray(2, 5))).toBe(3);
  expect([...whole]).toEqual([7, 7, 0, 0, 0, 7, 7, 7]);
  expect(native.read(zero, new Uint8Array())).toBe(0);
  native.close(zero);
});

test("an argument of another type is a TypeError, and nothing is done", () => {
  for (const [name, args] of [
    ["open", [1, 0, 0]],
    ["open", []],
    ["open", ["/etc/passwd", "0", 0]],
    ["read", [-1, [1, 2]]],
    ["read", [-1, new Int8Array(1)]],
    ["read", [-1, new DataView(new ArrayBuffer(1))]],
    ["encode", [undefined]],
    ["spawn", ["/bin/false", [1], [], 3, 3, 3]],
    ["spawn", ["/bin/false", "x", [], 3, 3, 3]],
  ] as const)
    expect(() => any[name]?.(...args), `${name} ${JSON.stringify(args)}`).toThrow(TypeError);
});

test("the namespace of the test's own thread is entered, and programs that it starts are in it", () => {
  const own = () => readlinkSync("/proc/thread-self/ns/net");
  const before = own();
  const home = openSync("/proc/thread-self/ns/net", "r");
  expect(native.unshare(0x40000000)).toBe(0);
  const inside = own();
  const { stdout } = spawnSync("readlink", ["/proc/self/ns/net"], { encoding: "utf8" });
  expect(native.setns(home, 0x40000000)).toBe(0);
  native.close(home);
  expect(inside).not.toBe(before);
  expect([stdout.trim(), own()]).toEqual([inside, before]);
});
