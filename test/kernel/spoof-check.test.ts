// The MAC spoof check that our messages make, word for word as `nft` lists it, and as `nft` itself would have
// compiled it.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { macBytes } from "../../src/ip/mac.ts";
import { deleteElements } from "../../src/nft/element.ts";
import {
  ensureSpoofCheck,
  isOwnAlone,
  isSpoofChecked,
  isSpoofTableWhole,
  listSpoofElements,
  listSpoofElementsOf,
} from "../../src/nft/spoof-check.ts";
import { ARP_CHECK, NODE_CHECK } from "../../src/nft/spoof-layout.ts";
import { address } from "../support/ip.ts";
import { Netns } from "../support/netns.ts";
import { checked, SpoofChecks } from "./spoof-check.ts";

const textOf = (file: string): string => readFileSync(new URL(`golden/${file}`, import.meta.url), "utf8");
const golden = textOf("spoof-check.nft");
const ONE = checked("1");
const TWO = checked("2", { network: "other" });
/** An attachment whose addresses are checked. */
const OWN = { own: ["10.1.0.3", "fd01::3"].map(address), asksDhcp: true };
const OWN_4 = { own: [address("10.1.0.3")], asksDhcp: false };
const THREE = checked("3", { addresses: OWN });

/** The tables, each with one attachment in it. */
const TABLES = [
  ["bridge pontoon", golden, ONE],
  ["inet pontoon-source", textOf("source-check.nft"), checked("1", { table: NODE_CHECK })],
  ["arp pontoon-source", textOf("arp-check.nft"), checked("1", { table: ARP_CHECK, addresses: OWN_4 })],
] as const;

test.each(TABLES)("the table %s is as the golden text says", (_, text, one) => {
  using host = Netns.open();
  new SpoofChecks(host).put(one);
  expect(host.run("nft list ruleset")).toBe(text);
});

test.each(TABLES)(
  "%s: `nft` loads the golden text, lists it unchanged, and compiles the rules to the same instructions",
  (title, text, one) => {
    using ours = Netns.open();
    using theirs = Netns.open();
    // `nft` lists no protocol that follows from the rest. Loaded without it, the rules of ARP on a bridge
    // look at the type of the frame and not of the packet, so they match nothing behind a VLAN tag.
    const isOfBridge = title.startsWith("bridge");
    theirs.run(
      "nft -f -",
      isOfBridge ? text.replaceAll(/\t(arp|iifname \. arp) /g, "\tmeta protocol arp $1 ") : text,
    );
    expect(theirs.run("nft list ruleset")).toBe(text);
    new SpoofChecks(ours).put(one);
    expect(instructions(ours, title)).toEqual(instructions(theirs, title));
    // What `nft` loaded is what we look for.
    expect([isSpoofTableWhole(theirs.rules, one), isSpoofChecked(theirs.rules, one)]).toEqual([true, true]);
  },
);

test("elements of the two tables are apart: each attachment goes with its own, and a search finds both", () => {
  using host = Netns.open();
  const checks = new SpoofChecks(host);
  const inNode = checked("2", { table: NODE_CHECK, addresses: OWN });
  checks.put(ONE);
  checks.put(inNode);
  expect(listSpoofElements(host.rules)).toHaveLength(2 + 2 + 1 + 1 + 2 + 2);
  expect(listSpoofElementsOf(host.rules, inNode.hostInterface)).toHaveLength(8);
  expect([isOwnAlone(host.rules, ONE), isOwnAlone(host.rules, inNode)]).toEqual([true, true]);
  checks.take(inNode);
  expect([isSpoofChecked(host.rules, ONE), isSpoofChecked(host.rules, inNode)]).toEqual([true, false]);
  expect(listSpoofElements(host.rules)).toHaveLength(2);
});

test("doing it again changes nothing, and asks for nobody else", () => {
  using host = Netns.open();
  const checks = new SpoofChecks(host);
  checks.put(ONE);
  expect([checks.locked, checks.asked]).toEqual([1, 1]);
  const before = host.run("nft --handle list ruleset");
  for (let count = 0; count < 3; count++) checks.put(ONE);
  expect(host.run("nft --handle list ruleset")).toBe(before);
  expect([checks.locked, checks.asked]).toEqual([1, 1]);
});

