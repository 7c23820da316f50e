// A third node behind a router joins and leaves: its pods go by the tunnel, full packets too.
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectRoutes, join, leave, routesOn, subnetsOf } from "./support/node-life.ts";
import { deploy, kubectl, node, rolledOut, router } from "./support/stage.ts";
import { fetchLine, inNamespaceOf, mustInPod, PORT, podOf, seenFrom, startWeb } from "./support/web.ts";

let subnets: string[];

beforeAll(async () => {
  await deploy("base");
  await startWeb();
  await join(3, 13, 1);
  subnets = await subnetsOf("node3");
  await rolledOut("daemonset/web");
});
afterAll(() => leave(3));

test("nodes of one segment have direct routes, and those to a node behind the router lead into the tunnel", async () => {
  await expectRoutes(1, Object.fromEntries(subnets.map((subnet) => [subnet, "pontoon-vxlan"])));
  const [four = "", six = ""] = await subnetsOf("node2");
  await expectRoutes(1, { [four]: "10.90.0.12", [six]: "fd00:90::12" });
  const [first = ""] = await subnetsOf("node1");
  await expectRoutes(3, { [first]: "pontoon-vxlan", [four]: "pontoon-vxlan" });
});

test("pods reach each other over the router, which knows no way to pods, and see their own addresses", async () => {
  const [one, three] = [await podOf("web", 1), await podOf("web", 3)];
  for (const family of ["ipv4", "ipv6"] as const) {
    expect(await mustInPod(one.name, fetchLine(three[family], PORT))).toBe("node3");
    expect(await mustInPod(three.name, fetchLine(one[family], PORT))).toBe("node1");
    expect(await seenFrom(one.name, three[family])).toBe(one[family]);
    expect(await seenFrom(three.name, one[family])).toBe(three[family]);
  }
  expect(await router.must("ip -4 route show; ip -6 route show")).not.toMatch(/10\.244|fd00:244/);
});

test("a packet as large as the MTU of a new pod goes through the tunnel in one piece", async () => {
  // Pods of before the tunnel have the MTU of then.
  await kubectl(["rollout", "restart", "daemonset/web"]);
  await rolledOut("daemonset/web");
  const [one, three] = [await podOf("web", 1), await podOf("web", 3)];
  const { stdout: link } = await inNamespaceOf(node(1), one.ipv4, "ip -j link show eth0");
  const mtu = (JSON.parse(link) as { mtu: number }[])[0]?.mtu ?? 0;
  for (const [address, header] of [
    [three.ipv4, 28],
    [three.ipv6, 48],
  ] as const) {
    const ping = (size: number) =>
      inNamespaceOf(node(1), one.ipv4, `ping -M do -c 2 -i 0.2 -W 2 -s ${size - header} ${address}`);
    expect(await ping(mtu)).toMatchObject({ status: 0 });
    expect((await ping(mtu + 1)).status).not.toBe(0);
  }
});

test("a large file comes whole through the tunnel", async () => {
  const [one, three] = [await podOf("web", 1), await podOf("web", 3)];
  const sum = await mustInPod(
    three.name,
    "head -c 8000000 /dev/urandom > /tmp/large; sha256sum < /tmp/large",
  );
  expect(await mustInPod(one.name, `${fetchLine(three.ipv4, PORT, "/large")} | sha256sum`)).toBe(sum);
});

test("when the node has left, nothing of it is on the others", async () => {
  await leave(3);
  for (const n of [1, 2]) {
    await expectRoutes(n, Object.fromEntries(subnets.map((subnet) => [subnet, undefined])));
    expect(await routesOn(n)).toHaveLength(2);
    expect(await node(n).must("ip neigh show dev pontoon-vxlan nud permanent 2> /dev/null || true")).toBe("");
  }
});
