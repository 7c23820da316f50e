// The ways to a host port beyond the plain one: other settings, rows of ports, and what stays closed.
import { expect } from "vitest";
import {
  add,
  addressOf,
  type CniResult,
  check,
  del,
  gatewayOf,
  mustSucceed,
  plugin,
} from "../support/cni.ts";
import { holdAtOrEnd, NODE_LOCK } from "../support/held.ts";
import { addWithPorts, both, portArgs, portConfig, portNetwork, talk } from "../support/host-port.ts";
import { addNeighbour, type Neighbour } from "../support/neighbour.ts";
import type { Network, NetworkWishes } from "../support/network.ts";
import { refused } from "../support/refusal.ts";
import { scene } from "../support/scene.ts";
import { warmUp } from "../support/steady.ts";
import { atEveryMoment } from "../support/strace.ts";
import { connect, serve } from "../support/traffic.ts";
import { PLUGIN_FOLDER, type Pod, type World } from "../support/world.ts";

const WEB = both({ hostPort: 8080, containerPort: 80 });

scene(
  "snat false: no connection gets the node's address, so localhost and the pod's own network stay outside",
  async (world) => {
    await using stage = await webServer(world, { snat: false });
    const { red, neighbour, blue } = stage;
    expect(await talk(neighbour.place, neighbour.host4, 8080)).toBe(`red saw ${neighbour.v4}`);
    expect(await talk(world.host, neighbour.host4, 8080)).toBe(`red saw ${neighbour.host4}`);
    expect(await talk(world.host, "127.0.0.1", 8080)).toBeUndefined();
    expect(await talk(red, neighbour.host4, 8080)).toBeUndefined();
    // Here the packet filter sees the bridge, so the answer does find back, from who was asked.
    expect(await talk(blue, neighbour.host4, 8080)).toBe("red saw 10.1.0.3");
    expect(await world.host.must("cat /proc/sys/net/ipv4/conf/pods0/route_localnet")).toBe("0\n");
  },
);

scene("masqAll: every connection gets the node's address", async (world) => {
  await using stage = await webServer(world, { masqAll: true });
  const { red, neighbour, blue } = stage;
  for (const from of [neighbour.place, world.host, blue, red])
    expect(await talk(from, neighbour.host4, 8080), from.name).toBe("red saw 10.1.0.1");
  expect(await talk(world.host, "127.0.0.1", 8080)).toBe("red saw 10.1.0.1");
});

scene("another bit for the mark works as well, and two of them on one node do not", async (world) => {
  await using stage = await webServer(world, { markMasqBit: 31 });
  expect(await talk(stage.blue, stage.neighbour.host4, 8080)).toBe("red saw 10.1.0.1");
  const others = portNetwork(world, "others", { subnets: ["10.2.0.0/24"] });
  await warmUp(world, others);
  const error = await refused(world, {
    network: others,
    pod: await world.pod("green"),
    more: portConfig([{ hostPort: 9, containerPort: 9 }]),
  });
  expect(error).toMatchObject({ code: 131, msg: "host port cannot be used: markMasqBit 13" });
  expect(error.details).toContain("marked with bit 31, as those of container cnitool-");
});

for (const filter of [1, 0]) {
  scene(
    `bridge-nf-call ${filter}: a network without ipMasq has host ports too, and its pods keep their addresses on other ways`,
    async (world) => {
      await world.host.must(["sh", "-c", `echo ${filter} > /proc/sys/net/bridge/bridge-nf-call-iptables`]);
      await using stage = await webServer(world, { ipMasq: false });
      const { red, blue, neighbour } = stage;
      await neighbour.place.must("ip route add 10.0.0.0/8 via 192.168.50.1");
      expect(await talk(neighbour.place, neighbour.host4, 8080)).toBe(`red saw ${neighbour.v4}`);
      expect(await talk(world.host, "127.0.0.1", 8080)).toBe("red saw 10.1.0.1");
      expect(await talk(blue, neighbour.host4, 8080)).toBe("red saw 10.1.0.1");
      expect(await talk(red, neighbour.host4, 8080)).toBe("red saw 10.1.0.1");
      await using _server = await serve(neighbour.place, "tcp", neighbour.v4, 8080);
      expect(await connect(blue, neighbour.v4, 8080)).toBe("neighbour saw 10.1.0.3");
      expect((await world.host.must("nft list tables")).trim()).toBe("table inet pontoon-ports");
    },
  );
}

scene("rows of ports lead to ports of the same numbers, or of others, and no further", async (world) => {
  const neighbour = await addNeighbour(world);
  const pods = portNetwork(world, "pods");
  const red = await world.pod("red");
  const address = addressOf(
    await addWithPorts(world, pods, red, [
      ...both({ hostPort: 5000, hostPortEnd: 5100, containerPort: 5000 }),
      ...both({ hostPort: 6000, hostPortEnd: 6010, containerPort: 7000, hostIP: neighbour.host4 }),
    ]),
  );
  await neighbour.place.must(`ip route add default via ${neighbour.host4}`);
  const ways: [number, number, boolean][] = [
    [5000, 5000, true],
    [5100, 5100, true],
    [5101, 5101, false],
    [6000, 7000, true],
    [6010, 7010, true],
    [6011, 7011, false],
  ];
  for (const [hostPort, containerPort, isOpen] of ways) {
    await using _tcp = await serve(red, "tcp", address, containerPort);
    await using _udp = await serve(red, "udp", address, containerPort);
    expect(await talk(neighbour.place, neighbour.host4, hostPort), String(hostPort)).toBe(
      isOpen ? `red saw ${neighbour.v4}` : undefined,
    );
  }
  const elements = (await world.host.must("nft list map inet pontoon-ports range4")).match(/5000-5100/g);
  expect(elements).toHaveLength(2);
});

