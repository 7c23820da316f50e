// Who an address belongs to: one place for each address of the node, one more for each address and bridge.
import { expect, test } from "vitest";
import { Netns } from "../support/netns.ts";
import { attachment, Ruleset, type Wishes } from "./masquerade.ts";
import { refusal } from "./scene.ts";

const FAMILIES = [
  { family: "IPv4", common: "net4", byInterface: "on4", held: "10.1.0.2" },
  { family: "IPv6", common: "net6", byInterface: "on6", held: "fd01::2" },
];

function play(action: (ruleset: Ruleset) => void): void {
  using host = Netns.open();
  action(new Ruleset(host));
}

const first = (held: string, more: Partial<Wishes> = {}) =>
  attachment({ owner: "1", addresses: [held], ...more });

test.each(FAMILIES)(
  "$family: what a dead attachment of another network left is replaced",
  ({ common, byInterface, held }) =>
    play((ruleset) => {
      const one = first(held);
      const other = attachment({ owner: "2", network: "other", gatewayInterface: "br1", addresses: [held] });
      ruleset.put(one);
      ruleset.dead.add(one.owner);
      ruleset.put(other);
      expect(ruleset.gaveWay).toEqual([one.owner]);
      expect(ruleset.elements(common)).toEqual([`${held} ${other.chain.name} (other c2 eth0)`]);
      expect(ruleset.elements(byInterface)).toEqual([]);
    }),
);

test.each(FAMILIES)(
  "$family: a living attachment of another network keeps its place, the new one stands beside it, by its bridge",
  ({ common, byInterface, held }) =>
    play((ruleset) => {
      const one = first(held);
      const other = attachment({ owner: "2", network: "other", gatewayInterface: "br1", addresses: [held] });
      ruleset.put(one);
      ruleset.put(other);
      ruleset.put(other);
      expect(ruleset.elements(common)).toEqual([`${held} ${one.chain.name} (net c1 eth0)`]);
      expect(ruleset.elements(byInterface)).toEqual([`br1 . ${held} ${other.chain.name} (other c2 eth0)`]);
    }),
);

test.each(FAMILIES)(
  "$family: the same address twice on one bridge, both alive, is an error that names the holder",
  ({ common, byInterface, held }) =>
    play((ruleset) => {
      const networks = ["net", "other", "third"].map((network, at) =>
        attachment({ owner: `${at + 1}`, network, gatewayInterface: "br0", addresses: [held] }),
      );
      ruleset.put(networks[0]!);
      ruleset.put(networks[1]!);
      const error = refusal(() => ruleset.put(networks[2]!));
      expect(error).toMatchObject({ errno: 98, operation: "masquerade the address" });
      expect(error.kernelText).toBe("behind br0 it belongs to other c2 eth0");
      expect(ruleset.elements(common)).toHaveLength(1);
      expect(ruleset.elements(byInterface)).toHaveLength(1);
    }),
);

test.each(FAMILIES)(
  "$family: the element of an attachment that lives stays, whoever holds the lease",
  ({ common, held }) =>
    play((ruleset) => {
      ruleset.put(first(held));
      ruleset.put(attachment({ owner: "2", addresses: [held] }));
      expect(ruleset.elements(common)).toEqual([expect.stringContaining("(net c1 eth0)")]);
    }),
);

test("an attachment whose network got other subnets moves its own element", () =>
  play((ruleset) => {
    ruleset.put(first("10.1.0.2"));
    const moved = first("10.1.0.2", { subnets: ["10.1.0.0/16"] });
    ruleset.put(moved);
    expect(ruleset.gaveWay).toEqual([]);
    expect(ruleset.elements("net4")).toEqual([`10.1.0.2 ${moved.chain.name} (net c1 eth0)`]);
  }));

test("an attachment takes out its own elements only, wherever they stand", () =>
  play((ruleset) => {
    const one = first("10.1.0.2");
    const other = attachment({
      owner: "2",
      network: "other",
      gatewayInterface: "br1",
      addresses: ["10.1.0.2"],
    });
    ruleset.put(one);
    ruleset.put(other);
    ruleset.take({ ...other, gatewayInterface: "br0" });
    expect([ruleset.elements("net4").length, ruleset.elements("on4").length]).toEqual([1, 1]);
    ruleset.take(one);
    expect([ruleset.elements("net4").length, ruleset.elements("on4").length]).toEqual([0, 1]);
    ruleset.take(other);
    expect([ruleset.elements("net4").length, ruleset.elements("on4").length]).toEqual([0, 0]);
  }));

test("a late DEL does not take what the address's next owner has", () =>
  play((ruleset) => {
    const one = first("10.1.0.2");
    const next = attachment({ owner: "2", addresses: ["10.1.0.2"] });
    ruleset.put(one);
    ruleset.dead.add(one.owner);
    ruleset.put(next);
    ruleset.take(one);
    expect(ruleset.elements("net4")).toEqual([`10.1.0.2 ${next.chain.name} (net c2 eth0)`]);
  }));

test("taking out what is not there, or where no table is, is no error", () =>
  play((ruleset) => {
    const one = first("10.1.0.2");
    ruleset.take(one);
    ruleset.put(one);
    ruleset.take(one);
    ruleset.take(one);
    expect(ruleset.elements("net4")).toEqual([]);
  }));
