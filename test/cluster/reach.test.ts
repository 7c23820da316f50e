// What pods reach, and what reaches them: by address, by service in both modes of kube-proxy, by host port.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import { apply, deploy, get, node, outside, remove, stage } from "./support/stage.ts";
import {
  fetchLine,
  HOST_PORT,
  inPod,
  mustInPod,
  PORT,
  podOf,
  service,
  startDns,
  startWeb,
} from "./support/web.ts";

const FAMILIES = ["ipv4", "ipv6"] as const;
const NODE_PORT = 30_080;

beforeAll(async () => {
  await deploy("base");
  await startWeb();
  await startDns();
  const ports = [{ port: 80, targetPort: PORT, nodePort: NODE_PORT }];
  await apply(service("web-node", "web", { type: "NodePort", ports }));
});
afterAll(async () => {
  await remove("service", "web-node");
  await proxies("nftables");
});

describe.each(FAMILIES)("by %s", (family) => {
  test.each([
    [1, 2],
    [2, 1],
  ])("a pod of node%i reaches one of node%i", async (from, to) => {
    const [asker, answerer] = [await podOf("web", from), await podOf("web", to)];
    await mustInPod(asker.name, `ping -c 1 -W 2 ${answerer[family]}`);
    expect(await mustInPod(asker.name, fetchLine(answerer[family], PORT))).toBe(`node${to}`);
  });

  test("a pod reaches its own node and the other one, and they reach it", async () => {
    const pod = await podOf("web", 1);
    for (const n of [1, 2]) {
      const address = family === "ipv4" ? `10.90.0.1${n}` : `fd00:90::1${n}`;
      expect(await mustInPod(pod.name, `ping -c 1 -W 2 ${address}`)).toContain("1 packets received");
      expect(await node(n).must(`ping -c 1 -W 2 ${pod[family]}`)).toContain("1 received");
    }
  });

  test("a host port of a pod answers to a host outside", async () => {
    const address = family === "ipv4" ? "10.90.0.12" : "fd00:90::12";
    expect(await outside.must(fetchLine(address, HOST_PORT))).toBe("node2");
  });
});

describe.each(["nftables", "iptables"])("with kube-proxy in its mode %s", (mode) => {
  beforeAll(() => proxies(mode));

  test("a service answers by its addresses of both families, from pods of every node", async () => {
    const { spec } = await get("service", "web");
    expect(spec.clusterIPs).toHaveLength(2);
    for (const n of [1, 2])
      for (const address of spec.clusterIPs)
        expect(await mustInPod((await podOf("web", n)).name, fetchLine(address, 80))).toMatch(/^node[12]$/);
  });

  test("a service has a name, which pods of every node resolve", async () => {
    const { spec } = await get("service", "web");
    for (const n of [1, 2]) {
      const { name } = await podOf("web", n);
      const answer = await mustInPod(name, "nslookup web.default.svc.cluster.local");
      expect(answer).toContain(spec.clusterIP);
    }
  });

  test("a node port answers to a host outside, whichever node is asked", async () => {
    for (const address of ["10.90.0.11", "10.90.0.12", "fd00:90::11", "fd00:90::12"])
      expect(await outside.must(fetchLine(address, NODE_PORT))).toMatch(/^node[12]$/);
  });
});

/** Restarts kube-proxy on all nodes in a mode, and waits until the service answers. */
async function proxies(mode: string): Promise<void> {
  for (const n of [1, 2]) await stage(["service", `${n}`, "kube-proxy", mode]);
  const { spec } = await get("service", "web");
  for (const n of [1, 2]) {
    const { name } = await podOf("web", n);
    await waitFor(
      `the service answers on node${n}`,
      async () => (await inPod(name, fetchLine(spec.clusterIP, 80))).status === 0,
      30_000,
      200,
    );
  }
}
