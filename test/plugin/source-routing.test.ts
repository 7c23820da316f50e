// sourceBasedRouting: what a pod sends from the addresses of its second attachment leaves by that one.
import { expect } from "vitest";
import {
  addDirectly,
  addressesOf,
  type CniResult,
  mustFail,
  mustSucceed,
  type PluginCall,
  plugin,
} from "../support/cni.ts";
import { dieAt, failAt } from "../support/hurt.ts";
import { install, type NetworkWishes, network } from "../support/network.ts";
import type { Place } from "../support/place.ts";
import { scene } from "../support/scene.ts";
import { atEveryMoment } from "../support/strace.ts";
import type { Pod, World } from "../support/world.ts";

const FIRST = ["10.1.0.0/24", "fd01::/64"];
const SECOND = ["10.2.0.0/24", "fd02::/64"];
/** Behind the host: no network of the pod's. */
const FAR = ["192.0.2.1", "2001:db8::1"];

scene(
  "packets from either attachment leave by it, and calls from far away to either are answered, v4 and v6",
  async (world) => {
    const { red, result } = await attached(world);
    const first = addressesOf(result.first);
    const second = addressesOf(result.second);
    for (const [at, far] of FAR.entries()) {
      for (const own of [first[at]!, second[at]!]) {
        expect((await red.exec(`ping -n -c 1 -W 1 -I ${own} ${far}`)).status, `${own} to ${far}`).toBe(0);
        expect((await world.host.exec(`ping -n -c 1 -W 1 -I ${far} ${own}`)).status, `${far} to ${own}`).toBe(
          0,
        );
      }
    }
    // Neighbours are reached without the gateway.
    const blue = await world.pod("blue");
    const [neighbour] = addressesOf(
      await addDirectly(world, {
        network: network("second", { ...WISHES, subnets: SECOND, bridge: "second0" }),
        pod: blue,
      }),
    );
    expect(await red.must(`ip route get ${neighbour} from ${second[0]}`)).toMatch(/dev net1/);
    expect(await red.must(`ip route get ${neighbour} from ${second[0]}`)).not.toContain("via");
  },
);

scene(
  "without it the same packets are lost: the neighbours of this scene accept the right way only",
  async (world) => {
    const { red, result } = await attached(world, { sourceBasedRouting: false });
    for (const [at, far] of FAR.entries()) {
      const own = addressesOf(result.second)[at]!;
      const ways = [
        red.exec(`ping -n -c 1 -W 1 -I ${own} ${far}`),
        world.host.exec(`ping -n -c 1 -W 1 -I ${far} ${own}`),
      ];
      expect(
        (await Promise.all(ways)).filter(({ status }) => status === 0),
        own,
      ).toHaveLength(0);
    }
  },
);

