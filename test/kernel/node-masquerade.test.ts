// The node's own masquerading: word for word as `nft` lists it and would have compiled it, and the intervals
// of its sets as the kernel keeps them.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { formatAddress } from "../../src/ip/address.ts";
import { formatPrefix } from "../../src/ip/prefix.ts";
import { unionOf } from "../../src/ip/union.ts";
import {
  listExceptions,
  listSources,
  makeTableChange,
  type NodeMasquerade,
  nodeTableChange,
} from "../../src/nft/node-layout.ts";
import { prefix } from "../support/ip.ts";
import { Netns } from "../support/netns.ts";

const GOLDEN = readFileSync(new URL("golden/node.nft", import.meta.url), "utf8");

function wanted(podSubnets: string[], except: string[]): NodeMasquerade {
  const prefixes = except.map(prefix);
  return { podSubnets: podSubnets.map(prefix), except: { 4: unionOf(prefixes, 4), 6: unionOf(prefixes, 6) } };
}

const BOTH = wanted(
  ["10.244.1.0/24", "10.244.16.0/20", "fd01:1::/64"],
  ["10.244.0.0/16", "192.168.0.1/32", "224.0.0.0/4", "fd01::/32", "ff00::/8"],
);

/** Makes the table as wanted; gives the word for the change, undefined where there was none. */
function make(host: Netns, masquerade: NodeMasquerade | undefined): string | undefined {
  const change = nodeTableChange(host.rules, masquerade);
  if (change !== undefined) makeTableChange(host.rules, change);
  return change?.action;
}

const text = (host: Netns): string => host.run("nft list table inet pontoon-node");
const instructions = (host: Netns): string[] =>
  host
    .run("nft --debug=netlink list chain inet pontoon-node postrouting")
    .split("\n")
    .filter((line) => /^\s+\[ /.test(line));

test("the table is as the golden text says, and as `nft` compiles that", () => {
  using ours = Netns.open();
  using theirs = Netns.open();
  expect(make(ours, BOTH)).toBe("added");
  expect(text(ours)).toBe(GOLDEN);
  theirs.run("nft -f -", GOLDEN);
  expect(text(theirs)).toBe(GOLDEN);
  expect(instructions(ours)).toEqual(instructions(theirs));
  expect(make(theirs, BOTH)).toBeUndefined();
});

test("what the kernel has is read back", () => {
  using host = Netns.open();
  make(host, BOTH);
  expect(listSources(host.rules).map(formatPrefix)).toEqual([
    "10.244.1.0/24",
    "10.244.16.0/20",
    "fd01:1::/64",
  ]);
  expect(listExceptions(host.rules).map(({ first }) => formatAddress(first))).toEqual([
    "10.244.0.0",
    "192.168.0.1",
    "224.0.0.0",
    "fd01::",
    "ff00::",
  ]);
});

test("exceptions change alone, without a moment in which the rules are away", () => {
  using host = Netns.open();
  make(host, BOTH);
  const handles = (): string[] =>
    host.run("nft -a list chain inet pontoon-node postrouting").match(/handle \d+/g)!;
  const before = handles();
  for (const except of [
    ["0.0.0.0/0", "::/0"],
    ["10.244.0.0/17", "10.244.128.0/18", "255.255.255.255/32"],
    [],
    ["10.244.0.0/16", "192.168.0.1/32", "224.0.0.0/4", "fd01::/32", "ff00::/8"],
  ]) {
    const other = wanted(["10.244.1.0/24", "10.244.16.0/20", "fd01:1::/64"], except);
    expect(make(host, other)).toBe("changed");
    expect(make(host, other)).toBeUndefined();
    expect(handles()).toEqual(before);
  }
  expect(text(host)).toBe(GOLDEN);
});

test.each([
  ["add rule inet pontoon-node postrouting accept"],
  ["flush chain inet pontoon-node postrouting"],
  ["flush table inet pontoon-node"],
  ["add table inet pontoon-node { flags dormant; }"],
  ["flush set inet pontoon-node except6"],
  ["add element inet pontoon-node except4 { 1.1.1.1 }"],
  ["delete table inet pontoon-node"],
])("after `nft %s` the table comes back as it was", (command) => {
  using host = Netns.open();
  make(host, BOTH);
  host.run("nft -f -", command);
  expect(make(host, BOTH)).toMatch(/added|changed/);
  expect(text(host)).toBe(GOLDEN);
});

test("more than fits into a socket's buffer is one batch, all or nothing", () => {
  using host = Netns.open();
  const many = Array.from({ length: 10_000 }, (_, at) => [
    `11.${at >> 7}.${(at & 127) * 2}.0/24`,
    `fd02:${(2 * at).toString(16)}::/32`,
  ]).flat();
  const all = wanted(["10.244.1.0/24"], many);
  expect(make(host, all)).toBe("added");
  expect(listExceptions(host.rules)).toHaveLength(20_000);
  expect(make(host, all)).toBeUndefined();
  expect(make(host, wanted(["10.244.1.0/24"], many.slice(2)))).toBe("changed");
  expect(make(host, undefined)).toBe("removed");
  expect(make(host, undefined)).toBeUndefined();
});
