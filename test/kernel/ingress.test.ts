// What keeps networks apart, word for word as `nft` lists it, and as `nft` itself would have compiled it.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  hasIngressElement,
  isIngressTableWhole,
  listIngressInterfaces,
  putIngressElements,
  removeIngressElements,
} from "../../src/nft/ingress.ts";
import { INGRESS_SETS, type IngressSet } from "../../src/nft/ingress-layout.ts";
import { Netns } from "../support/netns.ts";

const golden = readFileSync(new URL("golden/ingress.nft", import.meta.url), "utf8");
const element = (set: IngressSet, interfaceName = "cni0") => ({ set, interfaceName, comment: "pods" });
const ALL = [
  element("networks"),
  element("together"),
  element("apart", "cni1"),
  element("networks", "cni1"),
  element("trusted"),
];

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
      .run("nft --debug=netlink list chain inet pontoon-ingress forward")
      .split("\n")
      .filter((line) => line.startsWith("  ["));
  expect(instructions(ours)).toEqual(instructions(theirs));
  expect(instructions(ours).length).toBeGreaterThan(9);
  expect(ALL.every(({ set, interfaceName }) => hasIngressElement(theirs.rules, set, interfaceName))).toBe(
    true,
  );
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
  expect(listIngressInterfaces(host.rules).sort()).toEqual(["cni0", "cni1"]);
  for (const { set, interfaceName } of ALL.slice(1)) removeIngressElements(host.rules, [set], interfaceName);
  expect(INGRESS_SETS.filter((set) => hasIngressElement(host.rules, set, "cni0"))).toEqual(["networks"]);
  removeIngressElements(host.rules, ["apart"], "cni1");
  expect(isIngressTableWhole(host.rules)).toBe(true);
  removeIngressElements(host.rules, ["networks"], "cni0");
  expect(host.run("nft list ruleset")).toBe("");
});