scene(
  "an address that the pod's network has no range for is refused, and ADD without any address too",
  async (world) => {
    const pods = portNetwork(world, "pods");
    const plain = portNetwork(world, "plain", { ipam: {}, isGateway: false, ipMasq: false });
    await warmUp(world, pods, plain);
    const red = await world.pod("red");
    expect(
      await refused(world, {
        network: pods,
        pod: red,
        more: portConfig([{ hostPort: 8080, containerPort: 80, hostIP: "fd50::1" }]),
      }),
    ).toMatchObject({
      code: 7,
      msg: "invalid network config: hostIP fd50::1: the pod has no IPv6 address that its ports could lead to",
    });
    for (const call of [
      { network: plain, ports: WEB },
      { network: pods, ports: [{ hostPort: 8080, containerPort: 80, hostIP: "::" }] },
    ]) {
      expect(
        await refused(world, { network: call.network, pod: red, more: portConfig(call.ports) }),
      ).toMatchObject({
        code: 7,
        msg: "invalid network config: host ports are asked for, but the pod has no address that they could lead to",
      });
    }
  },
);

scene("SCTP is refused where the kernel's connection tracking does not know it", async (world) => {
  const pods = portNetwork(world, "pods");
  await addWithPorts(world, pods, await world.pod("first"), WEB);
  await world.host.must("mount -t tmpfs tmpfs /proc/sys/net/netfilter");
  const error = await refused(world, {
    network: pods,
    pod: await world.pod("red"),
    more: portConfig([{ hostPort: 8080, containerPort: 80, protocol: "SCTP" }]),
  });
  expect(error).toMatchObject({
    code: 131,
    msg: "host port cannot be used: this kernel cannot lead SCTP connections to pods",
  });
});

scene(
  "what listens on 127.0.0.1 stays closed to pods and neighbours, although localhost reaches host ports",
  async (world) => {
    await using stage = await webServer(world, {});
    const { blue, neighbour } = stage;
    await using _server = await serve(world.host, "tcp", "127.0.0.1", 7777);
    await world.host.must("sysctl -qw net.ipv4.conf.uplink.route_localnet=1");
    for (const [from, via] of [
      [blue, "10.1.0.1"],
      [neighbour.place, neighbour.host4],
    ] as const) {
      await from.must("ip address del 127.0.0.1/8 dev lo");
      // Routes that went with the address are no error: what counts is that the next one can be made.
      await from.exec("ip route flush table local 127.0.0.0/8");
      await from.must(`ip route add 127.0.0.0/8 via ${via}`);
      const link = from === blue ? "eth0" : "wire";
      await from.must(`sysctl -qw net.ipv4.conf.${link}.route_localnet=1 net.ipv4.conf.all.route_localnet=1`);
      expect(await connect(from, "127.0.0.1", 7777), from.name).toBeUndefined();
      await world.host.must("nft flush chain inet pontoon-ports guard");
      expect(await connect(from, "127.0.0.1", 7777), `${from.name} without the guard`).toContain("saw");
      await world.host.must([
        "nft",
        "add rule inet pontoon-ports guard iifname != lo ip daddr 127.0.0.0/8 drop",
      ]);
    }
  },
);

for (const call of ["ADD of a pod without host ports", "STATUS", "DEL of the pod with host ports"]) {
  scene(
    `after a flush the next ${call} closes the node's 127.0.0.1 to pods, and restore opens it to host ports`,
    async (world) => {
      await using stage = await webServer(world, {});
      const { pods, red, blue } = stage;
      await using _server = await serve(world.host, "tcp", "127.0.0.1", 7777);
      await blue.must("ip address del 127.0.0.1/8 dev lo");
      await blue.exec("ip route flush table local 127.0.0.0/8");
      await blue.must("ip route add 127.0.0.0/8 via 10.1.0.1");
      await blue.must("sysctl -qw net.ipv4.conf.eth0.route_localnet=1 net.ipv4.conf.all.route_localnet=1");
      await world.host.must("nft flush ruleset");
      expect(await connect(blue, "127.0.0.1", 7777)).toContain("saw");
      expect(await check(world, pods, blue)).toContain(
        "the rules that keep the node's 127.0.0.1 closed to pods",
      );
      if (call === "STATUS") mustSucceed(await plugin(world, "STATUS", { network: pods }));
      else if (call.startsWith("ADD")) await add(world, pods, await world.pod("green"));
      else await del(world, pods, red);
      expect(await connect(blue, "127.0.0.1", 7777)).toBeUndefined();
      if (call.startsWith("DEL")) return;
      expect(await world.host.must(`${PLUGIN_FOLDER}/pontoon restore`)).toContain("put back");
      expect(await talk(world.host, "127.0.0.1", 8080)).toMatch(/^red saw/);
      expect(await connect(blue, "127.0.0.1", 7777)).toBeUndefined();
      expect(await world.host.must(`${PLUGIN_FOLDER}/pontoon restore`)).not.toContain("put back");
    },
  );
}

