// The ruleset that our messages make, word for word as `nft` lists it, and as `nft` itself would have
// compiled it.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { networkChain } from "../../src/nft/layout.ts";
import { prefix } from "../support/ip.ts";
import { Netns } from "../support/netns.ts";
import { attachment, Ruleset, type Wishes } from "./masquerade.ts";

const SCENES: { name: string; attachments: Wishes[] }[] = [
  { name: "ipv4", attachments: [{ owner: "1", subnets: ["10.1.0.0/24"], addresses: ["10.1.0.2"] }] },
  { name: "ipv6", attachments: [{ owner: "1", subnets: ["fd01::/64"], addresses: ["fd01::2"] }] },
  { name: "dual-stack", attachments: [{ owner: "1", addresses: ["10.1.0.2", "fd01::2"] }] },
  {
    // Odd lengths of prefixes, and the address of one network held by another one too.
    name: "overlap",
    attachments: [
      { owner: "1", addresses: ["10.1.0.2", "fd01::2"] },
      {
        owner: "2",
        network: "other",
        gatewayInterface: "br1",
        subnets: ["10.0.0.0/13", "fd01:2::/47"],
        addresses: ["10.1.0.2", "fd01::2"],
      },
    ],
  },
];

const golden = (name: string): string => readFileSync(new URL(`golden/${name}.nft`, import.meta.url), "utf8");

test.each(SCENES)("$name: the table is as the golden text says", ({ name, attachments }) => {
  using host = Netns.open();
  const ruleset = new Ruleset(host);
  for (const wishes of attachments) ruleset.put(attachment(wishes));
  expect(ruleset.text).toBe(golden(name));
});

test.each(SCENES)(
  "$name: `nft` loads the golden text, lists it unchanged, and compiles chain postrouting to the same instructions",
  ({ name, attachments }) => {
    using ours = Netns.open();
    using theirs = Netns.open();
    theirs.run("nft -c -f -", golden(name));
    theirs.run("nft -f -", golden(name));
    expect(theirs.run("nft list table inet pontoon")).toBe(golden(name));
    const ruleset = new Ruleset(ours);
    for (const wishes of attachments) ruleset.put(attachment(wishes));
    expect(instructions(ours)).toEqual(instructions(theirs));
  },
);

test("doing it again changes nothing, and asks for nobody else", () => {
  using host = Netns.open();
  const ruleset = new Ruleset(host);
  const one = attachment({ owner: "1", addresses: ["10.1.0.2", "fd01::2"] });
  ruleset.put(one);
  expect([ruleset.locked, ruleset.asked]).toEqual([1, 1]);
  const { text } = ruleset;
  const generation = host.run("nft --handle list ruleset");
  for (let count = 0; count < 3; count++) ruleset.put(one);
  expect(ruleset.text).toBe(text);
  expect(host.run("nft --handle list ruleset")).toBe(generation);
  expect([ruleset.locked, ruleset.asked]).toEqual([1, 1]);
});

test("a second attachment of a network costs no lock and no new rule", () => {
  using host = Netns.open();
  const ruleset = new Ruleset(host);
  ruleset.put(attachment({ owner: "1", addresses: ["10.1.0.2"] }));
  ruleset.put(attachment({ owner: "2", addresses: ["10.1.0.3"] }));
  expect(ruleset.locked).toBe(1);
  expect(ruleset.elements("net4")).toHaveLength(2);
  expect(ruleset.text.match(/masquerade/g)).toHaveLength(1);
});

test("the name of a chain says for which network and subnets it was made, in whatever order they came", () => {
  const chain = networkChain("net", [prefix("10.1.0.0/24"), prefix("fd01::/64")]);
  expect(networkChain("net", [prefix("fd01::/64"), prefix("10.1.0.0/24")])).toEqual(chain);
  const others = [
    networkChain("net", [prefix("10.1.0.0/24")]),
    networkChain("net2", chain.subnets),
    networkChain("net", []),
  ];
  expect(new Set([chain, ...others].map(({ name }) => name)).size).toBe(4);
});

test("the longest name of a network still has its chain", () => {
  using host = Netns.open();
  const ruleset = new Ruleset(host);
  ruleset.put(attachment({ owner: "1", network: "n".repeat(255), label: "long", addresses: ["10.1.0.2"] }));
  expect(ruleset.elements("net4")).toHaveLength(1);
});

test("rules of others stay as they are", () => {
  using host = Netns.open();
  host.run(
    "nft -f -",
    "table inet theirs { chain c { type nat hook postrouting priority 100; accept; }; }\ntable ip pontoon { chain c { accept; }; }",
  );
  const before = host.run("nft list ruleset");
  const ruleset = new Ruleset(host);
  const one = attachment({ owner: "1", addresses: ["10.1.0.2"] });
  ruleset.put(one);
  ruleset.take(one);
  host.run("nft delete table inet pontoon");
  expect(host.run("nft list ruleset")).toBe(before);
});

/**
 * What the kernel runs for each rule, in order. (In the other chains nft loads only the bytes that a prefix
 * covers, to the same effect.)
 */
function instructions(netns: Netns): string[] {
  const lines = netns.run("nft --debug=netlink list chain inet pontoon postrouting").split("\n");
  return lines.filter((line) => /^\s+\[ /.test(line)).map((line) => line.trim());
}
