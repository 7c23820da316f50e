// The routes of a pod: in the result, and in the pod's kernel.
import { expect, test } from "vitest";
import { formatAddress } from "../../../src/ip/address.ts";
import { formatPrefix } from "../../../src/ip/prefix.ts";
import type { PodRoute } from "../../../src/plan/step.ts";
import { address } from "../../support/ip.ts";
import { attachmentOf, route, theStep, V4, V6, type Wishes } from "./input.ts";

/** Routes as `destination via gateway`, in the result and in the pod. */
function routesOf(wishes: Wishes, addresses: string[]): { result: string[]; pod: string[] } {
  const attachment = attachmentOf(wishes, addresses);
  const said = (dst: string, gateway: string | undefined) =>
    gateway === undefined ? dst : `${dst} via ${gateway}`;
  return {
    result: attachment.routes.map(({ dst, gw }) => said(formatPrefix(dst), gw && formatAddress(gw))),
    pod: theStep("pod", attachment).routes.map(({ dst, gateway }) =>
      said(formatPrefix(dst), gateway && formatAddress(gateway)),
    ),
  };
}

test.each<{ what: string; wishes: Wishes; result: string[]; pod: string[] }>([
  { what: "no routes are asked for", wishes: {}, result: [], pod: [] },
  {
    what: "a default route without isDefaultGateway goes by the gateway; the result says it as it was configured",
    wishes: { routes: [route("0.0.0.0/0")] },
    result: ["0.0.0.0/0"],
    pod: ["0.0.0.0/0 via 10.1.0.1"],
  },
  {
    what: "isDefaultGateway adds a default route of each family, and the result says so",
    wishes: { isDefaultGateway: true },
    result: ["0.0.0.0/0 via 10.1.0.1", "::/0 via fd01::1"],
    pod: ["0.0.0.0/0 via 10.1.0.1", "::/0 via fd01::1"],
  },
  {
    what: "isDefaultGateway with a configured default route without gateway: one route, with the gateway",
    wishes: { isDefaultGateway: true, routes: [route("0.0.0.0/0"), route("::/0")] },
    result: ["0.0.0.0/0 via 10.1.0.1", "::/0 via fd01::1"],
    pod: ["0.0.0.0/0 via 10.1.0.1", "::/0 via fd01::1"],
  },
  {
    what: "isDefaultGateway with a configured default route by another gateway: that one stays",
    wishes: { isDefaultGateway: true, routes: [route("0.0.0.0/0 10.1.0.7")] },
    result: ["0.0.0.0/0 via 10.1.0.7", "::/0 via fd01::1"],
    pod: ["0.0.0.0/0 via 10.1.0.7", "::/0 via fd01::1"],
  },
  {
    what: "a default route of another table is not the one that isDefaultGateway means",
    wishes: { isDefaultGateway: true, routes: [route("0.0.0.0/0", { table: 100 })] },
    result: ["0.0.0.0/0", "0.0.0.0/0 via 10.1.0.1", "::/0 via fd01::1"],
    pod: ["0.0.0.0/0 via 10.1.0.1", "0.0.0.0/0 via 10.1.0.1", "::/0 via fd01::1"],
  },
  {
    what: "table 0 is the main one, as for the kernel",
    wishes: { isDefaultGateway: true, routes: [route("0.0.0.0/0", { table: 0 })] },
    result: ["0.0.0.0/0 via 10.1.0.1", "::/0 via fd01::1"],
    pod: ["0.0.0.0/0 via 10.1.0.1", "::/0 via fd01::1"],
  },
  {
    what: "a default route that names the main table is",
    wishes: { isDefaultGateway: true, routes: [route("0.0.0.0/0", { table: 254 })] },
    result: ["0.0.0.0/0 via 10.1.0.1", "::/0 via fd01::1"],
    pod: ["0.0.0.0/0 via 10.1.0.1", "::/0 via fd01::1"],
  },
  {
    what: "a route on the link itself (scope 253 or narrower) gets no gateway",
    wishes: { routes: [route("10.9.0.0/16", { scope: 253 }), route("10.8.0.0/16", { scope: 0 })] },
    result: ["10.9.0.0/16", "10.8.0.0/16"],
    pod: ["10.9.0.0/16", "10.8.0.0/16 via 10.1.0.1"],
  },
])("$what", ({ wishes, result, pod }) => {
  expect(routesOf(wishes, [V4, V6])).toEqual({ result, pod });
});

test("with several addresses of one family the first one's gateway is the default, once", () => {
  const found = routesOf({ isDefaultGateway: true }, [V4, "10.2.0.2/24 10.2.0.1", "fd02::2/64 fd02::1", V6]);
  expect(found.pod).toEqual(["0.0.0.0/0 via 10.1.0.1", "::/0 via fd02::1"]);
});