test("a hundred attachments are checked by the same rules, and cost no lock after the first", () => {
  using host = Netns.open();
  const checks = new SpoofChecks(host);
  for (let at = 0; at < 100; at++)
    checks.put({ ...checked("1"), hostInterface: `veth${String(at).padStart(11, "0")}` });
  expect(checks.locked).toBe(1);
  expect(checks.text.match(/drop/g)).toHaveLength(golden.match(/drop/g)!.length);
  expect([checks.elements("guarded").length, checks.elements("source").length]).toEqual([100, 100]);
});

test("an attachment's elements go, with its MAC known or not, and nobody else's do", () => {
  using host = Netns.open();
  const checks = new SpoofChecks(host);
  checks.put(TWO);
  const onlyTwo = checks.text;
  checks.put(ONE);
  checks.take(ONE);
  expect(checks.text).toBe(onlyTwo);
  checks.put(ONE);
  const found = listSpoofElementsOf(host.rules, ONE.hostInterface);
  expect(found).toHaveLength(2);
  deleteElements(host.rules, found);
  expect(checks.text).toBe(onlyTwo);
  expect(listSpoofElementsOf(host.rules, ONE.hostInterface)).toEqual([]);
  checks.take(ONE);
});

test("of elements that are to go, those that somebody else took out meanwhile do not matter, however many there are", () => {
  using host = Netns.open();
  const checks = new SpoofChecks(host);
  for (let at = 0; at < 300; at++)
    checks.put({ ...checked("1"), hostInterface: `veth${String(at).padStart(11, "0")}` });
  const all = listSpoofElements(host.rules);
  host.run(`nft delete element bridge pontoon guarded { "veth00000000007" }`);
  deleteElements(host.rules, all);
  expect(listSpoofElements(host.rules)).toEqual([]);
});

test("nothing is looked for in vain on a host without the table", () => {
  using host = Netns.open();
  expect(isSpoofTableWhole(host.rules, ONE)).toBe(false);
  expect(isSpoofChecked(host.rules, ONE)).toBe(false);
  expect(listSpoofElementsOf(host.rules, ONE.hostInterface)).toEqual([]);
  expect(listSpoofElements(host.rules)).toEqual([]);
});

test("what a dead attachment of the same name left does not let its MAC through", () => {
  using host = Netns.open();
  const checks = new SpoofChecks(host);
  checks.put(checked("1", { mac: "0a:00:00:00:00:0f" }));
  checks.put(ONE);
  expect(checks.text).toBe(golden);
  // The same from a half of it.
  host.run("nft flush set bridge pontoon guarded");
  checks.put(ONE);
  host.run("nft flush set bridge pontoon source");
  checks.put(ONE);
  expect(checks.text).toBe(golden);
});

test("an element that lets another MAC through beside the right one goes", () => {
  using host = Netns.open();
  const checks = new SpoofChecks(host);
  checks.put(ONE);
  host.run(`nft add element bridge pontoon source { "${ONE.hostInterface}" . 0a:00:00:00:00:0f }`);
  checks.put(ONE);
  expect(checks.text).toBe(golden);
});

test.each([
  ["the whole table", "nft delete table bridge pontoon"],
  ["all rules of the table", "nft flush table bridge pontoon"],
  ["the whole ruleset", "nft flush ruleset"],
])("%s: it is noticed, and put back with everybody's elements", (_, command) => {
  using host = Netns.open();
  const checks = new SpoofChecks(host);
  for (const each of [ONE, TWO]) checks.put(each);
  const whole = state(checks);
  host.run(command);
  expect(isSpoofTableWhole(host.rules, ONE)).toBe(false);
  checks.others.push(TWO);
  checks.put(ONE);
  expect(state(checks)).toEqual(whole);
  expect([ONE, TWO].map((each) => isSpoofChecked(host.rules, each))).toEqual([true, true]);
});

