// A node that boots, and one that joins: Ready means ready, and nothing waits for the agent.
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import { expectRoutes, isReady, leave } from "./support/node-life.ts";
import { deploy, node, rolledOut, stage, withoutAgents } from "./support/stage.ts";
import { fetchLine, inPod, mustInPod, PORT, podOf, startWeb } from "./support/web.ts";

const CONFLIST = "/etc/cni/net.d/10-pontoon.conflist";

beforeAll(async () => {
  await deploy("base");
  await startWeb();
});
afterAll(() => leave(3));

test("after a reboot pods of the node come up while no agent runs, and reach others when it does", async () => {
  const before = await podOf("web", 2);
  await withoutAgents(async () => {
    await stage(["node-down", "2"]);
    await stage(["node-up", "2"]);
    await isReady(2);
    await waitFor(
      "the pod runs again",
      async () => (await inPod(before.name, "true")).status === 0,
      60_000,
      200,
    );
    // The node itself reaches it: the attachment is whole.
    const { ipv4 } = await podOf("web", 2);
    expect(await node(2).must(fetchLine(ipv4, PORT))).toBe("node2");
  });
  const [one, two] = [await podOf("web", 1), await podOf("web", 2)];
  await waitFor(
    "it answers the pod of the other node",
    async () => (await inPod(one.name, fetchLine(two.ipv4, PORT))).status === 0,
    20_000,
    200,
  );
  expect(await mustInPod(one.name, fetchLine(two.ipv6, PORT))).toBe("node2");
});

test("of a node that joins the plugin, routes and masquerading are there before its configuration is", async () => {
  await stage(["node-up", "3"]);
  // The node is Ready when its runtime has found that file, so all else has to be there at this moment.
  const look = `until [ -e ${CONFLIST} ]; do :; done
    ip route show proto 180; echo; nft list table inet pontoon-node; ls /opt/cni/bin`;
  const there = await node(3).must(look, { timeoutMs: 90_000 });
  expect(there).toMatch(/^10\.244\.\d+\.0\/24 via 10\.90\.0\.11/m);
  expect(there).toMatch(/^10\.244\.\d+\.0\/24 via 10\.90\.0\.12/m);
  expect(there).toContain("masquerade");
  expect(there).toMatch(/^pontoon$/m);
  await isReady(3);
  await rolledOut("daemonset/web");
  const [one, three] = [await podOf("web", 1), await podOf("web", 3)];
  expect(await mustInPod(three.name, fetchLine(one.ipv4, PORT))).toBe("node1");
  await expectRoutes(3, {});
});
