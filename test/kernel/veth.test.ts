// Veth pairs as we make them, judged by `ip`.
import { expect, test } from "vitest";
import { getLink } from "../../src/net/link.ts";
import { changeLinkMessage, createVethMessage, deleteLinkMessage } from "../../src/net/link-change.ts";
import { ipLink } from "../support/netns.ts";
import { BRIDGE, HOST_END, mustIndex, POD_END, refusal, Scene } from "./scene.ts";

test("one request makes the pair: a port of the bridge here, the other end in the pod, each with its MAC, MTU and one queue each way", () => {
  using scene = new Scene();
  const { host, pod } = scene;
  host.links.execute([
    createVethMessage({
      host: HOST_END,
      pod: POD_END,
      mtu: 1380,
      bridgeIndex: scene.bridgeIndex,
      namespaceFd: pod.handle.fd,
    }),
  ]);
  const queues = { num_tx_queues: 1, num_rx_queues: 1 };
  expect(ipLink(host, "veth0")).toMatchObject({
    address: HOST_END.mac,
    mtu: 1380,
    master: "br0",
    linkinfo: { info_kind: "veth", info_slave_kind: "bridge" },
    ...queues,
  });
  expect(ipLink(pod, "eth0")).toMatchObject({
    address: POD_END.mac,
    mtu: 1380,
    linkinfo: { info_kind: "veth" },
    ...queues,
  });
  expect(ipLink(host, "eth0")).toBeUndefined();
  expect(ipLink(host, "veth0")!.flags).not.toContain("UP");
  expect(ipLink(host, "veth0")!.link_index).toBe(ipLink(pod, "eth0")!.ifindex);
});

test("we see the pair as it is: each end names the other, the port its bridge", () => {
  using scene = new Scene().connect();
  const { host, pod } = scene;
  // Equal numbers of the two ends are not said by the kernel, so the host's end gets another one than the
  // pod's.
  const here = getLink(host.links, { name: "veth0" })!;
  const there = getLink(pod.links, { name: "eth0" })!;
  expect(here).toMatchObject({
    kind: "veth",
    up: true,
    master: scene.bridgeIndex,
    mac: HOST_END.mac,
    mtu: 1400,
    operState: 6,
    port: { state: 3, hairpin: false, isolated: false },
  });
  expect(there).toMatchObject({ kind: "veth", up: true, master: 0, mac: POD_END.mac, port: undefined });
  expect([here.peerIndex, there.peerIndex]).toEqual(
    [there.index, here.index].map((index) => (here.index === there.index ? 0 : index)),
  );
});

test("the second request gives the host's end its alias, no link-local address of its own, and hairpin mode, and raises it", () => {
  using scene = new Scene();
  const { host, pod } = scene;
  host.links.execute([
    createVethMessage({
      host: HOST_END,
      pod: POD_END,
      mtu: 1400,
      bridgeIndex: scene.bridgeIndex,
      namespaceFd: pod.handle.fd,
    }),
    changeLinkMessage(
      { name: "veth0" },
      { up: true, alias: "pontoon net c1 eth0", addressGeneration: "none", hairpin: true },
      "settle",
    ),
  ]);
  expect(ipLink(host, "veth0")).toMatchObject({
    ifalias: "pontoon net c1 eth0",
    inet6_addr_gen_mode: "none",
    flags: expect.arrayContaining(["UP"]),
    linkinfo: { info_slave_data: { hairpin: true } },
  });
  host.links.execute([changeLinkMessage({ name: "veth0" }, { hairpin: false }, "settle")]);
  expect(ipLink(host, "veth0")).toMatchObject({
    ifalias: "pontoon net c1 eth0",
    linkinfo: { info_slave_data: { hairpin: false } },
  });
  expect(getLink(host.links, { name: "veth0" })?.port?.hairpin).toBe(false);
});