test("one rule too many is as bad as one too few", () => {
  using host = Netns.open();
  const checks = new SpoofChecks(host);
  checks.put(ONE);
  host.run("nft insert rule bridge pontoon prerouting accept");
  expect(isSpoofTableWhole(host.rules, ONE)).toBe(false);
  checks.put(ONE);
  expect(checks.text).toBe(golden);
});

test("elements that were lost alone are noticed", () => {
  using host = Netns.open();
  const checks = new SpoofChecks(host);
  for (const set of ["guarded", "source"]) {
    checks.put(ONE);
    host.run(`nft flush set bridge pontoon ${set}`);
    expect([isSpoofTableWhole(host.rules, ONE), isSpoofChecked(host.rules, ONE)]).toEqual([true, false]);
  }
});

test("who put in its elements while another put them back from an older record keeps its own", () => {
  using host = Netns.open();
  const checks = new SpoofChecks(host);
  const others = () => {
    host.run(
      "nft -f -",
      `add element bridge pontoon guarded { "${TWO.hostInterface}" comment "2 two" }\nadd element bridge pontoon source { "${TWO.hostInterface}" . 0a:00:00:00:00:0f comment "2 two" }`,
    );
    return [TWO];
  };
  ensureSpoofCheck(host.rules, ONE, { ...checks.node, others });
  expect(isSpoofChecked(host.rules, { ...TWO, mac: macBytes("0a:00:00:00:00:0f") })).toBe(true);
  expect(isSpoofChecked(host.rules, TWO)).toBe(false);
});

test("who is dead, or dies meanwhile, is not put back: nobody would take it out again", () => {
  using host = Netns.open();
  const checks = new SpoofChecks(host);
  const four = checked("4");
  checks.others.push(TWO, four);
  checks.dead.add(TWO.owner);
  let asked = 0;
  const isAlive = (owner: string): boolean =>
    owner === four.owner ? ++asked === 1 : checks.node.isAlive(owner);
  ensureSpoofCheck(host.rules, ONE, { ...checks.node, isAlive });
  expect([checks.elements("guarded").length, checks.elements("source").length]).toEqual([1, 1]);
});

test("an attachment whose ADD is running is put back before it has its veth", () => {
  using host = Netns.open();
  const checks = new SpoofChecks(host);
  checks.others.push(TWO, checked("3"));
  for (const { owner } of checks.others) checks.dead.add(owner);
  checks.adding.add(TWO.owner);
  checks.put(ONE);
  expect(checks.elements("guarded")).toHaveLength(2);
  expect(isSpoofChecked(host.rules, TWO)).toBe(true);
});

test("an ADD that dies while it puts back leaves the loss to be noticed by the next one", () => {
  using host = Netns.open();
  const checks = new SpoofChecks(host);
  checks.others.push(TWO);
  const others = () => [
    TWO,
    {
      ...TWO,
      get hostInterface(): never {
        throw new Error("killed");
      },
    },
  ];
  expect(() => ensureSpoofCheck(host.rules, ONE, { ...checks.node, others })).toThrow("killed");
  expect(isSpoofTableWhole(host.rules, ONE)).toBe(false);
  checks.put(ONE);
  expect(checks.elements("guarded")).toHaveLength(2);
});

test("an ADD that finds itself put back by another one is content", () => {
  using host = Netns.open();
  const checks = new SpoofChecks(host);
  checks.put(ONE);
  const { text } = checks;
  host.run("nft flush table bridge pontoon");
  checks.others.push(ONE);
  checks.put(TWO);
  checks.put(ONE);
  checks.take(TWO);
  expect(checks.text).toBe(text);
});

test("addresses that are checked stand in the sets, with the link-local one of the MAC, and go together", () => {
  using host = Netns.open();
  const checks = new SpoofChecks(host);
  checks.put(ONE);
  checks.put(THREE);
  const name = THREE.hostInterface;
  const named = (set: string): string[] => checks.elements(set).filter((each) => each.startsWith(name));
  expect(["guarded", "source", "addressed", "dhcp"].map((set) => named(set).length)).toEqual([1, 1, 1, 1]);
  expect(named("source4")).toEqual([`${name} 10.1.0.3 (net c3 eth0)`]);
  expect(named("source6")).toEqual([
    `${name} fd01::3 (net c3 eth0)`,
    `${name} fe80::800:ff:fe00:3 (net c3 eth0)`,
  ]);
  expect(named("target6")).toHaveLength(2);
  expect(isSpoofChecked(host.rules, THREE)).toBe(true);
  checks.take(THREE);
  expect(checks.text).toBe(golden);
});

