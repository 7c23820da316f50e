// An ADD that cannot succeed says why with the right code and leaves the machine as it was.
import { expect } from "vitest";
import { add, check, plugin } from "../support/cni.ts";
import { network } from "../support/network.ts";
import { busyHost, refused } from "../support/refusal.ts";
import { scene } from "../support/scene.ts";
import { pings } from "../support/traffic.ts";

scene("a link of that name in the pod is left alone, and the ADD fails", async (world) => {
  const { blue, pods } = await busyHost(world);
  await blue.must("ip link add eth0 address 02:00:00:00:00:07 type veth peer name other");
  const error = await refused(world, { network: pods, pod: blue });
  expect(error.code).toBe(121);
  expect(error.msg).toContain("eth0");
  expect(await blue.must("ip link show eth0")).toContain("02:00:00:00:00:07");
});

scene("a full pool is refused with code 100, and serves again after a DEL", async (world) => {
  const pods = onlyTwoAddresses();
  const { red, blue } = await busyHost(world, pods);
  const green = await world.pod("green");
  await add(world, pods, blue);
  expect((await refused(world, { network: pods, pod: green })).code).toBe(100);
  expect((await plugin(world, "DEL", { network: pods, pod: red })).status).toBe(0);
  await add(world, pods, green);
  expect(await pings(green, "10.1.0.1")).toBe(true);
});

scene(
  "a second ADD of an attachment that exists is refused, and the first one goes on working",
  async (world) => {
    const { red, blue, pods } = await busyHost(world);
    // Both are true here: the attachment exists, and so does its interface.
    expect([101, 121]).toContain((await refused(world, { network: pods, pod: red })).code);
    // From another namespace under the same name only the first is.
    expect((await refused(world, { network: pods, pod: blue, containerId: red.containerId })).code).toBe(101);
    expect(await pings(red, "10.1.0.1")).toBe(true);
    expect(await check(world, pods, red)).toBeUndefined();
  },
);

scene("a bridge name that belongs to another kind of link is refused with code 110", async (world) => {
  const { blue, pods } = await busyHost(world);
  await world.host.must("ip link add uplink type veth peer name wire");
  pods.plugins[0].bridge = "uplink";
  const error = await refused(world, { network: pods, pod: blue });
  expect(error.code).toBe(110);
  expect(error.msg).toContain("uplink");
});

scene("a bridge name that no link can have is refused as an invalid config", async (world) => {
  const { blue, pods } = await busyHost(world);
  for (const bridge of ["a-name-of-more-than-15-bytes", "with/slash", "."]) {
    pods.plugins[0].bridge = bridge;
    expect((await refused(world, { network: pods, pod: blue })).code, bridge).toBe(7);
  }
});

scene("a bridge that has another address already is refused with code 111", async (world) => {
  const { blue, pods } = await busyHost(world);
  await world.host.must("ip address del 10.1.0.1/24 dev pods0");
  await world.host.must("ip address add 10.9.0.1/24 dev pods0");
  const error = await refused(world, { network: pods, pod: blue });
  expect(error.code).toBe(111);
  expect(error.msg + error.details).toContain("10.9.0.1");
});

function onlyTwoAddresses() {
  const pods = network("pods");
  pods.plugins[0].ipam!.ranges = [[{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.5", rangeEnd: "10.1.0.6" }]];
  return pods;
}
