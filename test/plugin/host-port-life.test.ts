// Host ports from ADD to DEL: what CHECK sees, what comes back, what goes, and what a call leaves that dies
// half-way.
import { isDeepStrictEqual } from "node:util";
import { expect } from "vitest";
import {
  add,
  addressOf,
  type CniResult,
  check,
  del,
  mustSucceed,
  type PluginCall,
  plugin,
} from "../support/cni.ts";
import { collect } from "../support/collection.ts";
import { DEL_WAYS } from "../support/del-way.ts";
import { holdAtOrEnd, NODE_LOCK } from "../support/held.ts";
import { addWithPorts, both, portConfig, portNetwork, talk } from "../support/host-port.ts";
import { dieAt } from "../support/hurt.ts";
import { hostLinkOf } from "../support/link.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import type { Snapshot } from "../support/snapshot-part.ts";
import { warmUp } from "../support/steady.ts";
import { atEveryMoment, type Moment } from "../support/strace.ts";
import { serve } from "../support/traffic.ts";
import { PLUGIN_FOLDER, type Pod, type World } from "../support/world.ts";

const SUBNETS = ["10.1.0.0/24", "fd01::/64"];
/** Of each kind one: all addresses, one address, a row that stays as it is, a row of other numbers. */
const PORTS = [
  ...both({ hostPort: 8080, containerPort: 80 }),
  { hostPort: 8443, containerPort: 443, hostIP: "127.0.0.1" },
  { hostPort: 5000, hostPortEnd: 5100, containerPort: 5000, protocol: "UDP" },
  { hostPort: 6000, hostPortEnd: 6002, containerPort: 7000, protocol: "sctp" },
];

scene("CHECK says what is lost, and the next ADD with a host port brings back everybody's", async (world) => {
  const { pods, red } = await redAndBlue(world);
  expect(await check(world, pods, red)).toBeUndefined();
  const whole = await portLines(world);
  for (const harm of [
    "nft flush ruleset",
    "nft delete table inet pontoon-ports",
    "nft flush chain inet pontoon-ports output",
  ]) {
    await world.host.must(harm);
    expect(await check(world, pods, red), harm).toContain(
      "the nftables table inet pontoon-ports, which leads host ports to pods, is missing or not whole",
    );
    const green = await world.pod("green");
    await addWithPorts(world, pods, green, [{ hostPort: 9, containerPort: 9 }]);
    expect(await check(world, pods, red), harm).toBeUndefined();
    await del(world, pods, green);
    await world.removePod(green);
    expect(await portLines(world), harm).toEqual(whole);
  }
  await world.host.must("nft delete element inet pontoon-ports any4 { tcp . 8080 }");
  expect(await check(world, pods, red)).toContain(
    "host ports do not lead to the pod: 1 of its 15 nftables elements are missing",
  );
});

scene("`pontoon restore` puts back the host ports of all pods", async (world) => {
  const { pods, red } = await redAndBlue(world);
  const whole = await portLines(world);
  for (const harm of [
    "nft flush ruleset",
    "nft delete element inet pontoon-ports any4 { tcp . 8080 }",
    "nft flush map inet pontoon-ports hairpin6",
  ]) {
    await world.host.must(harm);
    await world.host.must(`${PLUGIN_FOLDER}/pontoon restore`);
    expect(await portLines(world), harm).toEqual(whole);
  }
  expect(await check(world, pods, red)).toBeUndefined();
  expect(await world.host.must(`${PLUGIN_FOLDER}/pontoon restore`)).toBe(
    "pods: 3 attachments, nothing to do\n",
  );
});

scene(
  "host ports that `pontoon restore` puts back at any moment of a DEL are gone when that has ended",
  async (world) => {
    // Without rules of another kind, for which DEL would look again anyway.
    const pods = portNetwork(world, "pods", { subnets: SUBNETS, ipMasq: false });
    const call = { network: pods, pod: await world.pod("red"), more: portConfig(PORTS) };
    await addWithPorts(world, pods, await world.pod("blue"), [{ hostPort: 7, containerPort: 7 }]);
    const onlyBlue = await portLines(world);
    let putBack = 0;
    await atEveryMoment(
      async (moment) => {
        mustSucceed(await plugin(world, "ADD", call));
        const whole = await portLines(world);
        await using deleting = await holdAtOrEnd(world, "DEL", call, moment);
        const { isOver } = deleting;
        // While it holds the lock, restore waits for it.
        if (!isOver && !deleting.holdsLock(NODE_LOCK)) {
          const taken = (await portLines(world)).length < whole.length;
          await world.host.must(`${PLUGIN_FOLDER}/pontoon restore`);
          if (taken && isDeepStrictEqual(await portLines(world), whole)) putBack += 1;
        }
        mustSucceed(await (isOver ? deleting.outcome : deleting.goOn()));
        expect(await portLines(world), `restored before ${moment.kind} ${moment.count}`).toEqual(onlyBlue);
        return !isOver;
      },
      ["sendto"],
    );
    expect(putBack).toBeGreaterThan(0);
  },
  120_000,
);

