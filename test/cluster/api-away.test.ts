// The API server is away: nothing on the nodes changes, pods come and go.
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import { expectRoutes, pretend, routesOn } from "./support/node-life.ts";
import { deploy, kubectl, node, outside, remove, stage, type Thing } from "./support/stage.ts";
import { fetchLine, HOST_PORT, SERVER, startWeb, template } from "./support/web.ts";

const MANIFEST = "/etc/kubernetes/manifests/static.json";
const STATIC_PORT = 8082;

beforeAll(async () => {
  await deploy("base");
  await startWeb();
  await stage(["api-down"]);
});
afterAll(async () => {
  await node(1).must(`rm -f ${MANIFEST}`);
  await remove("node", "other-a");
});

test("routes, rules and pods stay", async () => {
  const before = await routesOn(1);
  expect(before).toHaveLength(2);
  expect(await outside.must(fetchLine("10.90.0.12", HOST_PORT))).toBe("node2");
  expect(await outside.must(fetchLine("fd00:90::11", HOST_PORT))).toBe("node1");
  expect(await node(1).try("nft list table inet pontoon-node")).toMatchObject({ status: 0 });
  expect(await routesOn(1)).toEqual(before);
});

test("a pod is attached and taken down", async () => {
  const ports = [{ containerPort: 8080, hostPort: STATIC_PORT }];
  // Of a static pod kubelet asks nobody; it may name no other object.
  const { metadata, spec } = template("static", SERVER, { tolerations: undefined }, { env: [], ports });
  const pod: Thing = { apiVersion: "v1", kind: "Pod", metadata: { ...metadata, name: "static" }, spec };
  await node(1).must(`cat > ${MANIFEST}`, { stdin: JSON.stringify(pod) });
  const ask = () => outside.try(fetchLine("10.90.0.11", STATIC_PORT));
  await waitFor("the pod answers", async () => (await ask()).status === 0, 60_000, 200);
  await node(1).must(`rm ${MANIFEST}`);
  await waitFor("the pod has gone", async () => (await ask()).status !== 0, 60_000, 200);
  expect(await node(1).try(`test -e ${MANIFEST}`)).not.toMatchObject({ status: 0 });
});

test("an agent that starts now leaves the node as it is", async () => {
  const before = await routesOn(2);
  await node(2).must("pkill -KILL -f '^/bin/node .*/pontoon-agent'");
  await waitFor(
    "the agent runs again",
    async () => (await node(2).try("pgrep -f '^/bin/node .*/pontoon-agent'")).status === 0,
    60_000,
    200,
  );
  expect(await routesOn(2)).toEqual(before);
  expect(await outside.must(fetchLine("10.90.0.12", HOST_PORT))).toBe("node2");
});

test("when it is back, changes are heard again", async () => {
  await stage(["api-up"]);
  await pretend("other-a", ["10.244.102.0/24"], ["10.90.0.52"]);
  for (const n of [1, 2]) await expectRoutes(n, { "10.244.102.0/24": "10.90.0.52" });
  await kubectl(["wait", "node", "node1", "node2", "--for=condition=Ready", "--timeout=60s"]);
});
