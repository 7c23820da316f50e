// What every ADD puts back of the node, `pontoon restore` puts back too: the bridge up, the gateway's
// addresses, forwarding.
import { expect } from "vitest";
import { add, check, mustSucceed } from "../support/cni.ts";
import { dies } from "../support/link.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { PLUGIN_FOLDER, type World } from "../support/world.ts";

const HARMS: [name: string, commands: string[], said: string[]][] = [
  [
    "the bridge is down",
    ["ip link set pods0 down"],
    ["node: bridge pods0 is up again", "node: pods0 has fd01::1/64 again"],
  ],
  [
    "the gateway's addresses are gone",
    ["ip address flush dev pods0 scope global"],
    ["node: pods0 has 10.1.0.1/24 again", "node: pods0 has fd01::1/64 again"],
  ],
  [
    "forwarding is off",
    ["sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0"],
    ["node: IPv4 is forwarded again", "node: IPv6 is forwarded again"],
  ],
  [
    "the bridge does not forward",
    ["sysctl -qw net.ipv4.conf.pods0.forwarding=0"],
    ["node: pods0 forwards again"],
  ],
];

for (const [name, commands, said] of HARMS) {
  scene(`restore puts it back and says so when ${name}, and has nothing to do then`, async (world) => {
    const pods = install(world, network("pods", { subnets: ["10.1.0.0/24", "fd01::/64"] }));
    await addNeighbour(world);
    const red = await world.pod("red");
    for (const pod of [red, await world.pod("blue")]) await add(world, pods, pod);
    const before = await snapshot(world);
    for (const command of commands) await world.host.must(command);
    expect(await check(world, pods, red)).toBeDefined();
    expect(await restore(world)).toEqual([...said, "pods: 2 attachments, nothing to do"]);
    expect((await snapshot(world)).minus(before).lines).toEqual([]);
    expect(await check(world, pods, red)).toBeUndefined();
    expect(await restore(world)).toEqual(["pods: 2 attachments, nothing to do"]);
  });
}

scene("restore leaves forwarding and the bridge alone where no pod lives that needs them", async (world) => {
  const pods = install(world, network("pods"));
  const red = await world.pod("red");
  await add(world, pods, red);
  await dies(world, red);
  await world.host.must("sysctl -qw net.ipv4.ip_forward=0");
  await world.host.must("ip link set pods0 down");
  const before = await snapshot(world);
  await restore(world);
  expect((await snapshot(world)).minus(before).lines).toEqual([]);
});

scene("restore says why a gateway's address cannot come back, and puts back all else", async (world) => {
  const pods = install(world, network("pods", { subnets: ["10.1.0.0/24", "fd01::/64"] }));
  await add(world, pods, await world.pod("red"));
  await world.host.must("ip address flush dev pods0 scope global");
  await world.host.must("sysctl -qw net.ipv4.conf.pods0.forwarding=0");
  await world.host.must("ip link add other0 up type bridge");
  await world.host.must("ip address add 10.1.0.1/24 dev other0");
  const { status, stdout, stderr } = await world.host.exec(`${PLUGIN_FOLDER}/pontoon restore`);
  expect(status).toBe(1);
  expect(stdout.split("\n")).toEqual(
    expect.arrayContaining(["node: pods0 has fd01::1/64 again", "node: pods0 forwards again"]),
  );
  expect(stderr).toContain('because "other0" has 10.1.0.1/24');
});

async function restore(world: World): Promise<string[]> {
  const { stdout } = mustSucceed(await world.host.exec(`${PLUGIN_FOLDER}/pontoon restore`));
  return stdout.trim().split("\n");
}
