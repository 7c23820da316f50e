// Host ports of pods without a bridge (attach: ptp): who reaches the pod by them, and which address it sees.
import { expect } from "vitest";
import { add, addressOf, check, del, gatewayOf, mustSucceed, plugin } from "../support/cni.ts";
import { addWithPorts, both, talk } from "../support/host-port.ts";
import { dies, hostLinkOf } from "../support/link.ts";
import { addNeighbour, wireOf } from "../support/neighbour.ts";
import { install, type Network, type NetworkWishes } from "../support/network.ts";
import { ptpNetwork } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { failingAt, TRACE } from "../support/strace.ts";
import { serve } from "../support/traffic.ts";
import { PLUGIN_FOLDER, type World } from "../support/world.ts";

const ports = (world: World, name: string, wishes: NetworkWishes = {}): Network =>
  install(world, ptpNetwork(name, { capabilities: { portMappings: true }, ...wishes }));

for (const { family, subnet, other } of [
  { family: "IPv4", subnet: "10.1.0.0/24", other: "10.3.0.0/24" },
  { family: "IPv6", subnet: "fd01::/64", other: "fd03::/64" },
])
  for (const strict of [0, 1])
    scene(
      `${family}, rp_filter ${strict}: a host port leads to the pod from everywhere`,
      async (world) => {
        await world.host.must(
          `sysctl -qw net.ipv4.conf.all.rp_filter=${strict} net.ipv4.conf.default.rp_filter=${strict}`,
        );
        const neighbour = await addNeighbour(world);
        const [pods, others] = [
          ports(world, "pods", { subnets: [subnet] }),
          ports(world, "others", { subnets: [other] }),
        ];
        const [red, blue, green] = [
          await world.pod("red"),
          await world.pod("blue"),
          await world.pod("green"),
        ];
        const result = await addWithPorts(world, pods, red, both({ hostPort: 8080, containerPort: 80 }));
        const [address, gateway] = [addressOf(result), gatewayOf(result)];
        const { theirs, ours } = wireOf(neighbour, address);
        await neighbour.place.must(`ip route add default via ${ours}`);
        await add(world, pods, blue);
        await add(world, others, green);
        await using _tcp = await serve(red, "tcp", address, 80);
        await using _udp = await serve(red, "udp", address, 80);
        expect(await talk(neighbour.place, ours, 8080), "outside").toBe(`red saw ${theirs}`);
        expect(await talk(world.host, ours, 8080), "the host").toBe(`red saw ${ours}`);
        for (const localhost of family === "IPv4" ? ["127.0.0.1"] : [])
          expect(await talk(world.host, localhost, 8080), "localhost").toBe(`red saw ${gateway}`);
        expect(await talk(world.host, gateway, 8080), "the host, by the gateway").toBe(`red saw ${gateway}`);
        expect(await talk(blue, ours, 8080), "another pod").toBe(`red saw ${gateway}`);
        expect(await talk(blue, gateway, 8080), "another pod, by its gateway").toBe(`red saw ${gateway}`);
        expect(await talk(green, ours, 8080), "another network's pod").toMatch(/^red saw /);
        expect(await talk(red, ours, 8080), "itself").toBe(`red saw ${gateway}`);
        expect(await talk(red, gateway, 8080), "itself, by its gateway").toBe(`red saw ${gateway}`);
        expect(await check(world, pods, red)).toBeUndefined();
      },
      60_000,
    );

scene(
  "with snat false a pod sees its callers, and the node itself is served by its addresses",
  async (world) => {
    const neighbour = await addNeighbour(world);
    const pods = ports(world, "pods", { snat: false });
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    const address = addressOf(
      await addWithPorts(world, pods, red, both({ hostPort: 8080, containerPort: 80 })),
    );
    const other = addressOf(await add(world, pods, blue));
    const { theirs, ours } = wireOf(neighbour, address);
    await using _tcp = await serve(red, "tcp", address, 80);
    await using _udp = await serve(red, "udp", address, 80);
    await neighbour.place.must(`ip route add default via ${ours}`);
    expect(await talk(neighbour.place, ours, 8080)).toBe(`red saw ${theirs}`);
    expect(await talk(world.host, ours, 8080)).toBe(`red saw ${ours}`);
    expect(await talk(blue, ours, 8080)).toBe(`red saw ${other}`);
  },
);

scene(
  "a flush that opens 127.0.0.1 to a pod with host ports is told by CHECK and closed by STATUS",
  async (world) => {
    const pods = ports(world, "pods");
    const red = await world.pod("red");
    await addWithPorts(world, pods, red, both({ hostPort: 8080, containerPort: 80 }));
    const setting = `/proc/sys/net/ipv4/conf/${await hostLinkOf(world, red)}/route_localnet`;
    mustSucceed(await plugin(world, "STATUS", { network: pods }));
    expect(await world.host.must(`cat ${setting}`)).toBe("2\n");
    await world.host.must("nft flush ruleset");
    expect(await check(world, pods, red)).toContain("inet pontoon-ports");
    mustSucceed(await plugin(world, "STATUS", { network: pods }));
    expect(await world.host.must(`cat ${setting}`)).toBe("0\n");
  },
);

scene(
  "STATUS lists no links, but while rules are flushed that kept 127.0.0.1 closed to a pod",
  async (world) => {
    const pods = ports(world, "pods");
    const lists = async (): Promise<boolean> => {
      const through = failingAt({ kind: "sendto", count: 10_000 }, "ENOMEM");
      mustSucceed(await plugin(world, "STATUS", { network: pods, through }));
      return /=(RTM_GETLINK|0x12 [^,]*), nlmsg_flags=[A-Z_|]*(NLM_F_DUMP|0x300)/.test(world.read(TRACE));
    };
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    await add(world, pods, blue);
    expect(await lists(), "without host ports").toBe(false);
    await addWithPorts(world, pods, red, both({ hostPort: 8080, containerPort: 80 }));
    expect(await lists(), "with the rules").toBe(false);
    await world.host.must("nft flush ruleset");
    expect(await lists(), "without the rules").toBe(true);
    expect(await lists(), "when all are closed").toBe(false);
  },
);

scene(
  "a host port is free again after DEL, after the pod's death, and comes back with restore",
  async (world) => {
    const pods = ports(world, "pods");
    const wish = both({ hostPort: 8080, containerPort: 80 });
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    await addWithPorts(world, pods, red, wish);
    await del(world, pods, red);
    const before = await snapshot(world);
    await addWithPorts(world, pods, red, wish);
    await del(world, pods, red);
    expect((await snapshot(world)).minus(before).lines).toEqual([]);
    await addWithPorts(world, pods, red, wish);
    await dies(world, red);
    const address = addressOf(await addWithPorts(world, pods, blue, wish));
    await using _tcp = await serve(blue, "tcp", address, 80);
    await using _udp = await serve(blue, "udp", address, 80);
    expect(await talk(world.host, "127.0.0.1", 8080)).toMatch(/^blue saw/);
    await world.host.must("nft flush ruleset");
    expect(await check(world, pods, blue)).toMatch(/host port|inet pontoon/);
    mustSucceed(await world.host.exec(`${PLUGIN_FOLDER}/pontoon restore`));
    expect(await talk(world.host, "127.0.0.1", 8080)).toMatch(/^blue saw/);
    expect(await check(world, pods, blue)).toBeUndefined();
  },
);
