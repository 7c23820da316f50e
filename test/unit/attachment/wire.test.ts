// The name and the alias of a wire's free end.
import { expect, test } from "vitest";
import { keyOfAlias } from "../../../src/attachment/name.ts";
import { freeEndAlias, freeEndName, isAtOtherEnd, stateOfFreeEnd } from "../../../src/attachment/wire.ts";

const KEY = { network: "lab", containerId: "6537f52c", interfaceName: "eth0" };

test("the name has 15 bytes, and two networks have two", () => {
  expect(freeEndName("lab")).toMatch(/^wire[0-9a-f]{11}$/);
  expect(freeEndName("lab")).not.toBe(freeEndName("lab2"));
});

test("the alias tells the state and the attachment at the other end, and is no attachment's own", () => {
  for (const state of ["open", "left"] as const) {
    const alias = freeEndAlias(state, "lab", KEY);
    expect(alias).toBe(`pontoon-wire-${state} lab 6537f52c eth0`);
    expect(stateOfFreeEnd(alias)).toBe(state);
    expect(isAtOtherEnd(alias, KEY)).toBe(true);
    expect(isAtOtherEnd(alias, { ...KEY, interfaceName: "eth1" })).toBe(false);
    expect(keyOfAlias(alias)).toBeUndefined();
  }
  expect(freeEndAlias("left", "lab", undefined)).toBe("pontoon-wire-left lab");
  expect(stateOfFreeEnd("pontoon lab 6537f52c eth0")).toBeUndefined();
  expect(isAtOtherEnd("", KEY)).toBe(false);
});

test("a long name of a network is cut, and container and interface are not", () => {
  const long = { ...KEY, network: "n".repeat(255) };
  const alias = freeEndAlias("open", long.network, long);
  expect(alias).toHaveLength(255);
  expect(alias.endsWith(" 6537f52c eth0")).toBe(true);
  expect(isAtOtherEnd(alias, long)).toBe(true);
});
