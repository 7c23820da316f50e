// What keeps networks apart, word for word as `nft` lists it, and as `nft` itself would have compiled it.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  hasIngressElement,
  ingressSetsOf,
  isIngressTableWhole,
  listIngressEntries,
  missingIngressSets,
  putIngressElements,
  removeIngressElements,
} from "../../src/nft/ingress.ts";
import { type Entry, INGRESS_LAYOUT, type IngressSet } from "../../src/nft/ingress-layout.ts";
import { isTableAsMade } from "../../src/nft/read-back.ts";
import { Netns } from "../support/netns.ts";

const golden = readFileSync(new URL("golden/ingress.nft", import.meta.url), "utf8");
const GROUP = 1_084_954_317;
const element = (set: IngressSet, entry: Entry = "cni0") => ({ set, entry, comment: "pods" });
const ALL = [
  element("networks"),
  element("together"),
  element("apart", "cni1"),
  element("networks", "cni1"),
  element("trusted"),
  element("groups", GROUP),
  element("together-groups", GROUP),
];

/** The rules of an earlier release, which knew interfaces alone. */
const EARLIER = golden
  .replace(/\tset (together-)?groups \{[^}]*\}[^}]*\}\n\n/g, "")
  .replace(/\tchain [^]*/, "")
  .concat(
    "\tchain forward {\n\t\ttype filter hook forward priority filter; policy accept;\n",
    "\t\tiifname @apart oifname @apart drop\n\t\tiifname . oifname @together return\n",
    "\t\tiifname @networks oifname @networks drop\n\t}\n}\n",
  );

test("a table of an earlier release is good for a bridge until the next change, and gives no answer for a group", () => {
  using host = Netns.open();
  host.run("nft -f -", EARLIER);
  expect([isTableAsMade(host.rules, INGRESS_LAYOUT), isIngressTableWhole(host.rules)]).toEqual([true, false]);
  const missing = (entry: Entry, sets: IngressSet[]) =>
    missingIngressSets(host.rules, sets, { entry, isWhole: isTableAsMade });
  expect(missing("cni0", ["networks", "together"])).toEqual([]);
  expect(missing(GROUP, ["groups"])).toEqual(["groups"]);
  putIngressElements(host.rules, [element("groups", GROUP), element("together-groups", GROUP)]);
  expect(host.run("nft list ruleset")).toBe(golden);
  // An earlier release that comes back gives the chain its own rules, and leaves the sets.
  host.run("nft -f -", `flush chain inet pontoon-ingress forward\n${EARLIER}`);
  expect([missing("cni0", ["networks"]), missing(GROUP, ["groups"])]).toEqual([[], ["groups"]]);
  putIngressElements(host.rules, ALL);
  expect(host.run("nft list ruleset")).toBe(golden);
});

test("the table is as the golden text says, also when it is made again", () => {
  using host = Netns.open();
  for (let count = 0; count < 2; count++) {
    putIngressElements(host.rules, ALL);
    expect(host.run("nft list ruleset")).toBe(golden);
  }
});

test("`nft` loads the golden text, lists it unchanged, and compiles the rules to the same instructions", () => {
  using ours = Netns.open();
  using theirs = Netns.open();
  theirs.run("nft -f -", golden);
  expect(theirs.run("nft list ruleset")).toBe(golden);
  putIngressElements(ours.rules, ALL);
  const instructions = (host: Netns): string[] =>
    host
      .run("nft --debug=netlink list table inet pontoon-ingress")
      .split("\n")
      .filter((line) => line.startsWith("  ["));
  expect(instructions(ours)).toEqual(instructions(theirs));
  expect(instructions(ours).length).toBeGreaterThan(9);
  expect(ALL.every(({ set, entry }) => hasIngressElement(theirs.rules, set, entry))).toBe(true);
});

test.each([
  "nft delete table inet pontoon-ingress",
  "nft flush table inet pontoon-ingress",
  "nft insert rule inet pontoon-ingress forward accept",
])("%s: it is noticed, and made whole", (harm) => {
  using host = Netns.open();
  putIngressElements(host.rules, ALL);
  host.run(harm);
  expect(isIngressTableWhole(host.rules)).toBe(false);
  putIngressElements(host.rules, ALL);
  expect(host.run("nft list ruleset")).toBe(golden);
});

test("elements go one by one, and the table with the last; what is not there is no error", () => {
  using host = Netns.open();
  removeIngressElements(host.rules, ["apart"], "cni0");
  putIngressElements(host.rules, ALL);
  expect(listIngressEntries(host.rules).sort()).toEqual([GROUP, "cni0", "cni1"]);
  expect(ingressSetsOf(host.rules, GROUP)).toEqual(["groups", "together-groups"]);
  for (const { set, entry } of ALL.slice(1)) removeIngressElements(host.rules, [set], entry);
  expect([ingressSetsOf(host.rules, "cni0"), ingressSetsOf(host.rules, GROUP)]).toEqual([["networks"], []]);
  removeIngressElements(host.rules, ["apart"], "cni1");
  expect(isIngressTableWhole(host.rules)).toBe(true);
  removeIngressElements(host.rules, ["networks"], "cni0");
  expect(host.run("nft list ruleset")).toBe("");
});
