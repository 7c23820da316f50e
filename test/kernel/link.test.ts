// Asking for links.
import { expect, test } from "vitest";
import { getLink, getLinks } from "../../src/net/link.ts";
import { changeLinkMessage } from "../../src/net/link-change.ts";
import { Netns } from "../support/netns.ts";
import { mustIndex, refusal } from "./scene.ts";

test("several links are asked for at once; in the place of one that is missing stands undefined", () => {
  using host = Netns.open();
  host.run("ip link add d0 type bridge");
  const links = getLinks(host.links, [
    { name: "nobody" },
    { name: "lo" },
    { index: 4711 },
    { index: mustIndex(host, "d0") },
    { name: "d0" },
  ]);
  expect(links.map((link) => link?.name)).toEqual([undefined, "lo", undefined, "d0", "d0"]);
});

test("a link of hardware or loopback has no kind, and `lo` a MAC of zeros", () => {
  using host = Netns.open();
  expect(getLink(host.links, { name: "lo" })).toMatchObject({
    index: 1,
    name: "lo",
    kind: "",
    mac: "00:00:00:00:00:00",
    mtu: 65536,
    up: false,
  });
});

test("a link without a MAC has none", () => {
  using host = Netns.open();
  host.run("ip tuntap add dev t0 mode tun");
  expect(getLink(host.links, { name: "t0" })).toMatchObject({ kind: "tun", mac: "" });
});

test("a name is the whole name: dots, colons in the middle, fifteen characters", () => {
  using host = Netns.open();
  for (const name of ["a.b", "eth0.100", "x".repeat(15)]) {
    host.run(`ip link add ${name} type bridge`);
    expect(getLink(host.links, { name })?.name).toBe(name);
  }
});

test("a name that the kernel can have for nobody is an error that names it, not an empty answer", () => {
  using host = Netns.open();
  expect(refusal(() => getLink(host.links, { name: "x".repeat(16) }))).toMatchObject({
    operation: `ask for interface ${"x".repeat(16)}`,
    errno: 34,
  });
});

test("a link that asks for a change it cannot make refuses with the kernel's sentence", () => {
  using host = Netns.open();
  host.run("ip link add d0 type bridge");
  const error = refusal(() =>
    host.links.execute([changeLinkMessage({ name: "d0" }, { mtu: 0x7fffffff }, "set MTU of d0")]),
  );
  expect(error).toMatchObject({
    operation: "set MTU of d0",
    errno: 22,
    kernelText: "mtu greater than device maximum",
  });
});

test("a socket stays in the namespace that it was opened in", () => {
  using one = Netns.open();
  using other = Netns.open();
  one.run("ip link add here type bridge");
  const { links } = one;
  other.inside(() => expect(getLink(links, { name: "here" })?.name).toBe("here"));
  expect(getLink(other.links, { name: "here" })).toBeUndefined();
  expect(links.namespaceCookie).not.toBe(other.links.namespaceCookie);
  expect(links.namespaceCookie).toMatch(/^\d+$/);
});
