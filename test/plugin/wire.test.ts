// Two pods that are joined directly (attach: wire): what they reach, who may join, and what stays when one
// goes.
import { expect } from "vitest";
import { add, addDirectly, addressesOf, check, del, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { addPlugins } from "../support/ipam.ts";
import { linkOf } from "../support/link.ts";
import { CNI_VERSIONS, install } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";
import { pings } from "../support/traffic.ts";
import { hostLinks, wireNetwork } from "../support/wire.ts";

scene(
  "two pods reach each other by IPv4 and IPv6 at the first packet, and no link is on the node",
  async (world) => {
    const lab = install(world, wireNetwork("lab"));
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    await add(world, lab, red);
    const result = await add(world, lab, blue);
    expect(addressesOf(result)).toEqual(["10.7.0.1", "fd07::1"]);
    for (const address of ["10.7.0.1", "fd07::1"]) expect(await pings(red, address)).toBe(true);
    for (const address of ["10.7.0.0", "fd07::"]) expect(await pings(blue, address)).toBe(true);
    expect(await hostLinks(world)).toEqual([]);
    expect(await check(world, lab, red)).toBeUndefined();
    expect(await check(world, lab, blue)).toBeUndefined();
  },
);

for (const cniVersion of CNI_VERSIONS)
  scene(`${cniVersion}: ADD, CHECK where the version has it, DEL, and nothing is left`, async (world) => {
    const lab = install(world, wireNetwork("lab", { cniVersion }));
    const baseline = await warmUp(world, lab);
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    const before = await snapshot(world);
    for (const pod of [red, blue]) expect((await add(world, lab, pod)).cniVersion).toBe(cniVersion);
    expect(await pings(red, "10.7.0.1")).toBe(true);
    for (const pod of [red, blue])
      expect(await check(world, lab, pod)).toEqual(
        cniVersion < "0.4.0" ? expect.stringContaining("does no") : undefined,
      );
    for (const pod of [red, blue]) await del(world, lab, pod);
    expect((await snapshot(world)).minus(before).lines).toEqual([]);
    expect(
      before
        .minus(baseline)
        .exceptAdded((all) => all.in(red))
        .exceptAdded((all) => all.in(blue)).lines,
    ).toEqual([]);
  });

scene("a third pod is refused by the names of the two, and nothing is left of it", async (world) => {
  const lab = install(world, wireNetwork("lab", { subnets: ["10.7.0.0/24"] }));
  const [red, blue, green] = [await world.pod("red"), await world.pod("blue"), await world.pod("green")];
  await add(world, lab, red);
  const env = { CNI_ARGS: "K8S_POD_NAMESPACE=default;K8S_POD_NAME=blue" };
  await addDirectly(world, { network: lab, pod: blue, env });
  const before = await snapshot(world);
  const { code, msg, details } = mustFail(await plugin(world, "ADD", { network: lab, pod: green }));
  expect({ code, msg }).toEqual({
    code: 125,
    msg: "wire cannot be joined: the wire of network lab has its two ends",
  });
  expect(details).toContain(`container ${red.containerId} (network lab, eth0)`);
  expect(details).toContain("pod default/blue (network lab, eth0)");
  expect((await snapshot(world)).minus(before).lines).toEqual([]);
  expect(await pings(red, "10.7.0.2")).toBe(true);
});

scene("two interfaces of one pod may be the two members", async (world) => {
  const lab = install(world, wireNetwork("lab"));
  const red = await world.pod("red");
  const before = await snapshot(world);
  await add(world, lab, red, { CNI_IFNAME: "one" });
  await add(world, lab, red, { CNI_IFNAME: "two" });
  expect(await hostLinks(world)).toEqual([]);
  await del(world, lab, red, { CNI_IFNAME: "one" });
  expect(await red.must("ip -br -4 address show dev two")).toContain("10.7.0.1/31");
  await del(world, lab, red, { CNI_IFNAME: "two" });
  expect((await snapshot(world)).attachments.minus(before.attachments).lines).toEqual([]);
});

scene("a chain of three pods over two wires passes packets when the middle forwards", async (world) => {
  const forwards = { "net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1" };
  const wireOfChain = (name: string, number: number, more = {}) => {
    const subnets = [`10.${number}.0.0/31`, `fd0${number}::/127`];
    const far = number === 7 ? 8 : 7;
    const routes = [
      { dst: `10.${far}.0.0/31`, gw: `10.${number}.0.0` },
      { dst: `fd0${far}::/127`, gw: `fd0${number}::` },
    ];
    const ipam = { type: "host-local", ranges: subnets.map((subnet) => [{ subnet }]), ...more };
    return { middle: { subnets, sysctl: forwards }, end: { ipam: { ...ipam, routes } }, name };
  };
  const [left, middle, right] = [
    await world.pod("left"),
    await world.pod("middle"),
    await world.pod("right"),
  ];
  for (const [{ name, ...wishes }, end, CNI_IFNAME] of [
    [wireOfChain("west", 7), left, "net1"],
    [wireOfChain("east", 8), right, "net2"],
  ] as const) {
    await add(world, install(world, wireNetwork(name, wishes.middle)), middle, { CNI_IFNAME });
    await add(world, install(world, wireNetwork(name, wishes.end)), end);
  }
  expect([await pings(left, "10.8.0.1"), await pings(left, "fd08::1")]).toEqual([true, true]);
  expect([await pings(right, "10.7.0.1"), await pings(right, "fd07::1")]).toEqual([true, true]);
});

scene("the node sees no packet between the two", async (world) => {
  const lab = install(world, wireNetwork("lab"));
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  await add(world, lab, red);
  await add(world, lab, blue);
  await world.host.must("nft add table inet seen");
  for (const hook of ["prerouting", "output", "forward"])
    await world.host.must([
      "nft",
      `add chain inet seen ${hook} { type filter hook ${hook} priority 0 ; counter ; }`,
    ]);
  expect([await pings(red, "10.7.0.1"), await pings(red, "fd07::1")]).toEqual([true, true]);
  expect(await world.host.must("nft list table inet seen")).not.toMatch(/packets [1-9]/);
});

scene("a foreign IPAM plugin gives the addresses", async (world) => {
  addPlugins(world, "static");
  const of = (number: number) => ({ type: "static", addresses: [{ address: `10.7.0.${number}/24` }] });
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  const before = await snapshot(world);
  for (const [pod, number] of [
    [red, 5],
    [blue, 6],
  ] as const)
    await addDirectly(world, { network: wireNetwork("lab", { ipam: of(number) }), pod });
  expect(await pings(red, "10.7.0.6")).toBe(true);
  for (const [pod, number] of [
    [red, 5],
    [blue, 6],
  ] as const)
    mustSucceed(await plugin(world, "DEL", { network: wireNetwork("lab", { ipam: of(number) }), pod }));
  expect((await snapshot(world)).attachments.minus(before.attachments).lines).toEqual([]);
  expect(await hostLinks(world)).toEqual([]);
});

scene("without addresses the two hear each other's frames, and an interface may stay down", async (world) => {
  const lab = install(world, wireNetwork("lab", { ipam: {}, disableContainerInterface: true }));
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  for (const pod of [red, blue]) await add(world, lab, pod);
  expect((await linkOf(red, "eth0")).flags).not.toContain("UP");
  for (const [pod, address] of [
    [red, "10.7.0.1/24"],
    [blue, "10.7.0.2/24"],
  ] as const) {
    await pod.must(`ip address add ${address} dev eth0`);
    await pod.must("ip link set eth0 up");
  }
  expect(await pings(red, "10.7.0.2")).toBe(true);
  for (const pod of [red, blue]) await del(world, lab, pod);
  expect(await hostLinks(world)).toEqual([]);
});
