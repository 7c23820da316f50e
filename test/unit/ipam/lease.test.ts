import { expect, test } from "vitest";
import { formatOwner, parseOwner } from "../../../src/ipam/lease.ts";

test("the content is host-local's: id, CR LF, interface", () => {
  expect(formatOwner({ containerId: "c1", interfaceName: "eth0" })).toBe("c1\r\neth0");
  expect(parseOwner("c1\r\neth0")).toEqual({ containerId: "c1", interfaceName: "eth0" });
});

test("an id alone is a lease of an old host-local", () => {
  expect(parseOwner("c1")).toEqual({ containerId: "c1" });
  expect(parseOwner("c1\n")).toEqual({ containerId: "c1" });
});

test("white space around does not count, as host-local compares", () => {
  expect(parseOwner("  c1\r\neth0\n\n")).toEqual({ containerId: "c1", interfaceName: "eth0" });
});

test.each(["A", "0", "a_b.c-d", "f".repeat(64)])("%j can be a container id", (id) =>
  expect(parseOwner(id)).toEqual({ containerId: id }),
);

test.each([
  "",
  " \n",
  "\0\0\0\0",
  "_a",
  "-a",
  ".a",
  "a b",
  "a/b",
  "é",
  "a\0b",
  "\ufffd",
  "{}",
  "a:b\r\neth0",
])("%j cannot be one, so the address is free", (text) => expect(parseOwner(text)).toBeUndefined());
