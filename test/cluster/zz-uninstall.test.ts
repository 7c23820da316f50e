// The last of these tests: Pontoon is taken away, and nothing of it is left.

import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { REPOSITORY } from "../support/tool.ts";
import { waitFor } from "../support/wait.ts";
import { deploy, get, node, remove, type Thing, undeploy } from "./support/stage.ts";
import { startWeb } from "./support/web.ts";

const folder = (name: string) => join(REPOSITORY, "deploy", name);

beforeAll(async () => {
  await deploy("base");
  await startWeb();
});
afterAll(async () => {
  await remove("-k", folder("uninstall"));
  await deploy("base");
});

test("after an uninstall no link, route, rule or file of ours is on any node", async () => {
  await remove("daemonset/web", "service/web", "deployment/churn");
  await remove("-n", "kube-system", "deployment/coredns");
  await waitFor(
    "all pods with a network of their own have gone",
    async () =>
      ((await get("pods", "-A"))["items"] as Thing[]).every(({ spec }) => spec["hostNetwork"] === true),
    60_000,
    200,
  );
  await undeploy();
  for (const n of [1, 2]) expect(await traces(n)).toEqual([]);
  const { items } = await get("clusterroles,clusterrolebindings,serviceaccounts,daemonsets", "-A");
  expect(
    (items as Thing[]).map(({ metadata }) => metadata["name"]).filter((name) => /pontoon/.test(name)),
  ).toEqual([]);
});

/** All of Pontoon's on a node, as lines. */
async function traces(n: number): Promise<string[]> {
  const here = node(n);
  const links = (await here.json("ip -j link show")).map(({ ifname }) => `link ${ifname}`);
  const routes = [
    ...(await here.json("ip -4 -j route show table all proto 180")),
    ...(await here.json("ip -6 -j route show table all proto 180")),
  ].map(({ dst }) => `route ${dst}`);
  const { nftables } = JSON.parse(await here.must("nft -j list ruleset")) as { nftables: Thing[] };
  const tables = nftables.flatMap(({ table }) => (table ? [`table ${table.family} ${table.name}`] : []));
  const files = await here.must(
    "find /opt/cni /etc/cni /var/lib/cni /run \\( -path /run/containerd -o -path /run/netns \\) -prune -o -print",
  );
  const known = /^\/(opt\/cni(\/bin)?|etc\/cni(\/net\.d)?|var\/lib\/cni(\/(results|cache|networks))?)$/;
  return [
    ...links.filter((link) => !/^link (lo|eth0)$/.test(link)),
    ...routes,
    ...tables.filter((table) => /pontoon/.test(table)),
    ...files.split("\n").filter((file) => /cni|pontoon/.test(file) && !known.test(file)),
  ];
}
