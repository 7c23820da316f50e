// Not first in the chain: the result holds what came before, and this plugin's part after it.
import { expect } from "vitest";
import { addDirectly, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { network } from "../support/network.ts";
import { scene } from "../support/scene.ts";

const BEFORE = {
  cniVersion: "1.1.0",
  interfaces: [{ name: "tap0", mac: "02:00:00:00:00:01", sandbox: "/run/netns/red" }, { name: "host0" }],
  ips: [{ address: "192.168.7.2/24", interface: 0 }],
  routes: [{ dst: "192.168.8.0/24" }],
  dns: { nameservers: ["192.0.2.9"] },
};

scene("ADD puts its interfaces, addresses and routes behind those of the plugin before it", async (world) => {
  const red = await world.pod("red");
  await red.must([
    "sh",
    "-e",
    "-c",
    "ip link add tap0 address 02:00:00:00:00:01 type veth peer name host0; ip link set host0 up; ip link set tap0 up",
  ]);
  await red.must([
    "sh",
    "-e",
    "-c",
    "ip address add 192.168.7.2/24 dev tap0; ip route add 192.168.8.0/24 dev tap0",
  ]);
  const call = { network: network("pods"), pod: red, more: { prevResult: BEFORE } };
  const result = await addDirectly(world, call);
  expect(result.interfaces?.map(({ name }) => name).toSpliced(3, 1, "veth")).toEqual([
    "tap0",
    "host0",
    "pods0",
    "veth",
    "eth0",
  ]);
  expect(result.ips).toEqual([BEFORE.ips[0], { address: "10.1.0.2/24", gateway: "10.1.0.1", interface: 4 }]);
  expect(result.routes).toEqual([...BEFORE.routes, { dst: "0.0.0.0/0" }]);
  expect(result.dns).toEqual(BEFORE.dns);
  mustSucceed(await plugin(world, "CHECK", { ...call, more: { prevResult: result } }));
  mustSucceed(await plugin(world, "DEL", { ...call, more: { prevResult: result } }));
});

scene("a prevResult that is no result is refused before anything is done", async (world) => {
  const red = await world.pod("red");
  const error = mustFail(
    await plugin(world, "ADD", { network: network("pods"), pod: red, more: { prevResult: "none" } }),
  );
  expect([6, 7]).toContain(error.code);
});
