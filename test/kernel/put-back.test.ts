// Whatever somebody takes away from our table, the next ADD puts back, for everybody.
import { expect, test } from "vitest";
import type { Masquerade } from "../../src/nft/address-claim.ts";
import { ensureMasquerade, missingParts } from "../../src/nft/masquerade.ts";
import { Netns } from "../support/netns.ts";
import { attachment, Ruleset } from "./masquerade.ts";

const ONE = attachment({ owner: "1", addresses: ["10.1.0.2", "fd01::2"] });
const OTHER = attachment({
  owner: "2",
  network: "other",
  gatewayInterface: "br1",
  subnets: ["10.2.0.0/24"],
  addresses: ["10.2.0.2"],
});
const SAME_ADDRESS = attachment({
  owner: "3",
  network: "third",
  gatewayInterface: "br2",
  addresses: ["10.1.0.2"],
});

/** Everything that is lost, and what an ADD then misses. */
const LOSSES = [
  { what: "the whole table", command: "nft delete table inet pontoon", missing: ["table", ONE.chain.name] },
  {
    what: "all rules of the table",
    command: "nft flush table inet pontoon",
    missing: ["table", ONE.chain.name],
  },
  { what: "the whole ruleset", command: "nft flush ruleset", missing: ["table", ONE.chain.name] },
  {
    what: "the rules of chain postrouting",
    command: "nft flush chain inet pontoon postrouting",
    missing: ["table"],
  },
  {
    what: "the rules of the network's chain",
    command: `nft flush chain inet pontoon ${ONE.chain.name}`,
    missing: [ONE.chain.name],
  },
];

test.each(LOSSES)("$what: it is noticed, and put back with everybody's elements", ({ command, missing }) => {
  using host = Netns.open();
  const ruleset = new Ruleset(host);
  const everybody = [ONE, OTHER, SAME_ADDRESS];
  for (const each of everybody) ruleset.put(each);
  const whole = states(ruleset);
  host.run(command);
  expect(missingParts(host.rules, [ONE.chain])).toEqual(missing);
  ruleset.others.push(OTHER, SAME_ADDRESS);
  ruleset.put(ONE);
  // Another network's chain that was emptied alone comes back with that network's next ADD.
  for (const each of everybody) expect(missingParts(host.rules, [each.chain])).toEqual([]);
  expect(states(ruleset)).toEqual(whole);
});

test("one rule too many in one of our chains is as bad as one too few", () => {
  using host = Netns.open();
  const ruleset = new Ruleset(host);
  ruleset.put(ONE);
  const { text } = ruleset;
  host.run("nft insert rule inet pontoon postrouting accept");
  host.run(`nft insert rule inet pontoon ${ONE.chain.name} drop`);
  expect(missingParts(host.rules, [ONE.chain])).toEqual(["table", ONE.chain.name]);
  ruleset.put(ONE);
  expect(ruleset.text).toBe(text);
});

test("elements that were taken out alone come back with their attachment's next ADD, and the lost chain with them", () => {
  using host = Netns.open();
  const ruleset = new Ruleset(host);
  ruleset.put(ONE);
  const whole = states(ruleset);
  host.run("nft flush map inet pontoon net4");
  host.run("nft flush map inet pontoon net6");
  host.run(`nft delete chain inet pontoon ${ONE.chain.name}`);
  ruleset.put(ONE);
  expect(states(ruleset)).toEqual(whole);
});

test("somebody's table of our name, with a map of ours that is another kind, is an error and is not destroyed", () => {
  using host = Netns.open();
  host.run("nft -f -", "table inet pontoon { set net4 { type ipv4_addr; }; }");
  const before = host.run("nft list ruleset");
  expect(() => new Ruleset(host).put(ONE)).toThrow(/EEXIST/);
  expect(host.run("nft list ruleset")).toBe(before);
});

test("a node of two hundred networks gets all of them back", () => {
  using host = Netns.open();
  const ruleset = new Ruleset(host);
  for (let at = 0; at < 200; at++) {
    ruleset.others.push(
      attachment({
        owner: "2",
        network: `net${at}`,
        gatewayInterface: "br1",
        subnets: [`11.${at}.0.0/24`],
        addresses: [`11.${at}.0.2`],
      }),
    );
  }
  ruleset.put(ONE);
  expect(ruleset.elements("net4")).toHaveLength(201);
  expect(
    missingParts(
      host.rules,
      ruleset.others.map(({ chain }) => chain),
    ),
  ).toEqual([]);
});

test("who is dead, or dies meanwhile, is not put back: nobody would take it out again", () => {
  using host = Netns.open();
  const ruleset = new Ruleset(host);
  ruleset.others.push(OTHER, attachment({ owner: "4", addresses: ["10.1.0.4"] }));
  ruleset.dead.add(OTHER.owner);
  let asked = 0;
  const isAlive = (owner: string): boolean =>
    owner.startsWith("4") ? ++asked === 1 : ruleset.node.isAlive(owner);
  ensureMasquerade(host.rules, ONE, { ...ruleset.node, isAlive });
  expect(ruleset.elements("net4")).toEqual([expect.stringMatching(/^10\.1\.0\.2 /)]);
  expect(ruleset.chains()).toEqual(["postrouting", ONE.chain.name].sort());
});

test("a living attachment is not pushed out by a dead one of the same network and address", () => {
  using host = Netns.open();
  const ruleset = new Ruleset(host);
  ruleset.others.push(
    attachment({ owner: "5", addresses: ["10.1.0.5"], label: "living" }),
    attachment({ owner: "6", addresses: ["10.1.0.5"], label: "dead" }),
  );
  ruleset.dead.add("6".repeat(32));
  ruleset.put(ONE);
  expect(ruleset.elements("net4").join()).toContain("(living)");
});

test("a chain that the last DEL of its network takes away while it is put back does not fail this ADD", () => {
  using host = Netns.open();
  const ruleset = new Ruleset(host);
  let deleted = false;
  ruleset.others.push({
    ...OTHER,
    get addresses() {
      if (!deleted) host.run(`nft delete chain inet pontoon ${OTHER.chain.name}`);
      deleted = true;
      return OTHER.addresses;
    },
  });
  ruleset.put(ONE);
  expect(ruleset.elements("net4")).toHaveLength(2);
});

test("an ADD that dies while it puts back leaves the loss to be noticed by the next one", () => {
  using host = Netns.open();
  const ruleset = new Ruleset(host);
  ruleset.others.push(OTHER);
  // The place of death: after the batch with the rules, before the others' elements.
  expect(() =>
    ensureMasquerade(host.rules, ONE, {
      ...ruleset.node,
      others: () => [{ ...OTHER, addresses: [] }, dying()],
    }),
  ).toThrow("killed");
  ruleset.put(ONE);
  expect(ruleset.elements("net4")).toHaveLength(2);
});

/** An attachment at whose addresses the process dies. */
function dying(): Masquerade {
  return {
    ...OTHER,
    get addresses(): never {
      throw new Error("killed");
    },
  };
}

/**
 * Chains, rules and elements, sorted. Which of two holders of one address stands in the common map, and which
 * by its bridge, is not promised.
 */
function states(ruleset: Ruleset): string[][] {
  const elements = ["net4", "net6", "on4", "on6"]
    .flatMap((map) => ruleset.elements(map))
    .map((element) => element.replace(/^br\d \. /, ""));
  const rules = ruleset.text.split("\n").filter((line) => !line.includes("elements = "));
  return [elements.sort(), ruleset.chains(), rules.sort()];
}
