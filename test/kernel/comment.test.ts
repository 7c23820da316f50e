// The comment of an element: who owns it, in words that `nft` shows.
import { expect, test } from "vitest";
import { ownerOf } from "../../src/nft/comment.ts";
import { listAllElements } from "../../src/nft/masquerade.ts";
import { Netns } from "../support/netns.ts";
import { attachment, Ruleset } from "./masquerade.ts";

const OWNER = "1".repeat(32);

test.each([
  ["short", "net c1 eth0", "net c1 eth0"],
  ["as long as it may be", "x".repeat(94), "x".repeat(94)],
  ["one byte too long", "x".repeat(95), "x".repeat(94)],
  ["far too long", "net ".repeat(100), "net ".repeat(100).slice(0, 94)],
  ["with letters of two bytes", "ä".repeat(47), "ä".repeat(47)],
  ["cut in the middle of a letter of two bytes", `x${"ä".repeat(47)}`, `x${"ä".repeat(46)}`],
  ["cut in the middle of a letter of four bytes", `xyz${"🚢".repeat(23)}`, `xyz${"🚢".repeat(22)}`],
])("a label that is %s", (_, label, shown) => {
  using host = Netns.open();
  const ruleset = new Ruleset(host);
  const one = attachment({ owner: "1", label, addresses: ["10.1.0.2"] });
  ruleset.put(one);
  const [element] = listAllElements(host.rules);
  expect(element?.comment).toBe(`${OWNER} ${shown}`);
  expect(ownerOf(element!)).toBe(OWNER);
  expect(ruleset.text).toContain(`10.1.0.2 comment "${OWNER} ${shown}" : goto`);
  // What was cut is still known as its owner's.
  ruleset.put(one);
  ruleset.take(one);
  expect(listAllElements(host.rules)).toEqual([]);
});

test("an element of `nft` is read with its comment, and one without a comment belongs to nobody", () => {
  using host = Netns.open();
  const ruleset = new Ruleset(host);
  const one = attachment({ owner: "1", addresses: ["10.1.0.2"] });
  ruleset.put(one);
  host.run(
    "nft -f -",
    `add element inet pontoon net4 { 10.1.0.7 comment "by hand" : goto ${one.chain.name} }\nadd element inet pontoon net4 { 10.1.0.8 : drop }`,
  );
  const found = listAllElements(host.rules).map(({ key, comment, chain }) => [
    key[3],
    comment,
    chain === one.chain.name,
  ]);
  expect(found.sort()).toEqual([
    [2, `${OWNER} net c1 eth0`, true],
    [7, "by hand", true],
    [8, "", false],
  ]);
});
