// What the keys about links do: MTU, hairpin, promiscuity, and the name that says whose a link is.
import { expect } from "vitest";
import { add, addDirectly, addressesOf, check, del } from "../support/cni.ts";
import { hostLinkOf, linkOf } from "../support/link.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";
import { isSilent, pings } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";

scene("mtu: bridge, host end and pod end have it, and a full packet of that size passes", async (world) => {
  const red = await world.pod("red");
  const pods = install(world, network("pods", { mtu: 1400 }));
  await add(world, pods, red);
  const mtus = [
    await linkOf(world.host, "pods0"),
    await linkOf(world.host, await hostLinkOf(world, red)),
    await linkOf(red, "eth0"),
  ];
  expect(mtus.map(({ mtu }) => mtu)).toEqual([1400, 1400, 1400]);
  expect((await red.exec("ping -n -c 1 -W 1 -M do -s 1372 10.1.0.1")).status).toBe(0);
  expect(await check(world, pods, red)).toBeUndefined();
});

scene("mtu below 1280: a link without IPv6 serves IPv4 as well as any other", async (world) => {
  const red = await world.pod("red");
  const pods = install(world, network("pods", { mtu: 1000 }));
  await add(world, pods, red);
  expect((await red.exec("ping -n -c 1 -W 1 -M do -s 972 10.1.0.1")).status).toBe(0);
  expect(await check(world, pods, red)).toBeUndefined();
});

scene("no mtu, and the way out leads by lo: pods get the largest that a bridge takes", async (world) => {
  await world.host.must("ip route add default dev lo");
  const red = await world.pod("red");
  await add(world, install(world, network("pods")), red);
  expect((await linkOf(red, "eth0")).mtu).toBe(65535);
});

scene("no mtu: pods take the uplink's, the one the default route leads to", async (world) => {
  await world.host.must("ip link add uplink mtu 1380 type veth peer name wire");
  await world.host.must("ip address add 192.168.50.1/24 dev uplink");
  await world.host.must([
    "sh",
    "-c",
    "ip link set wire up; ip link set uplink up; ip route add default via 192.168.50.2",
  ]);
  const red = await world.pod("red");
  await add(world, install(world, network("pods")), red);
  expect((await linkOf(red, "eth0")).mtu).toBe(1380);
});

scene("hairpinMode: on at the pod's port when asked for, else off", async (world) => {
  for (const [name, hairpinMode] of [
    ["red", true],
    ["blue", false],
  ] as const) {
    const pod = await world.pod(name);
    const pods = install(world, network("pods", { hairpinMode }));
    await add(world, pods, pod);
    const port = await linkOf(world.host, await hostLinkOf(world, pod));
    expect(port.linkinfo?.info_slave_data?.hairpin).toBe(hairpinMode);
    expect(await check(world, pods, pod)).toBeUndefined();
  }
});

scene(
  "portIsolation: pods with it do not reach each other; the gateway, and pods without it, they do",
  async (world) => {
    const isolated = network("pods", { subnets: ["10.1.0.0/24", "fd01::/64"], portIsolation: true });
    const [red, blue, green] = [await world.pod("red"), await world.pod("blue"), await world.pod("green")];
    const results = {
      red: await add(world, install(world, isolated), red),
      blue: await add(world, isolated, blue),
    };
    for (const pod of [red, blue]) expect(await check(world, isolated, pod)).toBeUndefined();
    const open = install(world, network("pods", { subnets: ["10.1.0.0/24", "fd01::/64"] }));
    const free = addressesOf(await add(world, open, green));
    for (const address of addressesOf(results.blue)) expect(await isSilent(red, address), address).toBe(true);
    for (const address of addressesOf(results.red)) expect(await isSilent(blue, address), address).toBe(true);
    for (const pod of [red, blue])
      for (const address of ["10.1.0.1", "fd01::1", ...free])
        expect(await pings(pod, address), address).toBe(true);
    for (const address of [...addressesOf(results.red), ...addressesOf(results.blue)])
      expect(await pings(green, address), address).toBe(true);
  },
);

