// Two that have one MAC or one address: `pontoon doctor` names both, and what it says mends it.
import { expect } from "vitest";
import { add, del } from "../support/cni.ts";
import { doctor, expectContent, faultsOf, healthyNode, runCures } from "../support/doctor.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";

const MAC = "0a:58:0a:01:00:02";

scene("a stranger on the bridge with a pod's MAC is named, and gone when it has another", async (world) => {
  await healthyNode(world);
  const stranger = await world.pod("stranger");
  await world.host.must(`ip link add guest type veth peer name eth9 address ${MAC} netns stranger`);
  await world.host.must("ip link set guest up master pods0");
  await stranger.must("ip link set eth9 up");
  const faults = faultsOf(await doctor(world));
  expect(faults).toMatchObject([
    {
      subject: "bridge pods0",
      severity: "error",
      sentence: expect.stringMatching(
        new RegExp(
          `^\\S+ and the other end of guest have the same MAC ${MAC}, so frames for one reach the other$`,
        ),
      ),
      advice: expect.stringContaining("give the other interface another MAC"),
      pods: [expect.any(String)],
    },
  ]);
  await stranger.must("ip link set eth9 address 02:00:00:00:00:77");
  await expectContent(world);
});

scene(
  "the node's own interface with a pod's address is named, and the printed command mends it",
  async (world) => {
    await healthyNode(world);
    for (const address of ["10.1.0.2/32", "fd01::2/128"]) {
      await world.host.must(
        `ip address add ${address} dev uplink ${address.includes(":") ? "nodad" : ""}`.trim(),
      );
      const faults = faultsOf(await doctor(world));
      expect(faults).toMatchObject([
        {
          severity: "error",
          sentence: `uplink of the node has its address ${address.replace(/\/.*/, "")} too`,
          cure: `ip address del ${address} dev uplink`,
        },
      ]);
      await runCures(world, faults);
      await expectContent(world);
    }
  },
);

scene("two pods of one bridge with one address are named, until one of them goes", async (world) => {
  const inner = { subnets: ["10.1.0.0/24"], ipMasq: false };
  const [one, other] = ["one", "other"].map((name) =>
    install(world, {
      ...network(name, inner),
      plugins: [{ ...network(name, inner).plugins[0]!, bridge: "pods0" }],
    }),
  );
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  await add(world, one!, red);
  await add(world, other!, blue);
  const faults = faultsOf(await doctor(world));
  expect(faults).toMatchObject([
    {
      subject: "this node",
      sentence: expect.stringMatching(/^\S+ and \S+ have the same address 10\.1\.0\.2$/),
      advice: expect.stringContaining("give each network a subnet of its own"),
    },
  ]);
  await del(world, other!, blue);
  await expectContent(world);
});
