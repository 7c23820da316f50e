// Conditions of host ports (conditionsV4, conditionsV6): who meets them is led to the pod, everybody else
// finds a port of the node.
import { expect } from "vitest";
import { add, addressesOf, check, del, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { addWithPorts, both, portArgs, portConfig, portNetwork, talk } from "../support/host-port.ts";
import { addNeighbour, wireOf } from "../support/neighbour.ts";
import { network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { connect, serve } from "../support/traffic.ts";
import { PLUGIN_FOLDER } from "../support/world.ts";

const SUBNETS = ["10.1.0.0/24", "fd01::/64"];
const WEB = both({ hostPort: 8080, containerPort: 80 });

/** Who is led to the pod: a neighbour, the node itself, another pod. */
const KINDS: {
  name: string;
  conditionsV4: string[];
  conditionsV6: string[];
  led: [neighbour: boolean, host: boolean, pod: boolean];
}[] = [
  {
    name: "iptables, not from a subnet",
    conditionsV4: ["!", "-s", "192.168.50.2/31"],
    conditionsV6: ["!", "-s", "fd50::2/127"],
    led: [false, true, true],
  },
  {
    name: "iptables, from a subnet",
    conditionsV4: ["-s", "192.168.50.2"],
    conditionsV6: ["-s", "fd50::2"],
    led: [true, false, false],
  },
  {
    name: "iptables, by an interface",
    conditionsV4: ["-i", "upl+"],
    conditionsV6: ["--in-interface", "uplink"],
    led: [true, false, false],
  },
  {
    name: "iptables, by another interface",
    conditionsV4: ["!", "-i", "uplink"],
    conditionsV6: ["!", "-i", "upl+"],
    led: [false, true, true],
  },
  {
    name: "nft, two at once",
    conditionsV4: ['ip saddr != 10.0.0.0/8 iifname "uplink"'],
    conditionsV6: ["ip6", "saddr", "fd00::/8", "iifname", "!=", "uplink"],
    led: [true, false, false],
  },
];

for (const { name, conditionsV4, conditionsV6, led } of KINDS) {
  scene(
    `${name}: who meets the conditions is led to the pod, and nobody else`,
    async (world) => {
      const neighbour = await addNeighbour(world);
      const pods = portNetwork(world, "pods", { subnets: SUBNETS, conditionsV4, conditionsV6 });
      const [red, blue] = [await world.pod("red"), await world.pod("blue")];
      await neighbour.place.must([
        "sh",
        "-ec",
        `ip route add default via ${neighbour.host4}; ip route add default via ${neighbour.host6}`,
      ]);
      const addresses = addressesOf(await addWithPorts(world, pods, red, WEB));
      await add(world, pods, blue);
      for (const address of addresses) {
        await using _tcp = await serve(red, "tcp", address, 80);
        await using _udp = await serve(red, "udp", address, 80);
        const { ours } = wireOf(neighbour, address);
        // Over IPv6 the last kind is the other way round.
        const wanted = name.startsWith("nft") && address.includes(":") ? led.map((each) => !each) : led;
        const found = await Promise.all(
          [neighbour.place, world.host, blue].map((from) => talk(from, ours, 8080)),
        );
        expect(
          found.map((answer) => answer?.startsWith("red saw ") ?? false),
          address,
        ).toEqual(wanted);
      }
    },
    60_000,
  );
}

scene(
  "by the address that is asked: a port of the node behind the others stays what it was, and ports without conditions are open to all",
  async (world) => {
    const neighbour = await addNeighbour(world);
    await world.host.must("ip address add 192.168.50.9/24 dev uplink");
    const pods = portNetwork(world, "pods", { conditionsV4: ["!", "-d", "192.168.50.9"] });
    const others = portNetwork(world, "others", { subnets: ["10.2.0.0/24"] });
    const [red, green] = [await world.pod("red"), await world.pod("green")];
    const [address = ""] = addressesOf(
      await addWithPorts(world, pods, red, [{ hostPort: 5000, hostPortEnd: 5010, containerPort: 5000 }]),
    );
    const [other = ""] = addressesOf(
      await addWithPorts(world, others, green, [{ hostPort: 5011, containerPort: 5011 }]),
    );
    await using _red = await serve(red, "tcp", address, 5005);
    await using _green = await serve(green, "tcp", other, 5011);
    await using _host = await serve(world.host, "tcp", "192.168.50.9", 5005);
    await neighbour.place.must(`ip route add default via ${neighbour.host4}`);
    expect(await connect(neighbour.place, neighbour.host4, 5005)).toBe(`red saw ${neighbour.v4}`);
    expect(await connect(neighbour.place, "192.168.50.9", 5005)).toBe(`the-host saw ${neighbour.v4}`);
    for (const to of [neighbour.host4, "192.168.50.9"])
      expect(await connect(neighbour.place, to, 5011)).toBe(`green saw ${neighbour.v4}`);
  },
);

scene(
  "CHECK knows the conditions, pontoon restore puts them back, DEL leaves nothing of them",
  async (world) => {
    const pods = portNetwork(world, "pods", {
      subnets: SUBNETS,
      conditionsV4: ["-i", "uplink"],
      conditionsV6: ["-i", "uplink"],
    });
    const red = await world.pod("red");
    // What all pods share stays.
    await add(world, pods, red, portArgs(WEB));
    await del(world, pods, red, portArgs(WEB));
    const before = await snapshot(world);
    await add(world, pods, red, portArgs(WEB));
    const text = await world.host.must("nft list table inet pontoon-ports");
    const [chain = ""] = text.match(/where4-\w+/) ?? [];
    await world.host.must(`nft flush chain inet pontoon-ports ${chain}`);
    expect(await check(world, pods, red)).toContain(
      `the nftables chain ${chain}, which has the conditions of host ports of network pods, is missing or not whole`,
    );
    expect(await world.host.must(`${PLUGIN_FOLDER}/pontoon restore`)).toContain("2");
    expect(await check(world, pods, red)).toBeUndefined();
    await world.host.must("nft flush ruleset");
    await world.host.must(`${PLUGIN_FOLDER}/pontoon restore`);
    expect(await check(world, pods, red)).toBeUndefined();
    const sorted = (all: string): string[] => all.split("\n").sort();
    expect(sorted(await world.host.must("nft list table inet pontoon-ports"))).toEqual(sorted(text));
    await del(world, pods, red, portArgs(WEB));
    expect(await world.host.must("nft list table inet pontoon-ports")).not.toContain("goto where");
    expect((await snapshot(world)).minus(before).lines).toEqual([]);
  },
);

scene("conditions that nobody can keep are refused before anything is done", async (world) => {
  const red = await world.pod("red");
  const call = {
    network: network("pods", { conditionsV4: ["-m", "time"] }),
    pod: red,
    more: portConfig(WEB),
  };
  const before = await snapshot(world);
  expect(mustFail(await plugin(world, "ADD", call))).toMatchObject({
    code: 7,
    msg: expect.stringContaining('conditionsV4 "-m time": is no condition that Pontoon knows'),
  });
  expect((await snapshot(world)).minus(before).lines).toEqual([]);
  mustSucceed(await plugin(world, "DEL", call));
});
