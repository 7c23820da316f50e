// What others take away of the node's network is put back.
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import { expectRoutes, routesOn } from "./support/node-life.ts";
import { agentOn, deploy, node, stage } from "./support/stage.ts";
import { startWeb } from "./support/web.ts";

beforeAll(async () => {
  await deploy("base");
  await startWeb();
  await agentOn(1);
});
// kube-proxy looks for its own rules only now and then.
afterAll(() => stage(["service", "1", "kube-proxy", "nftables"]));

test("after a flush of all rules the masquerading is there again within 2 s", async () => {
  const table = await node(1).must("nft -j list table inet pontoon-node");
  await node(1).must("nft flush ruleset");
  await waitFor(
    "the table is there",
    async () => (await node(1).try("nft list table inet pontoon-node")).status === 0,
    2_000,
    20,
  );
  expect(withoutHandles(await node(1).must("nft -j list table inet pontoon-node"))).toEqual(
    withoutHandles(table),
  );
});

test("a route that somebody removed is there again within 60 s", async () => {
  const before = await routesOn(1);
  expect(before).not.toEqual([]);
  const [subnet = "", via = ""] = (before[0] ?? "").split(" via ");
  await node(1).must(`ip route del ${subnet} proto 180`);
  await waitFor("the route is back", async () => (await routesOn(1)).length === before.length, 60_000, 100);
  await expectRoutes(1, { [subnet]: via });
});

/** A ruleset as JSON without the numbers that the kernel gives. */
function withoutHandles(text: string): unknown {
  return JSON.parse(text, (key, value) => (key === "handle" ? undefined : value));
}
