import { expect, test } from "vitest";
import { CniError } from "../../../src/cni/error.ts";
import { addressHint, attempt, explain } from "../../../src/failure/failure.ts";
import { type ErrnoName, errnoOf, SystemError } from "../../../src/sys/errno.ts";

test("what the kernel refused becomes what was tried, why, and what to do", () => {
  const error = explain(
    "route",
    "10.9.0.0/16 in the pod",
    new SystemError("add route 10.9.0.0/16", errnoOf("EINVAL"), "Nexthop has invalid gateway"),
    "Check the gateway",
  );
  expect(error).toMatchObject({ code: 123, message: "route cannot be set: 10.9.0.0/16 in the pod" });
  expect(error.details).toBe(
    "Tried to add route 10.9.0.0/16. Cause: EINVAL (Nexthop has invalid gateway). Hint: Check the gateway.",
  );
});

test.each([
  "EPERM",
  "EACCES",
  "EOPNOTSUPP",
  "EPROTONOSUPPORT",
  "EAFNOSUPPORT",
  "EXFULL",
  "EROFS",
  "ENOSPC",
  "ENOMEM",
] as const)("%s has a hint of its own, which starts with a verb", (name) => {
  expect(explain("link", "veth0", new SystemError("make it", errnoOf(name))).details).toMatch(
    / Hint: [A-Z][a-z]+ /,
  );
});

test("an IPv6 address that is refused has a hint about IPv6, an IPv4 one has not", () => {
  const hintOf = (name: ErrnoName, address: string) => {
    try {
      return attempt(
        "address",
        address,
        () => {
          throw new SystemError(`add address ${address}`, errnoOf(name));
        },
        addressHint,
      );
    } catch (error) {
      return (error as CniError).details;
    }
  };
  for (const name of ["EACCES", "EOPNOTSUPP", "EAFNOSUPPORT"] as const)
    expect(hintOf(name, "fd01::2/64")).toMatch(/Hint: Switch IPv6 on/);
  expect(hintOf("EINVAL", "fd01::2/64")).toMatch(/Hint: .*1280/);
  expect(hintOf("EPERM", "fd01::2/64")).toMatch(/Hint: Run the runtime as root/);
  expect(hintOf("EINVAL", "10.1.0.2/24")).not.toContain("Hint");
});

test("an error number that says nothing about what to do has no hint", () => {
  expect(explain("link", "veth0", new SystemError("make it", errnoOf("EBUSY"))).details).toBe(
    "Tried to make it. Cause: EBUSY.",
  );
});

test("an action's value comes back, its CniError goes through as it is, and a bug stays a bug", () => {
  expect(attempt("link", "veth0", () => 7)).toBe(7);
  const own = new CniError("interfaceExists");
  const bug = new TypeError("oops");
  expect(() =>
    attempt("link", "veth0", () => {
      throw own;
    }),
  ).toThrow(own);
  expect(() =>
    attempt("link", "veth0", () => {
      throw bug;
    }),
  ).toThrow(bug);
});

test("the error keeps where it came from", () => {
  const cause = new SystemError("make it", errnoOf("EBUSY"));
  expect(explain("link", "veth0", cause).cause).toBe(cause);
});
