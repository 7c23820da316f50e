// Two networks of one container with the same host ports: podman, nerdctl and Multus tell each network of a
// container of its ports. The ports are the container's, whichever of its attachments comes or goes first.
import { expect } from "vitest";
import { hostInterfaceName } from "../../src/attachment/name.ts";
import { addDirectly, addressOf, type CniResult, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { collect } from "../support/collection.ts";
import { holdAtOrEnd, NODE_LOCK } from "../support/held.ts";
import { both, type PortWish, portConfig, portNetwork, talk } from "../support/host-port.ts";
import { dieAt } from "../support/hurt.ts";
import { hostLinkOf } from "../support/link.ts";
import { addNeighbour } from "../support/neighbour.ts";
import type { Network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { atEveryMoment, type Moment } from "../support/strace.ts";
import { serve } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";
import { PLUGIN_FOLDER, type Pod, type World } from "../support/world.ts";

const WEB = both({ hostPort: 8080, containerPort: 80 });
const CONTAINER = "6537f52c0d4bd0a1e8c2f9b7a6d5c4b3a29180706f5e4d3c2b1a09f8e7d6c5b4";

/** An attachment of the container: the call for it, its link, and the address that its ADD gave. */
interface Attached {
  network: Network;
  pod: Pod;
  containerId: string;
  interfaceName: string;
  more: Record<string, unknown>;
  result: CniResult;
}

for (const first of ["front", "back"] as const) {
  scene(
    `a port of a container on two networks works from the second ADD on, and after the DEL of ${first} too`,
    async (world) => {
      const { front, back, pod } = await twoNetworks(world, WEB);
      const [goes, stays] = first === "front" ? [front, back] : [back, front];
      await using _servers = await servers(pod, front, back);
      expect(await talk(world.host, "127.0.0.1", 8080)).toMatch(/^red saw/);
      for (const one of [front, back]) await isContent(world, one);
      mustSucceed(await plugin(world, "DEL", goes));
      await isContent(world, stays);
      expect(await leadsTo(world)).toEqual([addressOf(stays.result)]);
      expect(await talk(world.host, "127.0.0.1", 8080)).toMatch(/^red saw/);
      mustSucceed(await plugin(world, "DEL", stays));
      expect(await leadsTo(world)).toEqual([]);
      expect(await marks(world)).toEqual([]);
    },
  );
}

const KINDS: [string, PortWish[], Record<string, unknown>][] = [
  ["of one address", [{ hostPort: 8080, containerPort: 80, hostIP: "127.0.0.1" }], {}],
  ["in a row that keep their numbers", [{ hostPort: 8080, hostPortEnd: 8083, containerPort: 8080 }], {}],
  ["in a row of other numbers", [{ hostPort: 8080, hostPortEnd: 8380, containerPort: 80 }], {}],
  ["of SCTP", [{ hostPort: 8080, containerPort: 80, protocol: "sctp" }], {}],
  ["with conditions", WEB, { conditionsV4: ["!", "-d", "192.0.2.0/24"] }],
  ["that iptables tells of", WEB, { compat: { iptablesHostPortChains: true } }],
];
for (const [kind, ports, keys] of KINDS) {
  scene(`ports ${kind} pass from one network of a container to the other`, async (world) => {
    const { front, back } = await twoNetworks(world, ports, keys);
    const whole = await leadsTo(world);
    for (const one of [front, back]) await isContent(world, one);
    mustSucceed(await plugin(world, "DEL", front));
    await isContent(world, back);
    expect(await leadsTo(world)).toEqual(whole.map(() => addressOf(back.result)));
    await attach(world, front);
    for (const one of [front, back]) await isContent(world, one);
    for (const one of [front, back]) mustSucceed(await plugin(world, "DEL", one));
    expect(await leadsTo(world)).toEqual([]);
  });
}

scene("a thousand ports that a sibling holds take no longer than they must", async (world) => {
  const call = {
    pod: await world.pod("red"),
    containerId: "both",
    more: portConfig([{ hostPort: 20_000, hostPortEnd: 20_999, containerPort: 30_000 }]),
  };
  const one = portNetwork(world, "one");
  const two = portNetwork(world, "two", { subnets: ["10.2.0.0/24"] });
  mustSucceed(await plugin(world, "ADD", { ...call, network: one }));
  const start = performance.now();
  mustSucceed(await plugin(world, "ADD", { ...call, network: two, interfaceName: "eth1" }));
  // Each of the new ports compared with each of the held ones took twenty times as long as all else.
  expect(performance.now() - start).toBeLessThan(5_000);
});

scene("another container is refused the port, whichever attachment holds it or has died", async (world) => {
  const { front, back } = await twoNetworks(world, WEB);
  const blue = await world.pod("blue");
  const other = { network: back.network, pod: blue, more: portConfig(WEB) };
  expect(mustFail(await plugin(world, "ADD", other)).code).toBe(131);
  await world.host.must(`ip link delete ${await hostLinkOf(world, front.pod)}`);
  expect(mustFail(await plugin(world, "ADD", other)).code).toBe(131);
  expect(await leadsTo(world)).toEqual([addressOf(back.result)]);
  mustSucceed(await plugin(world, "DEL", back));
  mustSucceed(await plugin(world, "ADD", other));
});

scene("GC of one network, with or without records, leaves the port to the other", async (world) => {
  const { front, back } = await twoNetworks(world, WEB);
  mustSucceed(await collect(world, front.network, []));
  await isContent(world, back);
  expect(await leadsTo(world)).toEqual([addressOf(back.result)]);
  await attach(world, front);
  await world.host.must("rm -r /var/lib/cni/pontoon/back");
  mustSucceed(await collect(world, back.network, []));
  expect(await leadsTo(world)).toEqual([addressOf(front.result)]);
});

scene("a DEL without a record leaves the port to the other network", async (world) => {
  const { front, back } = await twoNetworks(world, WEB);
  await world.host.must("rm -r /var/lib/cni/pontoon/front");
  mustSucceed(await plugin(world, "DEL", front));
  expect(await leadsTo(world)).toEqual([addressOf(back.result)]);
  await isContent(world, back);
});

scene("`pontoon restore` puts a shared port back once, and another ADD does so too", async (world) => {
  const { front, back } = await twoNetworks(world, WEB);
  const restore = () => world.host.must(`${PLUGIN_FOLDER}/pontoon restore`);
  expect(await restore()).not.toContain("put back");
  for (const harm of ["nft flush ruleset", "nft flush map inet pontoon-ports any4"]) {
    await world.host.must(harm);
    await restore();
    for (const one of [front, back]) await isContent(world, one);
    expect(await leadsTo(world)).toHaveLength(1);
    expect(await restore()).not.toContain("put back");
  }
  await world.host.must("nft flush ruleset");
  const blue = {
    network: back.network,
    pod: await world.pod("blue"),
    more: portConfig([{ hostPort: 9, containerPort: 9 }]),
  };
  mustSucceed(await plugin(world, "ADD", blue));
  for (const one of [front, back]) await isContent(world, one);
  mustSucceed(await plugin(world, "DEL", front));
  expect(await leadsTo(world)).toContain(addressOf(back.result));
});

scene(
  "a flow of UDP goes on to the other network when the holder goes, and is not cut by the second ADD",
  async (world) => {
    const neighbour = await addNeighbour(world);
    const { front, back, pod } = await twoNetworks(world, WEB, {}, "front only");
    await using _servers = await servers(pod, front, back);
    const ask = async () =>
      (await neighbour.place.exec(`nc -n -u -w 1 -W 1 -p 4444 ${neighbour.host4} 8080`, { stdin: "hello" }))
        .stdout;
    expect(await ask()).toMatch(/^red saw/);
    const before = await flows(world);
    await attach(world, back);
    expect(await flows(world)).toEqual(before);
    await using _more = await servers(pod, back);
    mustSucceed(await plugin(world, "DEL", front));
    expect(await flows(world)).toEqual([]);
    expect(await ask()).toMatch(/^red saw/);
  },
);

scene(
  "a second ADD, and the DEL of the holder, that die before any one of their steps are made good by the next call",
  async (world) => {
    const { front, back } = await twoNetworks(world, WEB, {}, "front only");
    await attach(world, back);
    mustSucceed(await plugin(world, "DEL", back));
    let died = 0;
    await atEveryMoment(async (moment) => {
      const isDead = await dieAt(world, "ADD", back, moment);
      if (isDead) died++;
      await isContent(world, front);
      mustSucceed(await plugin(world, "DEL", back));
      expect(await leadsTo(world), `${moment.kind} ${moment.count}`).toEqual([addressOf(front.result)]);
      return isDead;
    });
    await attach(world, back);
    await atEveryMoment(async (moment) => {
      const isDead = await dieAt(world, "DEL", front, moment);
      if (isDead) died++;
      mustSucceed(await plugin(world, "DEL", front));
      await isContent(world, back);
      expect(await leadsTo(world), `${moment.kind} ${moment.count}`).toEqual([addressOf(back.result)]);
      await attach(world, front);
      mustSucceed(await plugin(world, "DEL", back));
      await attach(world, back);
      return isDead;
    });
    expect(died).toBeGreaterThan(20);
  },
  300_000,
);

scene(
  "what the DEL of the holder hands to an attachment whose own DEL is under way is gone in the end",
  async (world) => {
    const { front, back } = await twoNetworks(world, WEB);
    const beforeLink = await momentBeforeLink(world, back);
    let handed = 0;
    const kinds = ["sendto", "openat"];
    await atEveryMoment(async (moment) => {
      await using ofBack = await holdAtOrEnd(world, "DEL", back, beforeLink);
      ofBack.mustStand();
      await using ofFront = await holdAtOrEnd(world, "DEL", front, moment);
      const stood = !ofFront.isOver;
      const link = hostInterfaceOf(back);
      const outcome = ofBack.goOn();
      await waitFor(
        "the veth has gone",
        async () => (await world.host.exec(`ip link show ${link}`)).status !== 0,
      );
      // While the one DEL has the node's lock the other one may have to wait for it.
      const ended = await Promise.all([outcome, stood ? ofFront.goOn() : ofFront.outcome]);
      for (const each of ended) mustSucceed(each);
      expect(await leadsTo(world), `${moment.kind} ${moment.count}`).toEqual([]);
      expect(await marks(world)).toEqual([]);
      for (const one of [front, back]) await attach(world, one);
      handed += stood ? 1 : 0;
      return stood;
    }, kinds);
    expect(handed).toBeGreaterThan(20);
  },
  300_000,
);

scene(
  "DELs of both attachments at once leave nothing",
  async (world) => {
    const { front, back } = await twoNetworks(world, WEB);
    for (let round = 0; round < 10; round++) {
      for (const outcome of await Promise.all([front, back].map((one) => plugin(world, "DEL", one))))
        mustSucceed(outcome);
      expect(await leadsTo(world)).toEqual([]);
      expect(await marks(world)).toEqual([]);
      for (const one of [front, back]) await attach(world, one);
    }
  },
  60_000,
);

scene(
  "a sibling holds a part of a row of ports: the row is refused, since it cannot be divided",
  async (world) => {
    const { front, back } = await twoNetworks(
      world,
      [{ hostPort: 5000, hostPortEnd: 5100, containerPort: 5000 }],
      {},
      "front only",
    );
    const wider = portConfig([{ hostPort: 5050, hostPortEnd: 5200, containerPort: 5050 }]);
    expect(mustFail(await plugin(world, "ADD", { ...back, more: wider })).code).toBe(131);
    const inside = portConfig([{ hostPort: 5050, hostPortEnd: 5060, containerPort: 5050 }]);
    back.result = await addDirectly(world, { ...back, more: inside });
    back.more = inside;
    await isContent(world, back);
    mustSucceed(await plugin(world, "DEL", front));
    await isContent(world, back);
    expect(await leadsTo(world)).toEqual([addressOf(back.result)]);
  },
);

/** A container with eth0 on one network and eth1 on another one, with the same ports on both. */
async function twoNetworks(
  world: World,
  ports: PortWish[],
  keys: Record<string, unknown> = {},
  which: "both" | "front only" = "both",
) {
  const pod = await world.pod("red");
  const of = (name: string, interfaceName: string, subnet: string): Attached => ({
    network: portNetwork(world, name, { subnets: [subnet], ...keys }),
    pod,
    containerId: CONTAINER,
    interfaceName,
    more: portConfig(ports),
    result: { cniVersion: "" },
  });
  const front = of("front", "eth0", "10.1.0.0/24");
  const back = of("back", "eth1", "10.2.0.0/24");
  await attach(world, front);
  if (which === "both") await attach(world, back);
  return { front, back, pod };
}

/** The moment at which a DEL has removed its rules and is about to remove its link. */
async function momentBeforeLink(world: World, attached: Attached): Promise<Moment> {
  const link = hostInterfaceOf(attached);
  for (let count = 1; ; count++) {
    const moment = { kind: "sendto", count };
    await using deleting = await holdAtOrEnd(world, "DEL", attached, moment);
    if (deleting.isOver) throw new Error("The DEL never stood between its rules and its link.");
    const rules = await world.host.must("nft list map inet pontoon-ports hairpin4");
    const isThere = (await world.host.exec(`ip link show ${link}`)).status === 0;
    const stands = isThere && !deleting.holdsLock(NODE_LOCK) && !rules.includes(attached.network.name);
    mustSucceed(await deleting.goOn());
    await attach(world, attached);
    if (stands) return moment;
  }
}

function hostInterfaceOf({ network: { name }, containerId, interfaceName }: Attached): string {
  return hostInterfaceName({ network: name, containerId, interfaceName });
}

async function attach(world: World, attached: Attached): Promise<void> {
  attached.result = await addDirectly(world, attached);
}

async function isContent(world: World, { more, result: prevResult, ...call }: Attached): Promise<void> {
  mustSucceed(await plugin(world, "CHECK", { ...call, more: { ...more, prevResult } }));
}

async function servers(pod: Pod, ...attached: Attached[]): Promise<AsyncDisposable> {
  const stack = new AsyncDisposableStack();
  for (const { result } of attached)
    if (result.ips !== undefined)
      for (const protocol of ["tcp", "udp"] as const)
        stack.use(await serve(pod, protocol, addressOf(result), 80));
  return stack;
}

/** The pods' addresses that TCP or SCTP ports from 5000 on lead to, once for each map element. */
async function leadsTo(world: World): Promise<string[]> {
  const { stdout } = await world.host.exec("nft list table inet pontoon-ports");
  return [...stdout.matchAll(/(?:tcp|sctp) \. [\d-]{4,}[^:]*? : (10\.[\d.]+)/g)].map(
    ([, address = ""]) => address,
  );
}

async function marks(world: World): Promise<string[]> {
  const { stdout } = await world.host.exec(
    "find /var/lib/cni/pontoon -name '*.shared' -o -name '*.restored'",
  );
  return stdout.split("\n").filter(Boolean);
}

async function flows(world: World): Promise<string[]> {
  const lines = (await world.host.must("cat /proc/net/nf_conntrack")).split("\n");
  return lines
    .filter((line) => line.includes(" udp ") && line.includes("dport=8080 "))
    .map((line) => line.replace(/udp\s+17 \d+/, "udp").replace(/ \[ASSURED\]/, ""));
}
