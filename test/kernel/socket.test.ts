// The netlink socket at its limits, with the real kernel.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { expect, test } from "vitest";
import { addAddressMessage, listAddresses } from "../../src/net/address.ts";
import { addRouteMessage } from "../../src/net/route.ts";
import { listRoutes } from "../../src/net/route-list.ts";
import { NetlinkSocket } from "../../src/netlink/socket.ts";
import { NETLINK_ROUTE } from "../../src/netlink/uapi/netlink.ts";
import { RTNLGRP_LINK } from "../../src/netlink/uapi/rtnetlink.ts";
import { errnoOf } from "../../src/sys/errno.ts";
import { native } from "../../src/sys/native.ts";
import { prefix } from "../support/ip.ts";
import { Netns } from "../support/netns.ts";
import { mustIndex, Scene } from "./scene.ts";

test("nothing comes within the time that is given: an empty answer, in about that time", () => {
  using host = Netns.open();
  using events = host.inside(() => NetlinkSocket.open(NETLINK_ROUTE, [RTNLGRP_LINK]));
  const start = performance.now();
  expect(events.receive("wait", 30)).toEqual([]);
  const waited = performance.now() - start;
  expect(waited).toBeGreaterThanOrEqual(29);
  expect(waited).toBeLessThan(2_000);
});

test("a thousand requests are all answered: the kernel's answers do not fit into a socket's buffer at once", () => {
  using scene = new Scene().connect();
  const { pod } = scene;
  const index = mustIndex(pod, "eth0");
  const routes = Array.from({ length: 1_000 }, (_, at) =>
    addRouteMessage({ index, dst: prefix(`10.${at >> 8}.${at & 255}.0/24`) }),
  );
  const outcomes = pod.links.transact(routes);
  expect(outcomes.filter(({ error }) => error !== undefined)).toEqual([]);
  expect(listRoutes(pod.links, 4, { index, table: 254 })).toHaveLength(1_000);
});

test("a thousand requests that are all refused are all answered: a refusal takes more room than an answer", () => {
  using scene = new Scene().connect();
  const { pod } = scene;
  const index = mustIndex(pod, "eth0");
  const routes = Array.from({ length: 1_000 }, (_, at) =>
    addRouteMessage({ index, dst: prefix(`10.${at >> 8}.${at & 255}.0/24`) }),
  );
  pod.links.execute(routes);
  expect(pod.links.transact(routes).filter(({ errno }) => errno === 17)).toHaveLength(1_000);
});

test("no program that is started inherits a netlink socket", () => {
  using netns = Netns.open();
  const sockets = (): string[] =>
    readdirSync("/proc/self/fd").filter((fd) => linkTo(`/proc/self/fd/${fd}`).startsWith("socket:"));
  const before = sockets();
  using _socket = netns.inside(() => NetlinkSocket.open(NETLINK_ROUTE));
  const opened = sockets().filter((fd) => !before.includes(fd));
  expect(opened).toHaveLength(1);
  // O_CLOEXEC, in octal digits.
  expect(readFileSync(`/proc/self/fdinfo/${opened[0]}`, "utf8")).toMatch(/^flags:\s+0?2\d{6}$/m);
});

test("two thousand addresses are listed whole and once, in whatever pieces they come", () => {
  using scene = new Scene();
  const { host, bridgeIndex } = scene;
  for (let at = 0; at < 2_000; at += 100) {
    host.links.execute(
      Array.from({ length: 100 }, (_, more) =>
        addAddressMessage(bridgeIndex, prefix(`10.1.${(at + more) >> 8}.${(at + more) & 255}/32`)),
      ),
    );
  }
  const found = listAddresses(host.links, bridgeIndex).filter((each) => each.prefix.address.family === 4);
  expect(new Set(found.map((each) => each.prefix.address.value)).size).toBe(2_000);
  expect(found).toHaveLength(2_000);
});

/** Where a link leads; empty when it has gone meanwhile. */
function linkTo(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

test("a refusal that nobody waits for any more is no answer to the next request", () => {
  using scene = new Scene().connect();
  const { pod } = scene;
  const index = mustIndex(pod, "eth0");
  const route = (octet: number) => addRouteMessage({ index, dst: prefix(`10.9.${octet}.0/24`) });
  pod.links.execute([route(1)]);
  const { recv } = native;
  native.recv = () => {
    native.recv = recv;
    return -errnoOf("ENOBUFS");
  };
  expect(() => pod.links.execute([route(1)])).toThrow("ENOBUFS");
  // The kernel's EEXIST for it is still to be read.
  expect(pod.links.transact([route(2)]).map(({ error }) => error)).toEqual([undefined]);
});