test("without hairpin mode the same settings are made", () => {
  using scene = new Scene();
  const { host, pod } = scene;
  host.links.execute([
    createVethMessage({
      host: HOST_END,
      pod: POD_END,
      mtu: 1400,
      bridgeIndex: scene.bridgeIndex,
      namespaceFd: pod.handle.fd,
    }),
    changeLinkMessage({ name: "veth0" }, { up: true, alias: "mine", addressGeneration: "none" }, "settle"),
  ]);
  expect(ipLink(host, "veth0")).toMatchObject({
    ifalias: "mine",
    inet6_addr_gen_mode: "none",
    flags: expect.arrayContaining(["UP"]),
  });
});

test("an alias of 255 characters is kept whole; a longer one is refused and leaves the link as it was", () => {
  using scene = new Scene().connect();
  const { host } = scene;
  host.links.execute([changeLinkMessage({ name: "veth0" }, { alias: "a".repeat(255) }, "name it")]);
  expect(ipLink(host, "veth0")!.ifalias).toBe("a".repeat(255));
  expect(
    refusal(() =>
      host.links.execute([changeLinkMessage({ name: "veth0" }, { alias: "b".repeat(256) }, "name it")]),
    ).errno,
  ).toBe(34);
  expect(getLink(host.links, { name: "veth0" })?.alias).toBe("a".repeat(255));
});

test("arp_notify is set inside the pod without its /proc", () => {
  using scene = new Scene().connect();
  const { pod } = scene;
  pod.links.execute([changeLinkMessage({ name: "eth0" }, { arpNotify: true }, "announce")]);
  expect(pod.run("cat /proc/sys/net/ipv4/conf/eth0/arp_notify").trim()).toBe("1");
  pod.links.execute([changeLinkMessage({ name: "eth0" }, { arpNotify: false }, "do not announce")]);
  expect(pod.run("cat /proc/sys/net/ipv4/conf/eth0/arp_notify").trim()).toBe("0");
});

test("a name that is taken, here or in the pod, is refused, and nothing of the pair is left", () => {
  using scene = new Scene();
  const { host, pod } = scene;
  const create = () =>
    host.links.execute([
      createVethMessage({
        host: HOST_END,
        pod: POD_END,
        mtu: 1400,
        bridgeIndex: scene.bridgeIndex,
        namespaceFd: pod.handle.fd,
      }),
    ]);
  pod.run("ip link add eth0 type bridge");
  expect(refusal(create)).toMatchObject({
    errno: 17,
    operation: "create veth pair veth0 with eth0 in the pod",
  });
  expect(ipLink(host, "veth0")).toBeUndefined();
  pod.run("ip link delete eth0");
  host.run("ip link add veth0 type bridge");
  expect(refusal(create).errno).toBe(17);
  expect(getLink(pod.links, { name: "eth0" })).toBeUndefined();
});

test("a bridge that is gone, or is none, is refused, and nothing of the pair is left", () => {
  using scene = new Scene();
  const { host, pod } = scene;
  host.run("ip link add plain type veth peer name plain1");
  for (const master of [9999, mustIndex(host, "plain")]) {
    refusal(() =>
      host.links.execute([
        createVethMessage({
          host: HOST_END,
          pod: POD_END,
          mtu: 1400,
          bridgeIndex: master,
          namespaceFd: pod.handle.fd,
        }),
      ]),
    );
    expect([getLink(host.links, { name: "veth0" }), getLink(pod.links, { name: "eth0" })]).toEqual([
      undefined,
      undefined,
    ]);
  }
});

test("deleting one end takes both; a link that is not there is ENODEV", () => {
  using scene = new Scene().connect();
  const { host, pod } = scene;
  host.links.execute([deleteLinkMessage({ name: "veth0" })]);
  expect([ipLink(host, "veth0"), ipLink(pod, "eth0")]).toEqual([undefined, undefined]);
  expect(refusal(() => host.links.execute([deleteLinkMessage({ name: "veth0" })]))).toMatchObject({
    errno: 19,
    operation: "delete interface veth0",
  });
  host.links.execute([deleteLinkMessage({ index: scene.bridgeIndex })]);
  expect(ipLink(host, BRIDGE.name)).toBeUndefined();
});
