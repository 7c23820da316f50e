// What the keys about links do: MTU, hairpin, promiscuity, and the name that says whose a link is.
import { expect } from "vitest";
import { add, addDirectly, check } from "../support/cni.ts";
import { hostLinkOf, linkOf } from "../support/link.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";

scene("mtu: bridge, host end and pod end have it, and a full packet of that size passes", async (world) => {
  const red = await world.pod("red");
  const pods = install(world, network("pods", { mtu: 1400 }));
  await add(world, pods, red);
  const mtus = [await linkOf(world.host, "pods0"), await linkOf(world.host, await hostLinkOf(world, red)), await linkOf(red, "eth0")];
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
  await world.host.must(["sh", "-c", "ip link set wire up; ip link set uplink up; ip route add default via 192.168.50.2"]);
  const red = await world.pod("red");
  await add(world, install(world, network("pods")), red);
  expect((await linkOf(red, "eth0")).mtu).toBe(1380);
});

scene("hairpinMode: on at the pod's port when asked for, else off", async (world) => {
  for (const [name, hairpinMode] of [["red", true], ["blue", false]] as const) {
    const pod = await world.pod(name);
    const pods = install(world, network("pods", { hairpinMode }));
    await add(world, pods, pod);
    const port = await linkOf(world.host, await hostLinkOf(world, pod));
    expect(port.linkinfo?.info_slave_data?.hairpin).toBe(hairpinMode);
    expect(await check(world, pods, pod)).toBeUndefined();
  }
});

scene("promiscMode: the bridge is promiscuous", async (world) => {
  const red = await world.pod("red");
  const pods = install(world, network("pods", { promiscMode: true }));
  await add(world, pods, red);
  expect((await linkOf(world.host, "pods0")).promiscuity).toBe(1);
  expect(await check(world, pods, red)).toBeUndefined();
});

scene("the host's end says whose it is, with the name that Kubernetes gave the pod", async (world) => {
  const red = await world.pod("red");
  const env = { CNI_ARGS: "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0;K8S_POD_INFRA_CONTAINER_ID=3f2a" };
  await addDirectly(world, { network: network("pods"), pod: red, containerId: "3f2a", env });
  const name = await hostLinkOf(world, red);
  expect(name).toMatch(/^veth[0-9a-f]{11}$/);
  const { ifalias, num_tx_queues } = await linkOf(world.host, name);
  expect([ifalias, num_tx_queues]).toEqual(["pontoon pods 3f2a default/web-0 eth0", 1]);
});

scene("a bridge that somebody made keeps its MAC when pods come and go, once it is their gateway", async (world) => {
  await world.host.must(["sh", "-c", "ip link add pods0 type bridge && ip link set pods0 up"]);
  const { address } = await linkOf(world.host, "pods0");
  const pods = install(world, network("pods"));
  for (const name of ["red", "blue", "green"]) {
    const { interfaces } = await add(world, pods, await world.pod(name));
    expect(interfaces?.[0]?.mac).toBe(address);
    expect((await linkOf(world.host, "pods0")).address).toBe(address);
  }
});
