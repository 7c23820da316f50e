// Nodes that are added, removed, made anew, moved, also while no agent looks. A Node object stands for the
// machine where only its subnets and addresses count.
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import { expectRoutes, move, pretend, routesOn, subnetsOf } from "./support/node-life.ts";
import { agentLog, deploy, kubectl, node, remove, withoutAgents } from "./support/stage.ts";

const ONE = ["10.244.100.0/24", "fd00:244:0:100::/64"];
const OTHER = ["10.244.101.0/24", "fd00:244:0:101::/64"];

beforeAll(() => deploy("base"));
afterEach(() => remove("node", "other-a", "other-b"));

/** Does the work while the agents look, or while they are away. */
const WHEN = [
  { when: "at once", around: (work: () => Promise<void>) => work() },
  { when: "when it happened while the agent was away", around: withoutAgents },
];

describe.each(WHEN)("$when", ({ around }) => {
  test("a node that comes gets its routes, and one that goes loses them", async () => {
    await around(() => pretend("other-a", ONE, ["10.90.0.50", "fd00:90::50"]));
    await expectRoutes(1, { [ONE[0] as string]: "10.90.0.50", [ONE[1] as string]: "fd00:90::50" });
    await around(() => remove("node", "other-a"));
    await expectRoutes(1, { [ONE[0] as string]: undefined, [ONE[1] as string]: undefined });
  });

  test("a node that gets other addresses is reached by them", async () => {
    await pretend("other-a", ONE, ["10.90.0.50", "fd00:90::50"]);
    await expectRoutes(1, { [ONE[0] as string]: "10.90.0.50" });
    await around(() => move("other-a", ["10.90.0.60", "fd00:90::60"]));
    await expectRoutes(1, { [ONE[0] as string]: "10.90.0.60", [ONE[1] as string]: "fd00:90::60" });
  });

  test("a node made anew with the same name has its new subnets, and nothing of the old ones stays", async () => {
    await pretend("other-a", ONE, ["10.90.0.50", "fd00:90::50"]);
    await expectRoutes(1, { [ONE[0] as string]: "10.90.0.50" });
    await around(async () => {
      await remove("node", "other-a");
      await pretend("other-a", OTHER, ["10.90.0.50", "fd00:90::50"]);
    });
    await expectRoutes(1, { [OTHER[0] as string]: "10.90.0.50", [ONE[0] as string]: undefined });
  });

  test("a subnet of a node that went leads to the node that has it now", async () => {
    await pretend("other-a", ONE, ["10.90.0.50", "fd00:90::50"]);
    await expectRoutes(1, { [ONE[0] as string]: "10.90.0.50" });
    await around(async () => {
      await remove("node", "other-a");
      await pretend("other-b", ONE, ["10.90.0.51", "fd00:90::51"]);
    });
    await expectRoutes(1, { [ONE[0] as string]: "10.90.0.51", [ONE[1] as string]: "fd00:90::51" });
  });
});

test("a route that somebody left with our number goes, and one of others stays", async () => {
  await node(1).must("ip route replace 10.244.200.0/24 via 10.90.0.12 proto 180");
  await node(1).must("ip route replace 10.77.0.0/24 via 10.90.0.12");
  // Any change of the cluster makes the agents look.
  await pretend("other-a", ONE, ["10.90.0.50", "fd00:90::50"]);
  await expectRoutes(1, { [ONE[0] as string]: "10.90.0.50", "10.244.200.0/24": undefined });
  expect(await node(1).must("ip route show 10.77.0.0/24")).not.toBe("");
  await node(1).must("ip route del 10.77.0.0/24");
});

test("a node without an address or a subnet gets no route, and the log says why", async () => {
  // The node of the test before has gone, and so have the routes to it.
  await expectRoutes(1, { [ONE[0] as string]: undefined, [ONE[1] as string]: undefined });
  const before = await routesOn(1);
  await pretend("other-a", ONE, []);
  const isTold = async () =>
    (await agentLog(1)).split("\n").some((line) => line.includes("no-address") && line.includes("other-a"));
  await waitFor("the log says that the node has no address", isTold, 20_000, 200);
  expect(await routesOn(1)).toEqual(before);
  expect(await subnetsOf("other-a")).toEqual(ONE);
  await kubectl(["get", "nodes"]);
});