test("each element of an address that was lost alone is noticed, and so is one of an earlier release's table", () => {
  using host = Netns.open();
  const checks = new SpoofChecks(host);
  for (const set of ["addressed", "source4", "source6", "target6", "dhcp"]) {
    checks.put(THREE);
    host.run(`nft flush set bridge pontoon ${set}`);
    expect(isSpoofChecked(host.rules, THREE), set).toBe(false);
  }
  host.run(EARLIER);
  expect([ONE, THREE].map((each) => isSpoofTableWhole(host.rules, each))).toEqual([true, false]);
});

test("a table of an earlier release is good for CHECK of the MAC, and the next ADD gives it the rules of this one", () => {
  using host = Netns.open();
  const checks = new SpoofChecks(host);
  checks.put(ONE);
  host.run("nft delete table bridge pontoon");
  host.run(
    "nft -f -",
    golden
      .replace(/\tset addressed[\s\S]*(?=\tchain)/, "")
      .replace(/(?<=accept;\n)[\s\S]*?(?=\t\}\n)/, `\t\t${EARLIER_RULE}\n`),
  );
  expect([isSpoofTableWhole(host.rules, ONE), isSpoofChecked(host.rules, ONE)]).toEqual([true, true]);
  checks.others.push(ONE);
  checks.put(TWO);
  checks.take(TWO);
  expect(checks.text).toBe(golden);
});

test("addresses that are named later are put in beside what is there, at the cost of no list", () => {
  using host = Netns.open();
  const checks = new SpoofChecks(host);
  checks.put(checked("3", { addresses: { own: [], asksDhcp: true } }));
  expect([checks.elements("source4").length, checks.elements("source6").length]).toEqual([0, 1]);
  for (let times = 0; times < 2; times++)
    ensureSpoofCheck(host.rules, THREE, { ...checks.node, isAddressed: true });
  expect([checks.elements("source4").length, checks.elements("source6").length]).toEqual([1, 2]);
  expect(isSpoofChecked(host.rules, THREE)).toBe(true);
});

test("what a dead attachment of the same name left does not let its addresses through", () => {
  using host = Netns.open();
  const checks = new SpoofChecks(host);
  checks.put(checked("3", { addresses: { own: [address("10.1.0.9")], asksDhcp: false } }));
  checks.put(THREE);
  expect(checks.elements("source4")).toEqual([`${THREE.hostInterface} 10.1.0.3 (net c3 eth0)`]);
});

test("somebody's table of our name, with a set of ours that is another kind, is an error and is not destroyed", () => {
  using host = Netns.open();
  host.run("nft -f -", "table bridge pontoon { set source { type ipv4_addr; }; }");
  const before = host.run("nft list ruleset");
  expect(() => new SpoofChecks(host).put(ONE)).toThrow(/EEXIST/);
  expect(host.run("nft list ruleset")).toBe(before);
});

/** What earlier releases had in the place of all rules. */
const EARLIER_RULE = "iifname @guarded iifname . ether saddr != @source drop";
const EARLIER = `nft flush chain bridge pontoon prerouting ; add rule bridge pontoon prerouting ${EARLIER_RULE}`;

/** What the kernel runs for the rules, in order. */
function instructions(netns: Netns, table: string): string[] {
  return netns
    .run(`nft --debug=netlink list table ${table}`)
    .split("\n")
    .filter((line) => /^\s+\[ /.test(line))
    .map((line) => line.trim());
}

/** Rules and elements, sorted: the kernel lists a hash in any order. */
function state(checks: SpoofChecks): unknown {
  return [
    checks.elements("guarded"),
    checks.elements("source"),
    checks.text.split("\n").filter((line) => line.includes("hook") || line.includes("drop")),
  ];
}
