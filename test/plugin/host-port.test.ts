// Host ports: who reaches the pod by them from where, and which address the pod then sees.
import { expect } from "vitest";
import { add, addressOf, gatewayOf } from "../support/cni.ts";
import { addWithPorts, both, portNetwork, talk } from "../support/host-port.ts";
import { addNeighbour } from "../support/neighbour.ts";
import type { Place } from "../support/place.ts";
import { scene } from "../support/scene.ts";
import { serve } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";
import type { World } from "../support/world.ts";

const FAMILIES = [
  {
    family: "IPv4",
    subnet: "10.1.0.0/24",
    other: "10.3.0.0/24",
    third: "10.5.0.0/24",
    foreign: "203.0.113.9",
  },
  { family: "IPv6", subnet: "fd01::/64", other: "fd03::/64", third: "fd05::/64", foreign: "fd99::9" },
];

for (const { family, subnet, other, third, foreign } of FAMILIES) {
  for (const filter of [1, 0]) {
    scene(
      `${family}, bridge-nf-call ${filter}: a host port leads to the pod from everywhere`,
      async (world) => {
        await setBridgeFilter(world, filter);
        const neighbour = await addNeighbour(world);
        const [theirs, ours] =
          family === "IPv4" ? [neighbour.v4, neighbour.host4] : [neighbour.v6, neighbour.host6];
        await neighbour.place.must(`ip route add default via ${ours}`);
        const pods = portNetwork(world, "pods", { subnets: [subnet] });
        const others = portNetwork(world, "others", { subnets: [other] });
        const shared = portNetwork(world, "shared", { subnets: [third], bridge: "pods0", isGateway: false });
        const [red, blue, green, white] = [
          await world.pod("red"),
          await world.pod("blue"),
          await world.pod("green"),
          await world.pod("white"),
        ];
        const result = await addWithPorts(world, pods, red, [
          ...both({ hostPort: 8080, containerPort: 80 }),
          ...both({ hostPort: 9090, containerPort: 80, hostIP: ours }),
        ]);
        const [address, gateway] = [addressOf(result), gatewayOf(result)];
        await add(world, pods, blue);
        await add(world, others, green);
        const sharedGateway = gatewayOf(await add(world, shared, white));
        await world.host.must(
          `ip address add ${sharedGateway}/${third.split("/")[1]} dev pods0${family === "IPv6" ? " nodad" : ""}`,
        );
        await using _tcp = await serve(red, "tcp", address, 80);
        await using _udp = await serve(red, "udp", address, 80);
        await settled(world.host);
        expect(await talk(neighbour.place, ours, 8080), "outside").toBe(`red saw ${theirs}`);
        expect(await talk(neighbour.place, ours, 9090), "outside, one address").toBe(`red saw ${theirs}`);
        expect(await talk(neighbour.place, gateway, 9090), "outside, another address").toBeUndefined();
        expect(await talk(world.host, ours, 8080), "the host").toBe(`red saw ${ours}`);
        expect(await talk(world.host, ours, 9090), "the host, one address").toBe(`red saw ${ours}`);
        for (const localhost of family === "IPv4" ? ["127.0.0.1"] : [])
          expect(await talk(world.host, localhost, 8080), "localhost").toBe(`red saw ${gateway}`);
        expect(await talk(blue, ours, 8080), "another pod").toBe(`red saw ${gateway}`);
        expect(await talk(blue, gateway, 8080), "another pod, by its gateway").toBe(`red saw ${gateway}`);
        expect(await talk(green, ours, 8080), "another network's pod").toBe(`red saw ${gateway}`);
        expect(await talk(white, ours, 8080), "another network's pod on the same bridge").toBe(
          `red saw ${gateway}`,
        );
        expect(await talk(red, ours, 8080), "itself").toBe(`red saw ${gateway}`);
        expect(await talk(red, ours, 9090), "itself, one address").toBe(`red saw ${gateway}`);
        await neighbour.place.must(`ip address add ${foreign} dev wire${family === "IPv6" ? " nodad" : ""}`);
        await world.host.must(`ip route add ${foreign} via ${theirs}`);
        await using _foreignTcp = await serve(neighbour.place, "tcp", foreign, 8080);
        await using _foreignUdp = await serve(neighbour.place, "udp", foreign, 8080);
        expect(await talk(blue, foreign, 8080), "a foreign address with this port").toBe(
          `neighbour saw ${ours}`,
        );
        expect(await talk(world.host, foreign, 8080), "a foreign address with this port, from the host").toBe(
          `neighbour saw ${ours}`,
        );
      },
      60_000,
    );
  }
}

/**
 * A link asks for neighbours on behalf of others only with a link-local address that is no longer tentative.
 */
async function settled(place: Place): Promise<void> {
  await waitFor(
    "no address is tentative",
    async () => (await place.must("ip -6 address show tentative")) === "",
  );
}

/** Whether the packet filter sees what goes over bridges. */
async function setBridgeFilter(world: World, value: number): Promise<void> {
  for (const name of ["iptables", "ip6tables"])
    await world.host.must(["sh", "-c", `echo ${value} > /proc/sys/net/bridge/bridge-nf-call-${name}`]);
}
