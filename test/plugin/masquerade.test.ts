// What leaves the network wears the host's address; what stays inside does not.
import { expect } from "vitest";
import { capture } from "../support/capture.ts";
import { add, addressOf, gatewayOf } from "../support/cni.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { ask, connect, isSilent, pings, serve } from "../support/traffic.ts";

const CASES = [
  { family: "IPv4", subnet: "10.1.0.0/24", other: "10.2.0.0/24", group: "239.1.1.1" },
  { family: "IPv6", subnet: "fd01::/64", other: "fd02::/64", group: "ff15::1" },
];

for (const { family, subnet, other, group } of CASES) {
  scene(
    `${family}: a neighbour of the host answers a pod, because it sees the host's address`,
    async (world) => {
      const neighbour = await addNeighbour(world);
      const [theirs, ours] =
        family === "IPv4" ? [neighbour.v4, neighbour.host4] : [neighbour.v6, neighbour.host6];
      const blue = await world.pod("blue");
      await add(world, install(world, network("pods", { subnets: [subnet] })), blue);
      await using _tcp = await serve(neighbour.place, "tcp", theirs, 8080);
      await using _udp = await serve(neighbour.place, "udp", theirs, 8080);
      expect(await pings(blue, theirs)).toBe(true);
      expect(await connect(blue, theirs, 8080)).toBe(`neighbour saw ${ours}`);
      expect(await ask(blue, theirs, 8080)).toBe(`neighbour saw ${ours}`);
    },
  );

  scene(`${family}: without ipMasq the neighbour has no way back and stays silent`, async (world) => {
    const neighbour = await addNeighbour(world);
    const theirs = family === "IPv4" ? neighbour.v4 : neighbour.v6;
    const blue = await world.pod("blue");
    const address = addressOf(
      await add(world, install(world, network("pods", { subnets: [subnet], ipMasq: false })), blue),
    );
    await using dump = await capture(neighbour.place, "wire", `dst ${theirs}`);
    expect(await isSilent(blue, theirs)).toBe(true);
    // The question itself did arrive, with the pod's own address on it.
    await dump.says(`${address} > ${theirs}`);
  });

  scene(
    `${family}: traffic to another pod network on the node is masqueraded with that network's bridge address`,
    async (world) => {
      const red = await world.pod("red");
      const blue = await world.pod("blue");
      await add(world, install(world, network("pods", { subnets: [subnet] })), red);
      const result = await add(world, install(world, network("others", { subnets: [other] })), blue);
      await using _server = await serve(blue, "tcp", addressOf(result), 8080);
      expect(await connect(red, addressOf(result), 8080)).toBe(`blue saw ${gatewayOf(result)}`);
    },
  );

  scene(`${family}: multicast keeps the pod's own address`, async (world) => {
    const pods = install(world, network("pods", { subnets: [subnet] }));
    const red = await world.pod("red");
    const blue = await world.pod("blue");
    const address = addressOf(await add(world, pods, red));
    await add(world, pods, blue);
    await using dump = await capture(blue, "eth0", `udp and dst ${group}`);
    await red.exec(`nc -n -u -w 1 ${group} 5000`, { stdin: "hello" });
    await dump.says(`> ${group}.5000`);
    expect(dump.output).toContain(`${address}.`);
  });
}

scene("all subnets of a network are inside: traffic between two of them keeps its address", async (world) => {
  const pods = install(world, network("pods", { subnets: ["fd01::/64", "fd02::/64"] }));
  const red = await world.pod("red");
  const blue = await world.pod("blue");
  const source = addressOf(await add(world, pods, red), 0);
  const target = addressOf(await add(world, pods, blue), 1);
  await using _server = await serve(blue, "tcp", target, 8080);
  expect(await connect(red, target, 8080, source)).toBe(`blue saw ${source}`);
});