scene(
  "the main table keeps its default routes, whatever the second network says, and its other routes are in both",
  async (world) => {
    for (const wishes of [
      {},
      { isDefaultGateway: true },
      { routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0", gw: "fd02::9" }, { dst: "10.9.0.0/16" }] },
    ] as (NetworkWishes & { routes?: object[] })[]) {
      const { routes, ...others } = wishes;
      const ipam = {
        type: "host-local",
        ranges: SECOND.map((subnet) => [{ subnet }]),
        routes: routes as { dst: string }[],
      };
      const { red, call } = await attached(world, { ...others, ipam }, `red${Object.keys(wishes).join("")}`);
      expect(await defaultsOf(red, "main"), JSON.stringify(wishes)).toEqual([
        "10.1.0.1 eth0",
        "fd01::1 eth0",
      ]);
      const table = await tableOf(red);
      expect(await defaultsOf(red, table), JSON.stringify(wishes)).toEqual([
        "10.2.0.1 net1",
        routes === undefined ? "fd02::1 net1" : "fd02::9 net1",
      ]);
      for (const name of routes === undefined ? [] : ["main", table])
        expect(await red.must(`ip route show table ${name}`)).toContain("10.9.0.0/16 via 10.2.0.1 dev net1");
      mustSucceed(await plugin(world, "CHECK", call));
    }
  },
);

scene(
  "DEL takes the rules out of a pod that lives on, with and without the record and the namespace, and leaves others'",
  async (world) => {
    const harms: [string, (world: World, call: PluginCall) => Promise<PluginCall>][] = [
      ["nothing is lost", async (_, call) => call],
      [
        "the record is lost",
        async ({ host }, call) => {
          await host.must("rm -r /var/lib/cni/pontoon/second");
          return call;
        },
      ],
      ["the namespace is not named", async (_, call) => ({ ...call, netns: "" })],
      [
        "the interface went before",
        async (_, call) => {
          await call.pod!.must("ip link delete net1");
          return call;
        },
      ],
    ];
    for (const [name, harm] of harms) {
      const { red, call, before } = await attached(world, {}, name.replaceAll(" ", ""));
      await red.must("ip rule add from 10.77.0.1 lookup 10077");
      expect((await rulesOf(red)).length, name).toBe(before.length + 3);
      const { pod: _, ...rest } = await harm(world, call);
      mustSucceed(await plugin(world, "DEL", { ...rest, pod: red }));
      await red.must("ip rule delete from 10.77.0.1 lookup 10077");
      expect(await rulesOf(red), name).toEqual(before);
    }
  },
);

scene("GC takes the rules out of a pod that lives on", async (world) => {
  const { red, call, before } = await attached(world);
  mustSucceed(
    await plugin(world, "GC", { network: call.network, more: { "cni.dev/valid-attachments": [] } }),
  );
  expect(await rulesOf(red)).toEqual(before);
});

scene("CHECK says which rule or route is missing", async (world) => {
  const { red, call, result } = await attached(world);
  const table = await tableOf(red);
  const [address] = addressesOf(result.second);
  const harms: [string, string, string][] = [
    [
      `ip rule delete from ${address} lookup ${table}`,
      `the pod has no rule that leads packets from ${address} to routing table ${table}`,
      `ip rule add from ${address} lookup ${table}`,
    ],
    [
      `ip route delete default table ${table}`,
      `routing table ${table} in the pod has no route to 0.0.0.0/0 by net1`,
      `ip route add default via 10.2.0.1 dev net1 table ${table}`,
    ],
    [
      `ip -6 route delete fd02::/64 table ${table}`,
      `routing table ${table} in the pod has no route to fd02::/64 by net1`,
      `ip -6 route add fd02::/64 dev net1 table ${table}`,
    ],
  ];
  mustSucceed(await plugin(world, "CHECK", call));
  for (const [harm, sentence, cure] of harms) {
    await red.must(harm);
    expect(mustFail(await plugin(world, "CHECK", call)).msg, harm).toContain(sentence);
    await red.must(cure);
    mustSucceed(await plugin(world, "CHECK", call));
  }
});

scene(
  "an ADD that fails at any moment leaves no rule",
  async (world) => {
    const { red, call, before } = await attached(world);
    mustSucceed(await plugin(world, "DEL", call));
    await atEveryMoment(
      async (moment) => {
        const { outcome, wasHurt } = await failAt(world, "ADD", call, moment, "ENOMEM");
        if (outcome.status === 0) mustSucceed(await plugin(world, "DEL", call));
        expect(await rulesOf(red), `failing ${moment.count}`).toEqual(before);
        return wasHurt;
      },
      ["sendto"],
    );
  },
  90_000,
);

scene(
  "an ADD that dies at any moment leaves no rule after a DEL, and the next ADD makes no second one",
  async (world) => {
    const { red, call, before } = await attached(world);
    const whole = await rulesOf(red);
    mustSucceed(await plugin(world, "DEL", call));
    await atEveryMoment(
      async (moment) => {
        const died = await dieAt(world, "ADD", call, moment);
        mustSucceed(await plugin(world, "DEL", call));
        expect(await rulesOf(red), `killed ${moment.count}, DEL`).toEqual(before);
        expect(await dieAt(world, "ADD", call, moment)).toBe(died);
        if (!died) mustSucceed(await plugin(world, "DEL", call));
        await addDirectly(world, call);
        expect(withoutNumbers(await rulesOf(red)), `killed ${moment.count}, ADD`).toEqual(
          withoutNumbers(whole),
        );
        mustSucceed(await plugin(world, "DEL", call));
        expect(await rulesOf(red), `killed ${moment.count}, ADD and DEL`).toEqual(before);
        return died;
      },
      ["sendto"],
    );
  },
  120_000,
);

/** Rules of a pod without what each ADD chooses anew: address and table. */
const withoutNumbers = (rules: string[]): string[] =>
  rules.map((rule) => rule.replace(/^from \S+/, "from ADDRESS").replace(/lookup \d+/, "lookup TABLE"));

const WISHES = { ipMasq: false };

interface Attached {
  red: Pod;
  result: { first: CniResult; second: CniResult };
  /** CHECK and DEL of the second attachment. */
  call: PluginCall;
  /** The pod's rules without it. */
  before: string[];
}

/**
 * A pod on two networks, the first with its default routes; the host accepts from each bridge what comes from
 * its own subnets alone.
 */
async function attached(world: World, wishes: NetworkWishes = {}, name = "red"): Promise<Attached> {
  const first = install(world, network("first", { ...WISHES, subnets: FIRST }));
  const second = install(
    world,
    network("second", {
      ...WISHES,
      sourceBasedRouting: true,
      ipam: { type: "host-local", ranges: SECOND.map((subnet) => [{ subnet }]) },
      ...wishes,
    }),
  );
  const red = await world.pod(name);
  const one = await addDirectly(world, { network: first, pod: red });
  const before = await rulesOf(red);
  const call = { network: second, pod: red, interfaceName: "net1" };
  const two = await addDirectly(world, call);
  for (const address of FAR) await world.host.exec(`ip address add ${address} dev lo`);
  const guard = ["first0", "second0"].map(
    (bridge, at) =>
      `iifname ${bridge} ip saddr != ${[FIRST, SECOND][at]![0]} drop; iifname ${bridge} ip6 saddr != { ${[FIRST, SECOND][at]![1]}, fe80::/10, :: } drop`,
  );
  await world.host.must([
    "nft",
    `add table inet guard; flush table inet guard; add chain inet guard in { type filter hook prerouting priority -300; }; ${guard.flatMap((text) => text.split("; ").map((rule) => `add rule inet guard in ${rule}`)).join("; ")}`,
  ]);
  return { red, result: { first: one, second: two }, call: { ...call, more: { prevResult: two } }, before };
}

async function rulesOf(place: Place): Promise<string[]> {
  return [
    ...(await place.must("ip rule show")).split("\n"),
    ...(await place.must("ip -6 rule show")).split("\n"),
  ]
    .filter((line) => line !== "")
    .map((line) => line.replace(/^\d+:\s*/, ""));
}

/** The table that the pod's rules lead to; made by us, which the rule says. */
async function tableOf(pod: Pod): Promise<string> {
  const found = (await rulesOf(pod)).flatMap((rule) => /lookup (\d+) proto 112/.exec(rule)?.[1] ?? []);
  expect(new Set(found).size).toBe(1);
  return found[0]!;
}

async function defaultsOf(pod: Pod, table: string): Promise<string[]> {
  const routes = await Promise.all(
    ["-4", "-6"].map((family) =>
      pod.json<{ dst: string; gateway?: string; dev: string }[]>(
        `ip -j ${family} route show table ${table} default`,
      ),
    ),
  );
  return routes.flat().map(({ gateway, dev }) => `${gateway} ${dev}`);
}