scene(
  "CHECK says when hairpin mode, which the pod's way to itself needs, was switched off",
  async (world) => {
    const { pods, red } = await redAndBlue(world);
    await world.host.must(`bridge link set dev ${await hostLinkOf(world, red)} hairpin off`);
    expect(await check(world, pods, red)).toContain("hairpin mode of");
  },
);

for (const [way, remove] of DEL_WAYS) {
  scene(
    `DEL ${way} takes the host ports out and leaves those of others, and so does a second one`,
    async (world) => {
      const { pods, red, onlyBlue } = await redAndBlue(world);
      const call = { network: pods, containerId: red.containerId, netns: "" };
      await remove(world, pods, red);
      expect(await portLines(world)).toEqual(onlyBlue);
      mustSucceed(await plugin(world, "DEL", call));
      expect(await portLines(world)).toEqual(onlyBlue);
    },
  );
}

for (const records of ["with records", "without records"]) {
  scene(`GC ${records} takes out what belongs to no valid attachment of its network`, async (world) => {
    const others = portNetwork(world, "others", { subnets: ["10.2.0.0/24"] });
    await addWithPorts(world, others, await world.pod("green"), [{ hostPort: 99, containerPort: 99 }]);
    const { pods, blue, onlyBlue } = await redAndBlue(world);
    if (records === "without records") await world.host.must("rm -r /var/lib/cni/pontoon");
    mustSucceed(await collect(world, pods, [blue]));
    expect(await portLines(world)).toEqual(onlyBlue);
  });
}

scene("two networks of one container: DEL of one leaves the ports of the other", async (world) => {
  const pods = portNetwork(world, "pods");
  const others = portNetwork(world, "others", {
    ipam: { type: "host-local", ranges: [[{ subnet: "10.2.0.0/24" }]] },
  });
  const red = await world.pod("red");
  const call = { pod: red, containerId: "both" };
  mustSucceed(
    await plugin(world, "ADD", {
      ...call,
      network: pods,
      more: portConfig([{ hostPort: 8080, containerPort: 80 }]),
    }),
  );
  const prevResult = JSON.parse(
    mustSucceed(
      await plugin(world, "ADD", {
        ...call,
        network: others,
        interfaceName: "eth1",
        more: portConfig([{ hostPort: 8081, containerPort: 80 }]),
      }),
    ).stdout,
  ) as CniResult;
  mustSucceed(await plugin(world, "DEL", { ...call, network: pods }));
  mustSucceed(
    await plugin(world, "CHECK", { ...call, network: others, interfaceName: "eth1", more: { prevResult } }),
  );
  expect((await portThings(world)).elements.names).toEqual(["any4", "hairpin4"]);
});

scene(
  "a node without host ports has none of it; what stays after the last one is the table without elements",
  async (world) => {
    const pods = portNetwork(world, "pods", { subnets: SUBNETS });
    const plain = await warmUp(world, pods);
    expect(plain.inTable("inet pontoon-ports").lines).toEqual([]);
    const red = await world.pod("red");
    const before = await snapshot(world);
    await addWithPorts(world, pods, red, PORTS);
    await del(world, pods, red);
    const stayed = (await snapshot(world)).minus(before);
    expect(stayed.within(({ elements, networkChains }) => elements.plus(networkChains)).lines).toEqual([]);
    expect(stayed.outside((all) => all.inTable("inet pontoon-ports")).lines).toEqual([
      "+ sysctl net/ipv4/conf/pods0/route_localnet=2",
    ]);
  },
);

scene(
  "what a runtime sends in PascalCase, as containerd does, with an empty protocol and address, is understood",
  async (world) => {
    const pods = portNetwork(world, "pods");
    const red = await world.pod("red");
    const more = {
      runtimeConfig: {
        portMappings: [
          { HostPort: 8080, ContainerPort: 80, Protocol: "TCP", HostIP: "" },
          { HostPort: 8080, ContainerPort: 80, Protocol: "udp", HostIP: "0.0.0.0" },
          { HostPort: 8081, ContainerPort: 80, Protocol: "", HostIP: "::" },
        ],
      },
    };
    const result = JSON.parse(
      mustSucceed(await plugin(world, "ADD", { network: pods, pod: red, more })).stdout,
    ) as CniResult;
    await using _tcp = await serve(red, "tcp", addressOf(result), 80);
    await using _udp = await serve(red, "udp", addressOf(result), 80);
    expect(await talk(world.host, "127.0.0.1", 8080)).toBe("red saw 10.1.0.1");
  },
);

