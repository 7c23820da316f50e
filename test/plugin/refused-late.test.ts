// An ADD that fails when part of the work is done takes that back.
import { expect } from "vitest";
import { add, check, mustFail, plugin } from "../support/cni.ts";
import { install, network } from "../support/network.ts";
import { busyHost, refused } from "../support/refusal.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { pings } from "../support/traffic.ts";

scene(
  "a route that the kernel does not take is refused with code 123, late, and everything is taken back",
  async (world) => {
    const { blue, pods } = await busyHost(world);
    // A broadcast address is no gateway.
    pods.plugins[0].ipam!.routes = [{ dst: "10.50.0.0/16", gw: "10.1.0.255" }];
    const error = await refused(world, { network: pods, pod: blue });
    expect(error.code).toBe(123);
    expect(error.msg + error.details).toMatch(/10\.50\.0\.0\/16.*EINVAL/s);
  },
);

scene("forwarding that cannot be switched on is refused with code 140", async (world) => {
  const { blue, pods } = await busyHost(world);
  const file = "/proc/sys/net/ipv4/ip_forward";
  await world.host.must([
    "sh",
    "-e",
    "-c",
    `echo 0 > ${file}; mount --bind ${file} ${file}; mount -o remount,bind,ro ${file}`,
  ]);
  const error = await refused(world, { network: pods, pod: blue });
  expect(error.code).toBe(140);
  expect(error.details).toContain("EROFS");
});

scene("a result that cannot be written is a failed ADD, and everything is taken back", async (world) => {
  const { blue, pods } = await busyHost(world);
  const before = await snapshot(world);
  // A full disk, and a pipe whose reader has left.
  for (const words of [
    '"$@" >/dev/full',
    '{ "$@"; echo $? >/run/world/status; } | true; exit $(cat /run/world/status)',
  ]) {
    const outcome = await plugin(world, "ADD", {
      network: pods,
      pod: blue,
      through: ["sh", "-c", words, "sh"],
    });
    expect([outcome.status, outcome.stdout], words).toEqual([1, ""]);
    expect(outcome.stderr).toContain('"code": 5');
    expect((await snapshot(world)).minus(before).lines, words).toEqual([]);
  }
});

scene(
  "the very first ADD on a host may fail as well: a later one works as if nothing had been",
  async (world) => {
    const pods = install(world, network("pods"));
    const red = await world.pod("red");
    await red.must("ip link add eth0 type veth peer name other");
    expect(mustFail(await plugin(world, "ADD", { network: pods, pod: red })).code).toBe(121);
    await red.must("ip link del eth0");
    expect((await snapshot(world)).attachments.lines).toEqual([]);
    await add(world, pods, red);
    expect(await pings(red, "10.1.0.1")).toBe(true);
    expect(await check(world, pods, red)).toBeUndefined();
  },
);