test("a route of a family that the pod has no address of goes without a gateway", () => {
  expect(routesOf({ routes: [route("fd09::/32")] }, [V4]).pod).toEqual(["fd09::/32"]);
});

test("an address without a gateway has none on the bridge, and its routes are on the link or go by the next address's", () => {
  const addresses = ["10.1.0.2/24", "10.2.0.2/24 10.2.0.1", "fd01::2/64"];
  const attachment = attachmentOf({ isDefaultGateway: true }, addresses);
  expect(theStep("gateway", attachment).addresses.map(formatPrefix)).toEqual(["10.2.0.1/24"]);
  expect(theStep("forwarding", attachment).families).toEqual([4]);
  expect(attachment.addresses.map(({ gateway }) => gateway && formatAddress(gateway))).toEqual([
    undefined,
    "10.2.0.1",
    undefined,
  ]);
  expect(attachment.routes).toEqual([route("0.0.0.0/0 10.2.0.1")]);
  expect(routesOf({ routes: [route("10.9.0.0/16"), route("fd09::/32")] }, addresses).pod).toEqual([
    "10.9.0.0/16 via 10.2.0.1",
    "fd09::/32",
  ]);
});

/** The one route that a pod gets for a configured one. */
function podRouteOf(text: string, more: Parameters<typeof route>[1], addresses = [V4, V6]): PodRoute {
  const [found] = theStep("pod", attachmentOf({ routes: [route(text, more)] }, addresses)).routes;
  if (found === undefined) throw new Error("The pod gets no route.");
  return found;
}

test("a gateway inside of any of the pod's subnets is reached as usual, one outside only because it is said to be on the link", () => {
  expect(podRouteOf("10.9.0.0/16 10.1.0.7", {}).onLink).toBe(false);
  expect(podRouteOf("10.9.0.0/16 10.2.0.7", {}, [V4, "10.2.0.2/24 10.2.0.1"]).onLink).toBe(false);
  expect(podRouteOf("10.9.0.0/16 192.168.1.1", {}).onLink).toBe(true);
  expect(podRouteOf("fd09::/32 fe80::1", {}).onLink).toBe(true);
  expect(podRouteOf("10.9.0.0/16", {}, ["10.1.0.2/32 169.254.1.1"])).toMatchObject({
    gateway: address("169.254.1.1"),
    onLink: true,
  });
  expect(podRouteOf("10.9.0.0/16", { scope: 253 }).onLink).toBe(false);
});

test("what a route has goes to the kernel, and a 0 means that it is not set, the scope excepted", () => {
  expect(
    podRouteOf("10.9.0.0/16", { mtu: 1300, advmss: 1200, priority: 7, table: 1000, scope: 0 }),
  ).toMatchObject({ mtu: 1300, advmss: 1200, priority: 7, table: 1000, scope: 0 });
  expect(podRouteOf("10.9.0.0/16", { mtu: 0, advmss: 0, priority: 0, table: 0 })).toMatchObject({
    mtu: undefined,
    advmss: undefined,
    priority: undefined,
    table: undefined,
    scope: undefined,
  });
});

/** Destinations of the routes in the pod's main table, and of those in the table of its interface. */
function tablesOf(wishes: Wishes): { main: string[]; own: string[] } {
  const attachment = attachmentOf({ ...wishes, sourceBasedRouting: true }, [V4, V6]);
  const said = ({ dst, gateway }: PodRoute) =>
    `${formatPrefix(dst)}${gateway === undefined ? "" : ` via ${formatAddress(gateway)}`}`;
  return {
    main: theStep("pod", attachment).routes.map(said),
    own: theStep("sourceRouting", attachment).routes.map(said),
  };
}

test("with source based routing default routes are in the interface's own table alone, other routes of the main table in both", () => {
  const routes = [route("0.0.0.0/0 10.1.0.7"), route("10.9.0.0/16"), route("10.8.0.0/16", { table: 100 })];
  expect(tablesOf({ routes })).toEqual({
    main: ["10.9.0.0/16 via 10.1.0.1", "10.8.0.0/16 via 10.1.0.1"],
    own: [
      "10.1.0.0/24",
      "fd01::/64",
      "10.9.0.0/16 via 10.1.0.1",
      "0.0.0.0/0 via 10.1.0.7",
      "::/0 via fd01::1",
    ],
  });
});

test("with source based routing a family without a default route gets one by its gateway, in the interface's own table", () => {
  const own = ["10.1.0.0/24", "fd01::/64", "0.0.0.0/0 via 10.1.0.1", "::/0 via fd01::1"];
  expect(tablesOf({})).toEqual({ main: [], own });
  expect(tablesOf({ isDefaultGateway: true })).toEqual({ main: [], own });
});
