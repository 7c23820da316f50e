import { expect, test } from "vitest";
import { check, errnoName, errnoTable, isErrno, SystemError } from "../../../src/sys/errno.ts";
import { native } from "../../../src/sys/native.ts";

test("an error number has the kernel's name, and its number where we have no name for it", () => {
  expect([errnoName(2), errnoName(98), errnoName(4095)]).toEqual(["ENOENT", "EADDRINUSE", "errno 4095"]);
});

test("no two names have one number", () => {
  expect(new Set(Object.values(errnoTable)).size).toBe(Object.keys(errnoTable).length);
});

test("an error says what was tried, why it failed and what the kernel said", () => {
  expect(new SystemError("create bridge br0", 17).message).toBe("create bridge br0: EEXIST");
  expect(new SystemError("add route", 22, "Nexthop has invalid gateway")).toMatchObject({
    message: "add route: EINVAL (Nexthop has invalid gateway)",
    operation: "add route",
    errno: 22,
    kernelText: "Nexthop has invalid gateway",
  });
});

test("an error is asked by number, and only one of the system has one", () => {
  const error = new SystemError("x", 17);
  expect([
    isErrno(error, "ENOENT", "EEXIST"),
    isErrno(error, "ENOENT"),
    isErrno(new Error("EEXIST"), "EEXIST"),
    isErrno(undefined, "EEXIST"),
  ]).toEqual([true, false, false, false]);
});

test("a failing call throws with the number that it gives; a good one gives its result", () => {
  expect(check(7, "anything")).toBe(7);
  expect(() => check(native.flock(-1, 2), "lock nothing")).toThrow("lock nothing: EBADF");
});