scene(
  "an ADD with host ports that dies before any one of its steps is made good by the next DEL",
  async (world) => {
    const { call, baseline } = await stage(world);
    const found: Record<string, string[]> = {};
    await atEveryMoment(async (moment) => {
      const died = await dieAt(world, "ADD", call, moment);
      mustSucceed(await plugin(world, "DEL", call));
      await note(world, baseline, moment, found);
      return died;
    });
    expect(found).toEqual({});
  },
  180_000,
);

scene(
  "a DEL with host ports that dies before any one of its steps is made good by the next DEL",
  async (world) => {
    const { call, baseline } = await stage(world);
    const found: Record<string, string[]> = {};
    await atEveryMoment(async (moment) => {
      mustSucceed(await plugin(world, "ADD", call));
      const died = await dieAt(world, "DEL", call, moment);
      mustSucceed(await plugin(world, "DEL", call));
      await note(world, baseline, moment, found);
      return died;
    });
    expect(found).toEqual({});
  },
  180_000,
);

scene(
  "an ADD that dies before any one of its steps, on a node whose table is lost, does not keep the next one from its ports",
  async (world) => {
    const { call } = await stage(world, "none");
    const other = { ...call, pod: await world.pod("blue") };
    const kinds = new Set<string>();
    await atEveryMoment(
      async (moment) => {
        await world.host.must("nft flush ruleset");
        const died = await dieAt(world, "ADD", call, moment);
        // What a dead ADD of a pod leaves behind when the pod goes too: its claim to the ports, and no link.
        const links = await world.host.json<{ ifname: string }[]>("ip -j link show type veth");
        for (const { ifname } of links) await world.host.must(`ip link delete ${ifname}`);
        kinds.add(`${died ? "died" : "whole"} with ${links.length} links`);
        const prevResult = JSON.parse(mustSucceed(await plugin(world, "ADD", other)).stdout) as CniResult;
        mustSucceed(await plugin(world, "CHECK", { ...other, more: { prevResult } }));
        for (const one of [call, other]) mustSucceed(await plugin(world, "DEL", one));
        expect(
          (await portThings(world)).elements.lines,
          `killed before ${moment.kind} ${moment.count}`,
        ).toEqual([]);
        return died;
      },
      ["sendto"],
    );
    expect([...kinds].sort()).toEqual(["died with 0 links", "died with 1 links", "whole with 1 links"]);
  },
  180_000,
);

/** With another pod, which loses nothing, where nobody says that there is none. */
async function stage(
  world: World,
  others: "one" | "none" = "one",
): Promise<{ call: PluginCall & { pod: Pod }; baseline: Snapshot }> {
  const pods = portNetwork(world, "pods", { subnets: SUBNETS });
  const call = { network: pods, pod: await world.pod("red"), more: portConfig(PORTS) };
  mustSucceed(await plugin(world, "ADD", call));
  mustSucceed(await plugin(world, "DEL", call));
  if (others === "one")
    await addWithPorts(world, pods, await world.pod("resident"), [{ hostPort: 7, containerPort: 7 }]);
  return { call, baseline: await snapshot(world) };
}

async function note(
  world: World,
  baseline: Snapshot,
  { kind, count }: Moment,
  found: Record<string, string[]>,
): Promise<void> {
  const { isEmpty, lines } = (await snapshot(world)).minus(baseline);
  if (!isEmpty) found[`killed before ${kind} ${count}`] = lines;
}

async function redAndBlue(world: World) {
  const pods = portNetwork(world, "pods", { subnets: SUBNETS });
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  await addWithPorts(world, pods, blue, [{ hostPort: 7, containerPort: 7 }]);
  await add(world, pods, await world.pod("plain"));
  const onlyBlue = await portLines(world);
  await addWithPorts(world, pods, red, PORTS);
  return { pods, red, blue, onlyBlue };
}

/** What there is in the table of host ports. */
async function portThings(world: World): Promise<Snapshot> {
  return (await snapshot(world)).inTable("inet pontoon-ports");
}

async function portLines(world: World): Promise<string[]> {
  return (await portThings(world)).lines;
}