scene(
  "an ADD opens localhost before it lets go of the node's lock",
  async (world) => {
    const call = {
      network: portNetwork(world, "pods", { ipMasq: false }),
      pod: await world.pod("red"),
      more: portConfig([{ hostPort: 8080, containerPort: 80 }]),
    };
    for (const verb of ["ADD", "DEL"] as const) mustSucceed(await plugin(world, verb, call));
    const setting = "net.ipv4.conf.pods0.route_localnet";
    /** For each moment between the port and the opening: whether the ADD has the lock. */
    const between: boolean[] = [];
    await atEveryMoment(
      async (moment) => {
        await world.host.must(`sysctl -qw ${setting}=0`);
        await using held = await holdAtOrEnd(world, "ADD", call, moment);
        const isOpen = (await world.host.must(`sysctl -n ${setting}`)) !== "0\n";
        const hasPort = (await world.host.must("nft list map inet pontoon-ports any4")).includes("8080");
        const { isOver } = held;
        if (!isOver && hasPort && !isOpen) between.push(held.holdsLock(NODE_LOCK));
        await held[Symbol.asyncDispose]();
        mustSucceed(await plugin(world, "DEL", call));
        return !isOver;
      },
      ["sendto"],
    );
    expect(new Set(between)).toEqual(new Set([true]));
  },
  120_000,
);

scene(
  "localhost that was closed after a flush is open again when another network brings the rules back",
  async (world) => {
    await using stage = await webServer(world, {});
    const others = portNetwork(world, "others", { subnets: ["10.2.0.0/24"] });
    await world.host.must("nft flush ruleset");
    mustSucceed(await plugin(world, "STATUS", { network: stage.pods }));
    expect(await talk(world.host, "127.0.0.1", 8080)).toBeUndefined();
    await add(world, others, await world.pod("green"), portArgs([{ hostPort: 9, containerPort: 9 }]));
    expect(await talk(world.host, "127.0.0.1", 8080)).toMatch(/^red saw/);
  },
);

scene(
  "hairpin mode, which a pod with host ports gets, does not disturb its own IPv6 address",
  async (world) => {
    const pods = portNetwork(world, "pods", { subnets: ["fd01::/64"], enabledad: true });
    const red = await world.pod("red");
    const result = JSON.parse(
      mustSucceed(await plugin(world, "ADD", { network: pods, pod: red, more: portConfig(WEB) })).stdout,
    ) as CniResult;
    await using _tcp = await serve(red, "tcp", addressOf(result), 80);
    expect(await connect(red, gatewayOf(result), 8080)).toBe("red saw fd01::1");
    expect(await red.must("ip -6 address show dadfailed")).toBe("");
  },
);

for (const order of [
  ["four", "six"],
  ["six", "four"],
] as const) {
  scene(
    `restore opens localhost once beside a network of IPv6 on the same bridge (${order.join(", ")})`,
    async (world) => {
      const subnets = { four: ["10.1.0.0/24"], six: ["fd01::/64"] };
      for (const name of order) {
        const pods = portNetwork(world, name, { bridge: "shared0", subnets: subnets[name] });
        const port = { hostPort: name === "four" ? 8080 : 8081, containerPort: 80 };
        await add(world, pods, await world.pod(`pod-${name}`), portArgs([port]));
      }
      const setting = "net.ipv4.conf.shared0.route_localnet";
      await world.host.must(`sysctl -qw ${setting}=0`);
      expect(await world.host.must(`${PLUGIN_FOLDER}/pontoon restore`)).toBe(
        "four: 1 attachment, 1 rule put back\nsix: 1 attachment, nothing to do\n",
      );
      expect(await world.host.must(`sysctl -n ${setting}`)).toBe("2\n");
    },
  );
}

/** A pod `red` behind port 8080, a pod `blue` beside it, and a neighbour. */
async function webServer(
  world: World,
  wishes: NetworkWishes,
): Promise<{ pods: Network; red: Pod; blue: Pod; neighbour: Neighbour } & AsyncDisposable> {
  const neighbour = await addNeighbour(world);
  await neighbour.place.must(`ip route add default via ${neighbour.host4}`);
  const pods = portNetwork(world, "pods", wishes);
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  const address = addressOf(await addWithPorts(world, pods, red, WEB));
  await add(world, pods, blue);
  const servers = [await serve(red, "tcp", address, 80), await serve(red, "udp", address, 80)];
  return {
    pods,
    red,
    blue,
    neighbour,
    [Symbol.asyncDispose]: async () => {
      for (const server of servers) await server.finish();
    },
  };
}