scene("portIsolation: CHECK notices when it is lost, and when it is there unasked", async (world) => {
  for (const portIsolation of [true, false]) {
    const pods = install(world, network("pods", { portIsolation }));
    const pod = await world.pod(portIsolation ? "red" : "blue");
    await add(world, pods, pod);
    const link = await hostLinkOf(world, pod);
    await world.host.must(`ip link set ${link} type bridge_slave isolated ${portIsolation ? "off" : "on"}`);
    expect(await check(world, pods, pod)).toContain(
      `port isolation of ${link} is ${portIsolation ? "off" : "on"}`,
    );
  }
});

scene(
  "disableContainerInterface: the pod's end is there and down, and works when somebody in the pod raises it",
  async (world) => {
    const plain = network("pods", { isGateway: false, ipMasq: false, disableContainerInterface: true });
    delete plain.plugins[0].ipam;
    install(world, plain);
    const before = await warmUp(world, plain);
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    for (const pod of [red, blue]) {
      const { interfaces, ips = [] } = await add(world, plain, pod);
      expect([interfaces?.map(({ name }) => name), ips]).toEqual([
        ["pods0", await hostLinkOf(world, pod), "eth0"],
        [],
      ]);
      const { flags, operstate, address } = await linkOf(pod, "eth0");
      expect([flags.includes("UP"), operstate, address]).toEqual([false, "DOWN", interfaces?.[2]?.mac]);
      expect(await check(world, plain, pod)).toBeUndefined();
    }
    await red.must(["sh", "-c", "ip address add 10.7.0.1/24 dev eth0 && ip link set eth0 up"]);
    await blue.must(["sh", "-c", "ip address add 10.7.0.2/24 dev eth0 && ip link set eth0 up"]);
    await waitFor("the pods reach each other", () => pings(red, "10.7.0.2"));
    expect(await check(world, plain, red)).toBeUndefined();
    for (const pod of [red, blue]) {
      await del(world, plain, pod);
      await world.removePod(pod);
    }
    expect((await snapshot(world)).minus(before).lines).toEqual([]);
  },
);

scene("promiscMode: the bridge is promiscuous", async (world) => {
  const red = await world.pod("red");
  const pods = install(world, network("pods", { promiscMode: true }));
  await add(world, pods, red);
  expect((await linkOf(world.host, "pods0")).promiscuity).toBe(1);
  expect(await check(world, pods, red)).toBeUndefined();
});

scene("the host's end says whose it is, with the name that Kubernetes gave the pod", async (world) => {
  const red = await world.pod("red");
  const env = {
    CNI_ARGS: "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0;K8S_POD_INFRA_CONTAINER_ID=3f2a",
  };
  await addDirectly(world, { network: network("pods"), pod: red, containerId: "3f2a", env });
  const name = await hostLinkOf(world, red);
  expect(name).toMatch(/^veth[0-9a-f]{11}$/);
  const { ifalias, num_tx_queues } = await linkOf(world.host, name);
  expect([ifalias, num_tx_queues]).toEqual(["pontoon pods 3f2a default/web-0 eth0", 1]);
});

scene(
  "a bridge that somebody made keeps its MAC when pods come and go, once it is their gateway",
  async (world) => {
    await world.host.must(["sh", "-c", "ip link add pods0 type bridge && ip link set pods0 up"]);
    const { address } = await linkOf(world.host, "pods0");
    const pods = install(world, network("pods"));
    for (const name of ["red", "blue", "green"]) {
      const { interfaces } = await add(world, pods, await world.pod(name));
      expect(interfaces?.[0]?.mac).toBe(address);
      expect((await linkOf(world.host, "pods0")).address).toBe(address);
    }
  },
);
