// An ADD that cannot succeed says why with the right code and leaves the machine as it was.
import { expect } from "vitest";
import { add, check, type CniError, mustFail, plugin, type PluginCall } from "../support/cni.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { changes, snapshot } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";
import { pings } from "../support/traffic.ts";
import type { Pod, World } from "../support/world.ts";

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

scene("a second ADD of an attachment that exists is refused, and the first one goes on working", async (world) => {
  const { red, blue, pods } = await busyHost(world);
  // Both are true here: the attachment exists, and so does its interface.
  expect([101, 121]).toContain((await refused(world, { network: pods, pod: red })).code);
  // From another namespace under the same name only the first is.
  expect((await refused(world, { network: pods, pod: blue, containerId: red.containerId })).code).toBe(101);
  expect(await pings(red, "10.1.0.1")).toBe(true);
  expect(await check(world, pods, red)).toBeUndefined();
});

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

scene("a route that the kernel does not take is refused with code 123, late, and everything is taken back", async (world) => {
  const { blue, pods } = await busyHost(world);
  await blue.must(["sh", "-c", "ip link add other type veth peer name another; ip link set another up; ip link set other up"]);
  await blue.must("ip route add 10.50.0.0/16 dev other");
  pods.plugins[0].ipam!.routes = [{ dst: "10.50.0.0/16" }];
  const error = await refused(world, { network: pods, pod: blue });
  expect(error.code).toBe(123);
  expect(error.msg + error.details).toMatch(/10\.50\.0\.0\/16.*EEXIST/s);
});

scene("forwarding that cannot be switched on is refused with code 140", async (world) => {
  const { blue, pods } = await busyHost(world);
  const file = "/proc/sys/net/ipv4/ip_forward";
  await world.host.must(["sh", "-e", "-c", `echo 0 > ${file}; mount --bind ${file} ${file}; mount -o remount,bind,ro ${file}`]);
  const error = await refused(world, { network: pods, pod: blue });
  expect(error.code).toBe(140);
  expect(error.details).toContain("EROFS");
});

scene("a result that cannot be written is a failed ADD, and everything is taken back", async (world) => {
  const { blue, pods } = await busyHost(world);
  const before = await snapshot(world);
  // A full disk, and a pipe whose reader has left.
  for (const words of ['"$@" >/dev/full', '{ "$@"; echo $? >/run/world/status; } | true; exit $(cat /run/world/status)']) {
    const outcome = await plugin(world, "ADD", { network: pods, pod: blue, through: ["sh", "-c", words, "sh"] });
    expect([outcome.status, outcome.stdout], words).toEqual([1, ""]);
    expect(outcome.stderr).toContain('"code": 5');
    expect(changes(before, await snapshot(world)), words).toEqual([]);
  }
});

scene("the very first ADD on a host may fail as well: a later one works as if nothing had been", async (world) => {
  const pods = install(world, network("pods"));
  const red = await world.pod("red");
  await red.must("ip link add eth0 type veth peer name other");
  expect(mustFail(await plugin(world, "ADD", { network: pods, pod: red })).code).toBe(121);
  await red.must("ip link del eth0");
  const afterFailure = (await snapshot(world)).filter((line) => /^(link veth|file .*\/10\.1\.|file .*\.json|nft element)/.test(line));
  expect(afterFailure).toEqual([]);
  await add(world, pods, red);
  expect(await pings(red, "10.1.0.1")).toBe(true);
  expect(await check(world, pods, red)).toBeUndefined();
});

/** A call that has to fail and to leave no trace. */
async function refused(world: World, call: PluginCall): Promise<CniError> {
  const before = await snapshot(world);
  const error = mustFail(await plugin(world, "ADD", call));
  expect(changes(before, await snapshot(world))).toEqual([]);
  expect(error.details).toMatch(/Hint: [A-Z]/);
  return error;
}

/** A host where pod red is attached, so that everything shared is there, and blue is waiting. */
async function busyHost(world: World, pods = network("pods")): Promise<{ red: Pod; blue: Pod; pods: ReturnType<typeof network> }> {
  install(world, pods);
  await warmUp(world, pods);
  const red = await world.pod("red");
  const blue = await world.pod("blue");
  await add(world, pods, red);
  return { red, blue, pods };
}

function onlyTwoAddresses() {
  const pods = network("pods");
  pods.plugins[0].ipam!.ranges = [[{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.5", rangeEnd: "10.1.0.6" }]];
  return pods;
}
