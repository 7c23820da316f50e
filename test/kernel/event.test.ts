// Events: what the kernel tells those who listen.
import { expect, test } from "vitest";
import { formatPrefix } from "../../src/ip/prefix.ts";
import { addAddressMessage, readAddress } from "../../src/net/address.ts";
import { changeLinkMessage } from "../../src/net/link-change.ts";
import { NetlinkSocket } from "../../src/netlink/socket.ts";
import { NETLINK_ROUTE } from "../../src/netlink/uapi/netlink.ts";
import { RTNLGRP_IPV6_IFADDR, RTNLGRP_LINK } from "../../src/netlink/uapi/rtnetlink.ts";
import { prefix } from "../support/ip.ts";
import type { Netns } from "../support/netns.ts";
import { mustIndex, refusal, Scene } from "./scene.ts";

const listen = (netns: Netns, group: number): NetlinkSocket =>
  netns.inside(() => NetlinkSocket.open(NETLINK_ROUTE, [group]));
const setMtu = (mtu: number) => changeLinkMessage({ name: "br0" }, { mtu }, "change the bridge");

test("a change of a link wakes whoever listens, although he never asked anything", () => {
  using scene = new Scene();
  using events = listen(scene.host, RTNLGRP_LINK);
  scene.host.links.execute([setMtu(1300)]);
  expect(events.receive("wait", 1_000)).not.toEqual([]);
});

test("an IPv6 address that comes into use is told within moments", () => {
  using scene = new Scene().connect();
  const { pod } = scene;
  using events = listen(pod, RTNLGRP_IPV6_IFADDR);
  pod.links.execute([addAddressMessage(mustIndex(pod, "eth0"), prefix("fd01::2/64"))]);
  const told = events.receive("wait", 1_000).flatMap((reply) => readAddress(reply) ?? []);
  expect(told.map((each) => [formatPrefix(each.prefix), each.tentative])).toEqual([["fd01::2/64", false]]);
});

test("a listener that missed events is told so with ENOBUFS, and hears the next one", () => {
  using scene = new Scene();
  const { host } = scene;
  using events = listen(host, RTNLGRP_LINK);
  const drain = () => {
    while (events.receive("wait for the link", 0).length > 0);
  };
  for (let count = 0; count < 1_000; count++) host.links.execute([setMtu(1300 + (count % 2))]);
  expect(refusal(drain)).toMatchObject({ errno: 105, operation: "wait for the link" });
  drain();
  host.links.execute([setMtu(1299)]);
  expect(events.receive("wait for the link", 1_000)).not.toEqual([]);
});
