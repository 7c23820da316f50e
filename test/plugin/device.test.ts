// Pods that get a device of the node (attach: device): traffic, and the device given back as it was.
import { expect } from "vitest";
import { add, addDirectly, addressesOf, check, del, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { deviceNetwork, factsOf, LAN_RANGES, plugIn, settled } from "../support/device.ts";
import { diesWith, linkOf } from "../support/link.ts";
import { CNI_VERSIONS, install } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { pings } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";

scene(
  "a pod reaches the network behind its device, and DEL gives the device back as it was",
  async (world) => {
    const { name } = await plugIn(world);
    const lan = install(world, deviceNetwork("lan", { device: name }));
    const red = await world.pod("red");
    const before = await settled(world.host, name);
    const result = await add(world, lan, red);
    expect(result.interfaces).toMatchObject([{ name: "eth0", sandbox: red.namespace }]);
    expect(result.ips?.map((ip) => ip.interface)).toEqual([0, 0]);
    // The far end takes a moment to notice that its cable is plugged in again.
    for (const address of ["10.5.0.1", "fd05::1"])
      await waitFor(`${address} answers`, () => pings(red, address));
    expect((await linkOf(red, "eth0")).ifalias).toBe(`pontoon-device ${name} lan ${red.containerId} eth0`);
    expect(await check(world, lan, red)).toBeUndefined();
    await del(world, lan, red);
    expect(await settled(world.host, name)).toEqual(before);
  },
);

for (const cniVersion of CNI_VERSIONS)
  scene(`${cniVersion}: ADD, CHECK where the version has it, DEL, and all is as it was`, async (world) => {
    const { name } = await plugIn(world);
    const lan = install(world, deviceNetwork("lan", { cniVersion, device: name }));
    const red = await world.pod("red");
    const before = await settled(world.host, name);
    expect((await add(world, lan, red)).cniVersion).toBe(cniVersion);
    expect(await check(world, lan, red)).toEqual(
      cniVersion < "0.4.0"
        ? expect.stringContaining(`configuration version "${cniVersion}" does no`)
        : undefined,
    );
    await del(world, lan, red);
    expect(await settled(world.host, name)).toEqual(before);
  });

scene(
  "a device that was down, without addresses, comes back so from a network without ipam",
  async (world) => {
    await world.host.must("ip link add eth8 type veth peer name eth9");
    const lan = deviceNetwork("lan", { device: "eth8", ipam: {} });
    const red = await world.pod("red");
    const before = await factsOf(world.host, "eth8");
    const result = await addDirectly(world, { network: lan, pod: red });
    expect(result.ips ?? []).toEqual([]);
    expect((await linkOf(red, "eth0")).flags).toContain("UP");
    mustSucceed(await plugin(world, "CHECK", { network: lan, pod: red, more: { prevResult: result } }));
    mustSucceed(await plugin(world, "DEL", { network: lan, pod: red }));
    expect(await factsOf(world.host, "eth8")).toEqual(before);
  },
);

scene(
  "MAC, MTU, queue and modes that the network sets are the device's own again after DEL",
  async (world) => {
    const { name } = await plugIn(world);
    const settings = { mac: "02:aa:bb:cc:dd:ee", mtu: 1300, txQLen: 50, promisc: true, allmulti: true };
    const lan = install(world, deviceNetwork("lan", { device: name, ...settings }));
    const red = await world.pod("red");
    const before = await settled(world.host, name);
    await add(world, lan, red);
    const { flags, ...link } = await linkOf(red, "eth0");
    expect(link).toMatchObject({ address: settings.mac, mtu: 1300, txqlen: 50 });
    expect(flags).toEqual(expect.arrayContaining(["PROMISC", "ALLMULTI"]));
    expect(await check(world, lan, red)).toBeUndefined();
    await del(world, lan, red);
    expect(await settled(world.host, name)).toEqual(before);
  },
);

scene(
  "the device goes back under its name although the pod used another program's name for it",
  async (world) => {
    const { name } = await plugIn(world);
    const lan = install(world, deviceNetwork("lan", { device: name }));
    const red = await world.pod("red");
    const before = await settled(world.host, name);
    await add(world, lan, red);
    for (const command of [
      "link set eth0 down",
      "link set eth0 name odd0 address 02:ee:ee:ee:ee:ee mtu 1280",
    ])
      await red.must(`ip ${command}`);
    await del(world, lan, red);
    expect(await settled(world.host, name)).toEqual(before);
  },
);

scene(
  "CHECK tells of another MAC, of an address that is gone, and of a device that is gone",
  async (world) => {
    const { name } = await plugIn(world);
    const lan = install(world, deviceNetwork("lan", { device: name }));
    const red = await world.pod("red");
    const { mac = "" } = (await add(world, lan, red)).interfaces?.[0] ?? {};
    await red.must("ip link set eth0 address 02:ee:ee:ee:ee:ee");
    expect(await check(world, lan, red)).toContain(`has the MAC 02:ee:ee:ee:ee:ee instead of ${mac}`);
    await red.must(`ip link set eth0 address ${mac}`);
    await red.must("ip address flush dev eth0 scope global");
    expect(await check(world, lan, red)).toContain("has no address 10.5.0.10/24");
    await red.must("ip link set eth0 name odd0");
    expect(await check(world, lan, red)).toContain("interface eth0 in the pod does not exist");
  },
);

scene(
  "what a pod switched off on its device is on again after DEL, and its group is that of before",
  async (world) => {
    const { name } = await plugIn(world);
    await world.host.must(`ip link set ${name} group 5`);
    const lan = install(world, deviceNetwork("lan", { device: name }));
    const red = await world.pod("red");
    const before = await settled(world.host, name);
    await add(world, lan, red);
    await red.must("ip link set eth0 arp off multicast off group 7");
    await del(world, lan, red);
    expect(await settled(world.host, name)).toEqual(before);
  },
);

scene("routes and source routing of the network work on a device", async (world) => {
  const { name } = await plugIn(world);
  const ipam = { type: "host-local", ranges: LAN_RANGES, routes: [{ dst: "0.0.0.0/0" }] };
  const lan = install(world, deviceNetwork("lan", { device: name, ipam, sourceBasedRouting: true }));
  const red = await world.pod("red");
  await add(world, lan, red);
  expect(await red.must("ip route get 8.8.8.8 from 10.5.0.10")).toContain("via 10.5.0.1 dev eth0");
  expect(await check(world, lan, red)).toBeUndefined();
});

scene(
  "with enabledad ADD waits for the answer of the network, and refuses an address that is taken",
  async (world) => {
    const { name, lan: wire } = await plugIn(world);
    const lan = install(world, deviceNetwork("lan", { device: name, enabledad: true }));
    const red = await world.pod("red");
    await wire.must("ip -6 address add fd05::10/64 dev wire nodad");
    const before = await settled(world.host, name);
    const { stdout } = await plugin(world, "ADD", { network: lan, pod: red });
    expect(JSON.parse(stdout)).toMatchObject({
      code: 122,
      details: expect.stringContaining("the network of eth0") as string,
    });
    expect(await settled(world.host, name)).toEqual(before);
    expect(addressesOf(await add(world, lan, red))[1]).toBe("fd05::11");
  },
);

scene(
  "a virtual device dies with the pod's namespace, and DEL succeeds and leaves nothing",
  async (world) => {
    const { name, lan: wire } = await plugIn(world);
    const lan = install(world, deviceNetwork("lan", { device: name }));
    const red = await world.pod("red");
    await add(world, lan, red);
    await diesWith(world, red, "wire", wire);
    await del(world, lan, red);
    expect((await snapshot(world)).attachments.lines).toEqual([]);
  },
);

scene("two ADDs at once on a list of two devices take one each, and both come back", async (world) => {
  const cards = [await plugIn(world, "eth7"), await plugIn(world, "eth88")];
  const lan = install(world, deviceNetwork("lan", { devices: ["eth*"] }));
  const before = await Promise.all(cards.map(({ name }) => settled(world.host, name)));
  const pods = [await world.pod("red"), await world.pod("blue")];
  await Promise.all(pods.map((pod) => add(world, lan, pod)));
  const aliases = await Promise.all(
    pods.map(async (pod) => (await linkOf(pod, "eth0")).ifalias?.split(" ")[1]),
  );
  expect(aliases.toSorted()).toEqual(["eth7", "eth88"]);
  await Promise.all(pods.map((pod) => del(world, lan, pod)));
  expect(await Promise.all(cards.map(({ name }) => settled(world.host, name)))).toEqual(before);
});

scene("STATUS wants the device on the node or with an attachment", async (world) => {
  const { name } = await plugIn(world);
  const lan = install(world, deviceNetwork("lan", { device: name }));
  mustSucceed(await plugin(world, "STATUS", { network: lan }));
  const red = await world.pod("red");
  await add(world, lan, red);
  mustSucceed(await plugin(world, "STATUS", { network: lan }));
  await del(world, lan, red);
  await world.host.must(`ip link delete ${name}`);
  const { stdout } = await plugin(world, "STATUS", { network: lan });
  expect(JSON.parse(stdout)).toMatchObject({ code: 50, msg: expect.stringContaining(`"${name}"`) as string });
});

for (const wishes of [{ device: "enp0s7" }, { device: "uplink-to-the-lan" }, { devices: ["enp*"] }])
  scene(
    `a device that is named by an alternative name (${JSON.stringify(wishes)}) is known by it while a pod has it, too`,
    async (world) => {
      const { name } = await plugIn(world);
      await world.host.must(`ip link property add dev ${name} altname enp0s7 altname uplink-to-the-lan`);
      const network = deviceNetwork("lan", wishes);
      const before = await settled(world.host, name);
      const [red, blue] = [await world.pod("red"), await world.pod("blue")];
      await addDirectly(world, { network, pod: red });
      expect((await linkOf(red, "eth0")).ifalias).toBe(`pontoon-device ${name} lan ${red.containerId} eth0`);
      mustSucceed(await plugin(world, "STATUS", { network }));
      const { code, details } = mustFail(await plugin(world, "ADD", { network, pod: blue }));
      expect([code, details]).toEqual([126, expect.stringContaining(`container ${red.containerId}`)]);
      mustSucceed(await plugin(world, "DEL", { network, pod: red }));
      expect(await settled(world.host, name)).toEqual(before);
    },
  );

scene(
  "alternative names that the pod took or gave are those of before, and hold up no DEL",
  async (world) => {
    const { name } = await plugIn(world);
    await world.host.must(`ip link property add dev ${name} altname enp0s7`);
    const network = deviceNetwork("lan", { device: name });
    const before = await settled(world.host, name);
    const red = await world.pod("red");
    await addDirectly(world, { network, pod: red });
    await red.must("ip link property del dev eth0 altname enp0s7");
    for (const altName of ["br7", "mine"]) await red.must(`ip link property add dev eth0 altname ${altName}`);
    await world.host.must("ip link add br7 type bridge");
    mustSucceed(await plugin(world, "DEL", { network, pod: red }));
    expect(await settled(world.host, name)).toEqual(before);
  },
);

scene("without a record a device leaves a name behind that the node has by now", async (world) => {
  const { name } = await plugIn(world);
  const network = deviceNetwork("lan", { device: name });
  const red = await world.pod("red");
  await addDirectly(world, { network, pod: red });
  for (const altName of ["br7", "mine"]) await red.must(`ip link property add dev eth0 altname ${altName}`);
  await world.host.must("ip link add br7 type bridge");
  await world.host.must("rm -r /var/lib/cni/pontoon");
  mustSucceed(await plugin(world, "DEL", { network, pod: red }));
  expect(await linkOf(world.host, name)).toMatchObject({ altnames: ["mine"] });
});
