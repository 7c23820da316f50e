// Two owners of one subnet: the node's packets for pods go by one interface alone.
import { expect } from "vitest";
import { add, addDirectly, addressOf, type CniError, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { holdAt, holdAtOrEnd, NODE_LOCK } from "../support/held.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { install, type Network, network } from "../support/network.ts";
import type { Outcome } from "../support/process.ts";
import { ptpNetwork, WAYS } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { atEveryMoment } from "../support/strace.ts";
import { pings } from "../support/traffic.ts";
import type { World } from "../support/world.ts";

/** An interface of another program with one address, which the last command gives it. */
interface Case {
  what: string;
  commands: string[];
  subnet?: string;
}

const WIRE = "ip link add other0 type veth peer name other1";
const UP = "ip link set other0 up";

const IN_THE_WAY: Case[] = [
  { what: "the same subnet", commands: [WIRE, UP, "ip address add 10.1.0.7/24 dev other0"] },
  { what: "the gateway's address, wider", commands: [WIRE, UP, "ip address add 10.1.0.1/16 dev other0"] },
  { what: "the gateway's address alone", commands: [WIRE, UP, "ip address add 10.1.0.1/32 dev other0"] },
  { what: "a part of the subnet", commands: [WIRE, UP, "ip address add 10.1.0.200/28 dev other0"] },
  {
    what: "a point-to-point address to a side that may be a pod",
    commands: [WIRE, UP, "ip address add 192.0.2.1 peer 10.1.0.2 dev other0"],
  },
  { what: "the subnet on lo", commands: ["ip address add 10.1.0.7/24 dev lo"] },
  {
    what: "an old bridge without ports",
    commands: ["ip link add other0 up type bridge", "ip address add 10.1.0.1/16 dev other0"],
  },
  {
    what: "the same IPv6 subnet",
    commands: [WIRE, UP, "ip address add fd01::7/64 dev other0"],
    subnet: "fd01::/64",
  },
  {
    what: "the IPv6 gateway's address, wider",
    commands: [WIRE, UP, "ip address add fd01::1/48 dev other0"],
    subnet: "fd01::/64",
  },
];

for (const [{ way, networkOf }, { what, commands, subnet = "10.1.0.0/24" }] of WAYS.flatMap((each) =>
  IN_THE_WAY.map((owner) => [each, owner] as const),
)) {
  scene(`${way}: refused, and nothing is left: another interface has ${what}`, async (world) => {
    for (const command of commands) await world.host.must(command);
    const [, given = "", name = ""] = /address add (\S+) .*dev (\S+)/.exec(commands.at(-1) ?? "") ?? [];
    const pod = await world.pod("red");
    const before = await snapshot(world);
    const call = { network: networkOf("pods", { subnets: [subnet] }), pod };
    const error = mustFail(await plugin(world, "ADD", call));
    expect(error).toMatchObject({
      code: networkOf === network ? 111 : 122,
      msg: expect.stringContaining(`because "${name}" has ${networkOf === network ? given : ""}`),
    });
    expect(error.details).toMatch(/Hint: Choose another subnet/);
    const after = await snapshot(world);
    expect(after.attachments.lines).toEqual([]);
    expect(after.minus(before).within(({ addresses }) => addresses).lines).toEqual([]);
  });
}

const BESIDE: Case[] = [
  { what: "a wider subnet, as a VPN has it", commands: [WIRE, UP, "ip address add 10.0.0.5/8 dev other0"] },
  {
    what: "a wider subnet with an address of this one",
    commands: [WIRE, UP, "ip address add 10.1.0.77/16 dev other0"],
  },
  { what: "one address of the subnet", commands: [WIRE, UP, "ip address add 10.1.0.77/32 dev other0"] },
  { what: "the same subnet and is down", commands: [WIRE, "ip address add 10.1.0.7/24 dev other0"] },
  {
    what: "a wider IPv6 subnet",
    commands: [WIRE, UP, "ip address add fd01::7/48 dev other0"],
    subnet: "fd01::/64",
  },
];

for (const [{ way, networkOf }, { what, commands, subnet = "10.1.0.0/24" }] of WAYS.flatMap((each) =>
  BESIDE.map((owner) => [each, owner] as const),
)) {
  scene(
    `${way}: one line in the log at the first pod and none later: another interface has ${what}`,
    async (world) => {
      for (const command of commands) await world.host.must(command);
      const [, given = ""] = /address add (\S+)/.exec(commands.at(-1) ?? "") ?? [];
      const pods = networkOf("pods", { subnets: [subnet] });
      const first = mustSucceed(await plugin(world, "ADD", { network: pods, pod: await world.pod("red") }));
      const gateway = subnet.replace("0/", "1/").replace("::/", "::1/");
      const of = networkOf === network ? `${gateway} on pods0` : `${gateway} of network pods`;
      expect(first.stderr).toBe(`pontoon: other0 has ${given}, which overlaps the subnet of ${of}\n`);
      const blue = await world.pod("blue");
      const second = mustSucceed(await plugin(world, "ADD", { network: pods, pod: blue }));
      expect(second.stderr).toBe("");
      expect(await pings(blue, subnet.includes(":") ? "fd01::2" : "10.1.0.2")).toBe(true);
      expect(await pings(world.host, subnet.includes(":") ? "fd01::2" : "10.1.0.2")).toBe(true);
    },
  );
}

scene("a bridge has the subnet of a network of pairs: refused by its name", async (world) => {
  await add(world, install(world, network("bridged")), await world.pod("red"));
  const range = { subnet: "10.1.0.0/24", gateway: "10.1.0.254" };
  const pairs = ptpNetwork("pairs", { ipam: { type: "host-local", ranges: [[range]] } });
  const error = mustFail(await plugin(world, "ADD", { network: pairs, pod: await world.pod("blue") }));
  expect(error).toMatchObject({
    code: 122,
    msg: expect.stringContaining('because "bridged0" has 10.1.0.1/24'),
  });
});

/** A network of pairs whose gateway lies in none of its subnets. */
function pairsBy(gateway: string, name: string, subnet: string): Network {
  const ranges = [[{ subnet, gateway, rangeStart: subnet.replace(/0?\/.*/, "2") }]];
  return ptpNetwork(name, { ipam: { type: "host-local", ranges } });
}

for (const [gateway, subnet, free] of [
  ["169.254.1.1", "10.2.0.0/24", "10.1.0.0/24"],
  ["fe80::1", "fd02::/64", "fd01::/64"],
] as const)
  scene(
    `a bridge has the subnet of a network of pairs by ${gateway}, which another network has too: refused by its name`,
    async (world) => {
      await add(world, install(world, network("bridged", { subnets: [subnet] })), await world.pod("red"));
      const [early, late] = [pairsBy(gateway, "early", free), pairsBy(gateway, "late", subnet)];
      const first = mustSucceed(await plugin(world, "ADD", { network: early, pod: await world.pod("blue") }));
      expect(first.stderr).toBe("");
      const error = mustFail(await plugin(world, "ADD", { network: late, pod: await world.pod("green") }));
      expect(error).toMatchObject({ code: 122, msg: expect.stringContaining('because "bridged0" has') });
      const status = mustFail(await plugin(world, "STATUS", { network: late }));
      expect(status).toMatchObject({ code: 50, msg: expect.stringContaining('because "bridged0" has') });
      mustSucceed(await plugin(world, "STATUS", { network: early }));
    },
  );

for (const address of ["10.1.0.3", "fd01::3"])
  scene(
    `the node has ${address} by itself: no pod on a pair gets it, and the ADD after the refused one works`,
    async (world) => {
      const [subnet, more] = address.includes(":") ? ["fd01::/64", " nodad"] : ["10.1.0.0/24", ""];
      for (const command of [WIRE, UP, `ip address add ${address} dev other0${more}`])
        await world.host.must(command);
      const pods = ptpNetwork("pods", { subnets: [subnet] });
      mustSucceed(await plugin(world, "ADD", { network: pods, pod: await world.pod("red") }));
      const call = { network: pods, pod: await world.pod("blue") };
      const error = mustFail(await plugin(world, "ADD", call));
      expect(error).toMatchObject({
        code: 122,
        msg: expect.stringContaining(`a pod cannot have ${address}, because "other0" of the node has it`),
      });
      const { ips } = await addDirectly(world, call);
      expect(ips?.[0]?.address).toBe(`${address.replace("3", "4")}/${subnet.split("/")[1]}`);
    },
  );

scene(
  "a bridge gets no gateway address that a pod on a pair has, and hears of pods in its subnet",
  async (world) => {
    const pairs = pairsBy("169.254.1.1", "pairs", "10.1.0.0/24");
    for (const name of ["red", "blue", "green"])
      mustSucceed(await plugin(world, "ADD", { network: pairs, pod: await world.pod(name) }));
    const bridged = (gateway: string) => {
      const range = { subnet: "10.1.0.0/16", gateway, rangeStart: "10.1.9.9" };
      return network("bridged", { ipam: { type: "host-local", ranges: [[range]] } });
    };
    const pod = await world.pod("pink");
    const error = mustFail(await plugin(world, "ADD", { network: bridged("10.1.0.3"), pod }));
    expect(error).toMatchObject({
      code: 111,
      msg: expect.stringMatching(/because "veth\w+" has 10\.1\.0\.3\/32/),
    });
    expect(error.details).toContain("delete the pods of network pairs");
    const told = mustSucceed(await plugin(world, "ADD", { network: bridged("10.1.0.1"), pod }));
    expect(told.stderr).toMatch(
      /^pontoon: veth\w+ leads to the pod with 10\.1\.0\.\d and 2 others in the subnet of 10\.1\.0\.1\/16 on bridged0\n$/,
    );
  },
);

scene("the gateway address of many pairs in the subnet of a bridge is one line in the log", async (world) => {
  const pairs = ptpNetwork("pairs");
  for (const name of ["red", "blue", "green"])
    mustSucceed(await plugin(world, "ADD", { network: pairs, pod: await world.pod(name) }));
  const range = { subnet: "10.1.0.0/16", gateway: "10.1.9.1", rangeStart: "10.1.9.2" };
  const wide = network("wide", { ipam: { type: "host-local", ranges: [[range]] } });
  const told = mustSucceed(await plugin(world, "ADD", { network: wide, pod: await world.pod("pink") }));
  expect(told.stderr.match(/has? 10\.1\.0\.1\/32|have 10\.1\.0\.1\/32/g)).toHaveLength(1);
  expect(told.stderr).toMatch(/veth\w+ and 2 others have 10\.1\.0\.1\/32, which overlaps the subnet of/);
});

scene("networks of pairs may have one subnet, and no line says so", async (world) => {
  for (const [name, gateway] of [
    ["one", "10.1.0.1"],
    ["other", "10.1.0.254"],
  ] as const) {
    const range = { subnet: "10.1.0.0/24", gateway, ...(name === "one" ? {} : { rangeStart: "10.1.0.100" }) };
    const pairs = ptpNetwork(name, { ipam: { type: "host-local", ranges: [[range]] } });
    const outcome = mustSucceed(await plugin(world, "ADD", { network: pairs, pod: await world.pod(name) }));
    expect(outcome.stderr).toBe("");
  }
});

scene("subnets apart and link-local addresses are not worth a word", async (world) => {
  await addNeighbour(world);
  const pods = network("pods", { subnets: ["10.1.0.0/24", "fd01::/64"] });
  const outcome = mustSucceed(await plugin(world, "ADD", { network: pods, pod: await world.pod("red") }));
  expect(outcome.stderr).toBe("");
});

scene("the node's own uplink keeps its subnet, and the error names it", async (world) => {
  const { place, host4 } = await addNeighbour(world);
  const error = await refusal(world, { subnets: ["192.168.50.0/24"] });
  expect(error.msg).toContain(`because "uplink" has ${host4}/24`);
  expect(await pings(world.host, "192.168.50.2")).toBe(true);
  expect(await pings(place, host4)).toBe(true);
});

scene(
  "a network whose bridge was renamed: its own old bridge is in the way, and with the old name all is as before",
  async (world) => {
    const pods = install(world, network("pods", { bridge: "old0" }));
    const red = await world.pod("red");
    const address = addressOf(await add(world, pods, red));
    const error = await refusal(world, { bridge: "new0" });
    expect(error).toMatchObject({
      code: 111,
      msg: expect.stringContaining('because "old0" has 10.1.0.1/24'),
    });
    expect(error.details).toContain('set "bridge": "old0"');
    const blue = await world.pod("blue");
    await addDirectly(world, { network: pods, pod: blue });
    expect(await pings(blue, address)).toBe(true);
  },
);

scene(
  "forceAddress replaces addresses of the bridge itself, and none of another interface",
  async (world) => {
    for (const command of [WIRE, UP, "ip address add 10.1.0.7/24 dev other0"]) await world.host.must(command);
    expect((await refusal(world, { forceAddress: true })).code).toBe(111);
    expect(await world.host.must("ip -o address show dev other0")).toContain("10.1.0.7/24");
  },
);

scene("a bridge that is no gateway takes any subnet: no address of the node is made", async (world) => {
  for (const command of [WIRE, UP, "ip address add 10.1.0.7/24 dev other0"]) await world.host.must(command);
  const pods = network("pods", { isGateway: false, ipMasq: false });
  pods.plugins[0].ipam!.routes = [];
  const outcome = mustSucceed(await plugin(world, "ADD", { network: pods, pod: await world.pod("red") }));
  expect(outcome.stderr).toBe("");
});

scene("of two networks with one subnet whose first ADDs run at once, one gets it", async (world) => {
  const calls = await Promise.all(
    ["one", "two", "three"].map(async (name) => ({
      network: network(name),
      pod: await world.pod(`pod-${name}`),
    })),
  );
  const outcomes = await Promise.all(calls.map((call) => plugin(world, "ADD", call)));
  expect(outcomes.map(({ status }) => status).sort()).toEqual([0, 1, 1]);
  for (const outcome of outcomes.filter(({ status }) => status !== 0))
    expect(mustFail(outcome).code).toBe(111);
});

scene("of two networks that give one bridge a gateway address at once, one gets it", async (world) => {
  await world.host.must("ip link add shared0 up type bridge");
  const callOf = async (name: string, subnet: string) => ({
    network: network(name, { bridge: "shared0", subnets: [subnet], ipMasq: false }),
    pod: await world.pod(name),
  });
  // The locks of the leases and of the intent come before that of the node.
  const moment = { kind: "flock", count: 3 };
  await using late = await holdAt(world, "ADD", await callOf("late", "10.2.0.0/24"), moment);
  mustSucceed(await plugin(world, "ADD", await callOf("early", "10.1.0.0/24")));
  expect(mustFail(await late.goOn())).toMatchObject({
    code: 111,
    msg: expect.stringContaining('"shared0" already has an IP address different from 10.2.0.1/24'),
  });
});

scene(
  "of two networks with one subnet one gets it, whenever the other one's first ADD comes between",
  async (world) => {
    const [pod, other] = [await world.pod("red"), await world.pod("blue")];
    await atEveryMoment(
      async (moment) => {
        const wishes = { subnets: [`10.${moment.count}.0.0/24`] };
        const name = `one${moment.count}`;
        await using held = await holdAtOrEnd(world, "ADD", { network: network(name, wishes), pod }, moment);
        if (held.isOver) return false;
        const second = { network: network(`two${moment.count}`, wishes), pod: other };
        const played: Outcome[] = [];
        const { outcome } = await held.meanwhile(
          async () => played.push(await plugin(world, "ADD", second)),
          [NODE_LOCK],
        );
        const all = [outcome, ...played];
        expect(all.map(({ status }) => status).sort()).toEqual([0, 1]);
        expect(mustFail(all.find(({ status }) => status !== 0)!).code).toBe(111);
        mustSucceed(await plugin(world, "DEL", { network: network(name, wishes), pod }));
        mustSucceed(await plugin(world, "DEL", second));
        return true;
      },
      ["flock"],
    );
  },
);

async function refusal(world: World, wishes: Parameters<typeof network>[1]): Promise<CniError> {
  const call = { network: network("pods", wishes), pod: await world.pod("refused") };
  return mustFail(await plugin(world, "ADD", call));
}
