// A network's chain lives as long as an element leads to it.
import { expect, test } from "vitest";
import { sendBatch } from "../../src/nft/batch.ts";
import { deleteElements } from "../../src/nft/element.ts";
import { TABLE } from "../../src/nft/layout.ts";
import {
  findElements,
  findElementsOf,
  listAllElements,
  removeUnusedChains,
} from "../../src/nft/masquerade.ts";
import { deleteChainMessage } from "../../src/nft/message.ts";
import { Netns } from "../support/netns.ts";
import { attachment, Ruleset } from "./masquerade.ts";

test("the chain stays while another attachment uses it, and goes with the last one", () => {
  using host = Netns.open();
  const ruleset = new Ruleset(host);
  const [one, two] = [
    attachment({ owner: "1", addresses: ["10.1.0.2", "fd01::2"] }),
    attachment({ owner: "2", addresses: ["10.1.0.3"] }),
  ];
  ruleset.put(one);
  ruleset.put(two);
  ruleset.take(one);
  expect(ruleset.chains()).toEqual([one.chain.name, "postrouting"]);
  ruleset.take(two);
  expect(ruleset.chains()).toEqual(["postrouting"]);
});

test("the kernel itself refuses to take a chain away that is in use", () => {
  using host = Netns.open();
  const ruleset = new Ruleset(host);
  const one = attachment({ owner: "1", addresses: ["10.1.0.2"] });
  ruleset.put(one);
  expect(sendBatch(host.rules, [deleteChainMessage(TABLE, one.chain.name)])[0]?.error).toMatchObject({
    errno: 16,
    operation: `delete chain ${one.chain.name}`,
  });
  expect(ruleset.elements("net4")).toHaveLength(1);
});

test("a chain that a killed ADD left without an element goes with the next DEL, with or without a record, and no other network's does", () => {
  using host = Netns.open();
  const ruleset = new Ruleset(host);
  const one = attachment({ owner: "1", addresses: ["10.1.0.2"] });
  const other = attachment({ owner: "2", network: "net-2", addresses: ["10.1.0.3"] });
  const leave = (each: typeof one) => {
    ruleset.put(each);
    host.run("nft flush map inet pontoon net4");
  };
  leave(one);
  ruleset.take(one);
  expect(ruleset.chains()).toEqual(["postrouting"]);
  leave(one);
  leave(other);
  removeUnusedChains(host.rules, [], { network: "net" });
  expect(ruleset.chains()).toEqual([other.chain.name, "postrouting"]);
});

test("an element by bridge holds its chain too", () => {
  using host = Netns.open();
  const ruleset = new Ruleset(host);
  const one = attachment({ owner: "1", addresses: ["10.1.0.2"] });
  const [by, common] = [
    attachment({ owner: "2", network: "other", gatewayInterface: "br1", addresses: ["10.1.0.2"] }),
    attachment({ owner: "3", network: "other", gatewayInterface: "br1", addresses: ["10.1.0.3"] }),
  ];
  for (const each of [one, by, common]) ruleset.put(each);
  ruleset.take(common);
  expect(ruleset.chains()).toContain(by.chain.name);
  ruleset.take(by);
  expect(ruleset.chains()).not.toContain(by.chain.name);
});

test("without a record all maps are looked through, and nobody else's elements go", () => {
  using host = Netns.open();
  const ruleset = new Ruleset(host);
  const one = attachment({ owner: "1", addresses: ["10.1.0.2", "fd01::2"] });
  const two = attachment({
    owner: "2",
    network: "other",
    gatewayInterface: "br1",
    addresses: ["10.1.0.2", "10.1.0.3"],
  });
  ruleset.put(one);
  ruleset.put(two);
  expect(listAllElements(host.rules)).toHaveLength(4);
  const found = findElementsOf(host.rules, two.owner);
  expect(found.map(({ set }) => set).sort()).toEqual(["net4", "on4"]);
  deleteElements(host.rules, found);
  removeUnusedChains(host.rules, found, { network: "other" });
  expect([ruleset.elements("net4"), ruleset.elements("net6"), ruleset.elements("on4")].flat()).toHaveLength(
    2,
  );
  expect(ruleset.chains()).toEqual([one.chain.name, "postrouting"]);
});

test("a thousand elements are read whole, and one of them is found by its key", () => {
  using host = Netns.open();
  const ruleset = new Ruleset(host);
  const addresses = Array.from({ length: 1000 }, (_, at) => `10.1.${at >> 8}.${at & 255}`);
  ruleset.put(attachment({ owner: "1", subnets: ["10.1.0.0/16"], addresses }));
  expect(listAllElements(host.rules)).toHaveLength(1000);
  expect(
    findElements(host.rules, {
      owner: "1".repeat(32),
      gatewayInterface: "br0",
      addresses: [{ family: 4, value: 0x0a0103e7n }],
    }),
  ).toHaveLength(1);
});

test("a batch is all or nothing, and says which part was refused", () => {
  using host = Netns.open();
  const ruleset = new Ruleset(host);
  ruleset.put(attachment({ owner: "1", addresses: ["10.1.0.2"] }));
  const before = ruleset.text;
  const messages = ["net-a", "net-b"].map((name) => deleteChainMessage(TABLE, name));
  expect(sendBatch(host.rules, messages).map(({ error }) => error?.operation)).toContain(
    "delete chain net-a",
  );
  expect(ruleset.text).toBe(before);
});
