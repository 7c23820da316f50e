// A pool of several subnets: each pod has the gateway of its own subnet, whoever came before.
import { expect } from "vitest";
import { add, addDirectly, addressOf, check, del, mustFail, plugin } from "../support/cni.ts";
import { install, type Network, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { pings } from "../support/traffic.ts";

const SUBNETS = ["10.77.0.0/30", "10.78.0.0/30"];

/** A network with one range set of two subnets with room for one pod each. */
function pool(more: Record<string, unknown> = {}): Network {
  const ranges = [SUBNETS.map((subnet) => ({ subnet }))];
  return network("pods", { isDefaultGateway: true, ipam: { type: "host-local", ranges }, ...more });
}

for (const more of [{}, { forceAddress: true }]) {
  scene(
    `a pool of two subnets${"forceAddress" in more ? " with forceAddress" : ""}: each pod reaches its gateway and the other pod, and the pool is full with the last subnet`,
    async (world) => {
      const pods = install(world, pool(more));
      const red = await world.pod("red");
      const blue = await world.pod("blue");
      const ways = [
        [red, await add(world, pods, red), "10.77.0.1"],
        [blue, await add(world, pods, blue), "10.78.0.1"],
      ] as const;
      expect(ways.map(([, result]) => addressOf(result))).toEqual(["10.77.0.2", "10.78.0.2"]);
      for (const [pod, , gateway] of ways) {
        expect(await pings(pod, gateway)).toBe(true);
        expect(await check(world, pods, pod)).toBeUndefined();
      }
      expect(await pings(red, "10.78.0.2")).toBe(true);
      const green = await world.pod("green");
      expect(mustFail(await plugin(world, "ADD", { network: pods, pod: green })).code).toBe(100);
      await del(world, pods, red);
      expect(addressOf(await add(world, pods, green))).toBe("10.77.0.2");
      expect(await pings(green, "10.77.0.1")).toBe(true);
    },
  );
}

scene(
  "a pool of two subnets: an address that is no gateway of the network still stands in the way",
  async (world) => {
    const pods = pool();
    await addDirectly(world, { network: pods, pod: await world.pod("red") });
    await world.host.must("ip address add 10.79.0.1/24 dev pods0");
    const error = mustFail(await plugin(world, "ADD", { network: pods, pod: await world.pod("blue") }));
    expect(error).toMatchObject({ code: 111, details: expect.stringContaining("it has 10.79.0.1/24.") });
  },
);

for (const isDefaultGateway of [true, false]) {
  scene(
    `a gateway outside of the subnet ${isDefaultGateway ? "(isDefaultGateway)" : "(isGateway)"}: refused by ADD where the bridge is to be it, and DEL is possible`,
    async (world) => {
      const pods = network("pods", {
        isGateway: !isDefaultGateway,
        isDefaultGateway,
        ipam: { type: "host-local", ranges: [[{ subnet: "10.79.0.0/24", gateway: "192.168.55.1" }]] },
      });
      const call = { network: pods, pod: await world.pod("red") };
      const error = mustFail(await plugin(world, "ADD", call));
      expect(error).toMatchObject({
        code: 7,
        msg: expect.stringContaining('ipam.ranges[0][0].gateway "192.168.55.1": '),
        details: expect.stringContaining("Hint: "),
      });
      expect((await plugin(world, "DEL", call)).status).toBe(0);
      expect(await world.host.must("ip -o link")).not.toContain("pods0");
    },
  );
}

scene("a gateway outside of the subnet is taken where another router has it", async (world) => {
  const pods = network("pods", {
    isGateway: false,
    ipMasq: false,
    ipam: {
      type: "host-local",
      ranges: [[{ subnet: "10.79.0.0/24", gateway: "192.168.55.1" }]],
      routes: [{ dst: "0.0.0.0/0" }],
    },
  });
  const red = await world.pod("red");
  await addDirectly(world, { network: pods, pod: red });
  expect(await red.must("ip route show default")).toContain("default via 192.168.55.1 dev eth0 onlink");
  const router = await world.pod("router");
  await world.host.must("ip link add wire0 master pods0 up type veth peer name wire netns router");
  for (const command of [
    "ip link set wire up",
    "ip address add 192.168.55.1/24 dev wire",
    "ip route add 10.79.0.0/24 dev wire",
  ])
    await router.must(command);
  expect(await pings(red, "192.168.55.1")).toBe(true);
});
