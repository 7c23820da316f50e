// Pods on a veth pair of their own, without a bridge (attach: ptp): the places that they reach, and what is
// left of them.
import { expect } from "vitest";
import { add, addressesOf, check, del, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { addPlugins } from "../support/ipam.ts";
import { dies, hostLinkOf } from "../support/link.ts";
import { addNeighbour, wireOf } from "../support/neighbour.ts";
import { CNI_VERSIONS, FAMILIES, install } from "../support/network.ts";
import { ptpNetwork } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";
import { failingAt, TRACE } from "../support/strace.ts";
import { connect, pings, serve } from "../support/traffic.ts";

for (const { family, subnets } of FAMILIES) {
  scene(
    `${family}: pods of one network reach each other and the node, at the first packet`,
    async (world) => {
      const pods = install(world, ptpNetwork("pods", { subnets }));
      const [red, blue] = [await world.pod("red"), await world.pod("blue")];
      await add(world, pods, red);
      const result = await add(world, pods, blue);
      for (const address of addressesOf(result)) {
        expect(await pings(world.host, address)).toBe(true);
        expect(await pings(red, address)).toBe(true);
      }
      for (const gateway of (result.ips ?? []).map(({ gateway }) => gateway ?? ""))
        expect(await pings(blue, gateway)).toBe(true);
      expect(await check(world, pods, red)).toBeUndefined();
      expect(await world.host.exec("ip -j link show type bridge")).toMatchObject({ stdout: "[]\n" });
    },
  );

  scene(
    `${family}: with strict rp_filter a pod reaches another host, which sees the node's address`,
    async (world) => {
      await world.host.must("sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.default.rp_filter=1");
      const neighbour = await addNeighbour(world);
      const pods = install(world, ptpNetwork("pods", { subnets }));
      const red = await world.pod("red");
      for (const address of addressesOf(await add(world, pods, red))) {
        const { theirs, ours } = wireOf(neighbour, address);
        await using _server = await serve(neighbour.place, "tcp", theirs, 8080);
        expect(await connect(red, theirs, 8080)).toBe(`neighbour saw ${ours}`);
      }
    },
  );
}

for (const cniVersion of CNI_VERSIONS)
  scene(`${cniVersion}: ADD, CHECK where the version has it, DEL, and nothing is left`, async (world) => {
    const pods = install(world, ptpNetwork("pods", { cniVersion, subnets: ["10.1.0.0/24", "fd01::/64"] }));
    const baseline = await warmUp(world, pods);
    const red = await world.pod("red");
    const before = await snapshot(world);
    const result = await add(world, pods, red);
    expect(result.cniVersion).toBe(cniVersion);
    expect(await pings(red, "10.1.0.1")).toBe(true);
    expect(await pings(red, "fd01::1")).toBe(true);
    expect(await check(world, pods, red)).toEqual(
      cniVersion < "0.4.0"
        ? expect.stringContaining(`configuration version "${cniVersion}" does no`)
        : undefined,
    );
    await del(world, pods, red);
    expect((await snapshot(world)).minus(before).lines).toEqual([]);
    expect(before.minus(baseline).exceptAdded((all) => all.in(red)).lines).toEqual([]);
  });

scene(
  "the interfaces of the result are the host's end and the pod's end, and the address is the pod's",
  async (world) => {
    const pods = install(world, ptpNetwork("pods"));
    const red = await world.pod("red");
    const { interfaces, ips } = await add(world, pods, red);
    expect(interfaces?.map(({ name }) => name)).toEqual([await hostLinkOf(world, red), "eth0"]);
    expect(ips).toMatchObject([{ interface: 1, address: "10.1.0.2/24", gateway: "10.1.0.1" }]);
  },
);

scene("a pod whose namespace dies leaves its address to the next one", async (world) => {
  const range = { subnet: "10.1.0.0/24", rangeStart: "10.1.0.2", rangeEnd: "10.1.0.2" };
  const pods = install(world, ptpNetwork("pods", { ipam: { type: "host-local", ranges: [[range]] } }));
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  await add(world, pods, red);
  await dies(world, red);
  expect(addressesOf(await add(world, pods, blue))).toEqual(["10.1.0.2"]);
});

scene(
  "an address that another network's pod has is refused with that pod's name, and nothing is left",
  async (world) => {
    const range = { subnet: "10.1.0.0/24", rangeStart: "10.1.0.2", rangeEnd: "10.1.0.2" };
    const ipam = { type: "host-local", ranges: [[range]] };
    const [one, other] = [ptpNetwork("one", { ipam }), install(world, ptpNetwork("other", { ipam }))];
    install(world, one);
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    await add(world, one, red);
    const before = await snapshot(world);
    expect(mustFail(await plugin(world, "ADD", { network: other, pod: blue }))).toMatchObject({
      msg: expect.stringContaining("10.1.0.2 is used twice") as string,
      details: expect.stringContaining(`container ${red.containerId}`) as string,
    });
    expect((await snapshot(world)).minus(before).lines.filter((line) => !/file|folder/.test(line))).toEqual(
      [],
    );
  },
);

scene(
  "a gateway address that an interface of the node has is refused by that interface's name",
  async (world) => {
    await world.host.must("ip link add eth9 type veth peer name wire9");
    await world.host.must("ip address add 10.1.0.1/24 dev eth9");
    await world.host.must("ip link set eth9 up");
    const pods = install(world, ptpNetwork("pods"));
    const red = await world.pod("red");
    expect(mustFail(await plugin(world, "ADD", { network: pods, pod: red }))).toMatchObject({
      code: 122,
      msg: expect.stringMatching(/^address cannot be set: .*"eth9" has it$/) as string,
    });
  },
);

scene("a gateway address that the kernel refuses is named, as an address", async (world) => {
  addPlugins(world, "static");
  const addresses = [{ address: "fd01::7/128", gateway: "ff02::99" }];
  const pods = install(world, ptpNetwork("pods", { ipam: { type: "static", addresses } }));
  const red = await world.pod("red");
  expect(mustFail(await plugin(world, "ADD", { network: pods, pod: red }))).toMatchObject({
    code: 122,
    msg: expect.stringMatching(/^address cannot be set: ff02::99 on veth/) as string,
  });
});

for (const [key, value] of [
  ["bridge", "cni0"],
  ["vlan", 5],
  ["hairpinMode", true],
  ["portIsolation", true],
] as const)
  scene(`the key ${key} is refused, since it makes no sense without a bridge`, async (world) => {
    const pods = ptpNetwork("pods", { [key]: value });
    if (key === "bridge") pods.plugins[0].bridge = "cni0";
    const red = await world.pod("red");
    expect(mustFail(await plugin(world, "ADD", { network: pods, pod: red }))).toMatchObject({
      code: 7,
      msg: expect.stringMatching(new RegExp(`${key} .*makes no sense with "attach": "ptp"`)) as string,
    });
  });

scene("with isDefaultGateway the gateway may lie outside of the pods' subnet", async (world) => {
  const range = { subnet: "10.1.0.0/24", gateway: "169.254.1.1" };
  const ipam = { type: "host-local", ranges: [[range]] };
  const pods = install(world, ptpNetwork("pods", { ipam, isDefaultGateway: true }));
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  await add(world, pods, red);
  const [address = ""] = addressesOf(await add(world, pods, blue));
  expect(await pings(red, address)).toBe(true);
  expect(await check(world, pods, red)).toBeUndefined();
});

scene(
  "a link-local gateway is the network's, although another interface has the same address",
  async (world) => {
    await world.host.must("ip link add docker9 up type bridge");
    await world.host.must("ip address add fe80::1/64 dev docker9 nodad");
    const range = { subnet: "fd01::/64", gateway: "fe80::1" };
    const pods = install(world, ptpNetwork("pods", { ipam: { type: "host-local", ranges: [[range]] } }));
    const red = await world.pod("red");
    const [address = ""] = addressesOf(await add(world, pods, red));
    expect(await pings(world.host, address)).toBe(true);
  },
);

scene("a repeated DEL lists the elements of no table that is not there", async (world) => {
  const pods = install(world, ptpNetwork("pods", { ipMasq: false }));
  const red = await world.pod("red");
  const through = failingAt({ kind: "sendto", count: 10_000 }, "ENOMEM");
  mustSucceed(await plugin(world, "DEL", { network: pods, pod: red, through }));
  expect(world.read(TRACE)).toMatch(/RTM_|nlmsg_type=0x/);
  // NFT_MSG_GETSETELEM of NFNL_SUBSYS_NFTABLES
  expect(world.read(TRACE)).not.toMatch(/NFT_MSG_GETSETELEM|nlmsg_type=0xa0d/);
});
