// ingressPolicy for pods without a bridge (attach: ptp): who reaches whom, by link groups; and rules that do
// not grow with the pods, come back, and are never left over.
import { expect } from "vitest";
import { add, addressOf, type CniResult, check, del, mustSucceed, plugin } from "../support/cni.ts";
import { collect } from "../support/collection.ts";
import { DEL_WAYS } from "../support/del-way.ts";
import { holdAtOrEnd } from "../support/held.ts";
import {
  type Dropping,
  expectedTable,
  filterLines,
  openStage,
  PORT_ARGS,
  reachTable,
  type Stage,
  SUBNETS,
} from "../support/ingress.ts";
import { hostLinkOf } from "../support/link.ts";
import { install, type Network, network } from "../support/network.ts";
import { ptpNetwork } from "../support/ptp.ts";
import { iptablesVariants } from "../support/reference.ts";
import { scene } from "../support/scene.ts";
import { atEveryMoment, killedAt } from "../support/strace.ts";
import { toolPath } from "../support/tool.ts";
import { connect, serve } from "../support/traffic.ts";
import { PLUGIN_FOLDER, type World } from "../support/world.ts";

const TABLE = "inet pontoon-ingress";
const WAYS = { ptp: ptpNetwork, bridge: network } as const;

/** A network of the stage, attached this way. */
function policed(
  world: World,
  name: keyof typeof SUBNETS,
  { way = "ptp", policy }: { way?: keyof typeof WAYS; policy: string },
): Network {
  const wishes = { capabilities: { portMappings: true }, subnets: SUBNETS[name], ingressPolicy: policy };
  return install(world, WAYS[way](name, wishes));
}

/** All rules that a policy may be made of. */
async function rulesOf(world: World): Promise<string[]> {
  return [...(await filterLines(world)), (await world.host.exec(`nft -s list table ${TABLE}`)).stdout];
}

async function dropBy(world: World, variant: Exclude<Dropping, undefined>): Promise<Record<string, string>> {
  for (const program of ["iptables", "ip6tables"])
    await world.host.must(`${toolPath(`${program}-${variant}`)} -P FORWARD DROP`);
  return iptablesVariants(world).find(({ name }) => name === variant)!.env;
}

interface Networks {
  pods: Network;
  others: Network;
}

/** The attachments of the stage, and the result of those that others ask. */
async function addAll({ world, red, blue, green, env }: Stage, { pods, others }: Networks) {
  await add(world, pods, red, env);
  const results: { blue: CniResult; green: CniResult } = {
    blue: await add(world, pods, blue, { ...env, ...PORT_ARGS }),
    green: await add(world, others, green, env),
  };
  return {
    results,
    attached: [
      [pods, red, env],
      [pods, blue, { ...env, ...PORT_ARGS }],
      [others, green, env],
    ] as const,
  };
}

for (const [dropping, first, second, way] of [
  ...([undefined, "nft", "legacy"] as const).flatMap((dropping) =>
    (["open", "same-bridge", "isolated"] as const).map(
      (policy) => [dropping, policy, policy, "ptp"] as const,
    ),
  ),
  [undefined, "same-bridge", "open", "ptp"],
  [undefined, "isolated", "same-bridge", "bridge"],
  [undefined, "same-bridge", "isolated", "bridge"],
  ["nft", "same-bridge", "same-bridge", "bridge"],
  ["legacy", "open", "same-bridge", "bridge"],
] as const)
  scene(
    `${first}, beside ${second} on ${way === "ptp" ? "no bridge" : "a bridge"}, forwarding ${dropping === undefined ? "not dropped" : `dropped by iptables-${dropping}`}: who reaches whom; nothing is left after`,
    async (world) => {
      const stage = await openStage(world, dropping, false);
      const pods = policed(world, "pods", { policy: first });
      const others = policed(world, "others", { policy: second, way });
      const before = await rulesOf(world);
      const { results, attached } = await addAll(stage, { pods, others });
      const table = expectedTable(first, second, dropping !== undefined);
      expect(await reachTable(stage, results, table)).toEqual(table);
      for (const [conflist, pod] of attached) expect(await check(world, conflist, pod)).toBeUndefined();
      for (const [conflist, pod, env] of attached) await del(world, conflist, pod, env);
      expect(await rulesOf(world)).toEqual(before);
    },
    60_000,
  );

for (const variant of ["nft", "legacy"] as const) {
  scene(
    `${variant}: rules are the same for one pod and for three, iptables loads again what it saved, and each loss is noticed and mended`,
    async (world) => {
      const env = await dropBy(world, variant);
      const pods = policed(world, "pods", { policy: "same-bridge" });
      const [red, blue, green] = [await world.pod("red"), await world.pod("blue"), await world.pod("green")];
      const before = await filterLines(world);
      await add(world, pods, red, env);
      const group = await groupOf(world, red);
      const rules = await rulesOf(world);
      expect((await filterLines(world)).filter((line) => !before.includes(line))).toEqual(
        ["iptables", "ip6tables"].flatMap((program) =>
          chainOf(group).map((line) => `${program}-${variant}-save: ${line}`),
        ),
      );
      for (const pod of [blue, green]) await add(world, pods, pod, env);
      expect(await rulesOf(world)).toEqual(rules);
      const iptables = toolPath(`iptables-${variant}`);
      const save = await world.host.must(`${iptables}-save -t filter`);
      expect(mustSucceed(await world.host.exec(`${iptables}-restore`, { stdin: save })).stderr).toBe("");
      const chain = `PONTOON-GROUP-${group.toString(16)}`;
      for (const [harm, complaint] of [
        [`nft delete table ${TABLE}`, `lacks link group ${group} in its set groups`],
        [`nft flush table ${TABLE}`, `the nftables table ${TABLE}`],
        [
          `nft delete element ${TABLE} together-groups { ${group} . ${group} }`,
          `lacks link group ${group} in its set together-groups`,
        ],
        [`${iptables} -F FORWARD`, `the iptables chain ${chain} in table filter`],
        [`${iptables} -D ${chain} 2`, `the iptables chain ${chain} in table filter`],
      ] as const) {
        await world.host.must(harm);
        expect(await check(world, pods, red), harm).toContain(complaint);
        await del(world, pods, green, env);
        await add(world, pods, green, env);
        expect(sorted(await rulesOf(world)), harm).toEqual(sorted(rules));
        await world.host.must(harm);
        const restored = mustSucceed(await world.host.exec(`${PLUGIN_FOLDER}/pontoon restore`, { env }));
        expect(restored.stdout, harm).toMatch(/\d+ rules? put back/);
        expect(sorted(await rulesOf(world)), harm).toEqual(sorted(rules));
      }
    },
    90_000,
  );

  scene(
    `${variant}: the last pod takes the rules with it, however its DEL comes, and GC takes what is left`,
    async (world) => {
      const env = await dropBy(world, variant);
      const pods = policed(world, "pods", { policy: "same-bridge" });
      await add(world, policed(world, "others", { policy: "isolated" }), await world.pod("green"), env);
      const onlyOthers = await rulesOf(world);
      const blue = await world.pod("blue");
      for (const [at, [way, remove]] of DEL_WAYS.entries()) {
        const red = await world.pod(`red-${at}`);
        await add(world, pods, red, env);
        const rules = await rulesOf(world);
        await add(world, pods, blue, env);
        await del(world, pods, blue, env);
        expect(await rulesOf(world), way).toEqual(rules);
        await remove(world, pods, red);
        expect(await rulesOf(world), way).toEqual(onlyOthers);
      }
      const red = await world.pod("red");
      for (const hasRecord of [true, false]) {
        await add(world, pods, red, env);
        const both = await rulesOf(world);
        if (!hasRecord) await world.host.must("rm -r /var/lib/cni/pontoon/pods");
        mustSucceed(await collect(world, pods, [red]));
        expect(await rulesOf(world)).toEqual(both);
        mustSucceed(await collect(world, pods, []));
        expect(await rulesOf(world)).toEqual(onlyOthers);
        await del(world, pods, red, env);
      }
    },
    90_000,
  );
}

scene(
  "pods that come and go at once leave the rules as long as one is there, and none after",
  async (world) => {
    const env = await dropBy(world, "nft");
    const pods = policed(world, "pods", { policy: "same-bridge" });
    const all = [];
    for (let index = 0; index < 8; index++) all.push(await world.pod(`pod-${index}`));
    const before = await rulesOf(world);
    const [leaving, coming] = [all.slice(0, 4), all.slice(4)];
    await Promise.all(leaving.map((pod) => add(world, pods, pod, env)));
    const rules = await rulesOf(world);
    await Promise.all([
      ...leaving.map((pod) => del(world, pods, pod, env)),
      ...coming.map((pod) => add(world, pods, pod, env)),
    ]);
    expect(await rulesOf(world)).toEqual(rules);
    await Promise.all(coming.map((pod) => del(world, pods, pod, env)));
    expect(await rulesOf(world)).toEqual(before);
  },
  60_000,
);

scene(
  "an ADD that is killed at any moment leaves nothing behind its DEL",
  async (world) => {
    const env = await dropBy(world, "nft");
    const pods = policed(world, "pods", { policy: "isolated" });
    const red = await world.pod("red");
    const before = await rulesOf(world);
    await atEveryMoment(
      async (moment) => {
        const { status } = await plugin(world, "ADD", {
          network: pods,
          pod: red,
          env,
          through: killedAt(moment),
        });
        mustSucceed(await plugin(world, "DEL", { network: pods, pod: red, env }));
        expect(await rulesOf(world), `request ${moment.count}`).toEqual(before);
        return status !== 0;
      },
      ["sendto"],
    );
  },
  60_000,
);

scene(
  "at no moment of a DEL is a pod open whose group is not the network's, with limits of bandwidth too",
  async (world) => {
    const wishes = { ingressPolicy: "isolated", ingressRate: 20_000_000, egressRate: 20_000_000 };
    const pods = install(world, ptpNetwork("pods", wishes));
    const red = await world.pod("red");
    const seen = new Set<string>();
    await atEveryMoment(
      async (moment) => {
        await add(world, pods, red);
        const [name, group] = [await hostLinkOf(world, red), await groupOf(world, red)];
        await using taking = await holdAtOrEnd(world, "DEL", { network: pods, pod: red }, moment);
        const stood = !taking.isOver;
        const { stdout } = await world.host.exec(["ip", "-j", "link", "show", name]);
        const [link] = stdout === "" ? [] : (JSON.parse(stdout) as { flags: string[]; group: string }[]);
        const isInGroup = link?.group === String(group);
        seen.add(link === undefined ? "gone" : `${link.flags.includes("UP") ? "up" : "down"}, ${isInGroup}`);
        expect([...seen]).not.toContain("up, false");
        mustSucceed(await (stood ? taking.goOn() : taking.outcome));
        return stood;
      },
      ["sendto"],
    );
    expect([...seen]).toEqual(expect.arrayContaining(["up, true", "down, true", "gone"]));
  },
  60_000,
);

scene("CHECK tells of a host's end that was taken out of its group", async (world) => {
  const pods = policed(world, "pods", { policy: "isolated" });
  const red = await world.pod("red");
  await add(world, pods, red);
  const [name, group] = [await hostLinkOf(world, red), await groupOf(world, red)];
  await world.host.must(`ip link set ${name} group 7`);
  expect(await check(world, pods, red)).toContain(`${name} is in link group 7 instead of ${group}`);
});

scene("pods that were added before a policy changed are apart from those that came after", async (world) => {
  const [red, blue, green] = [await world.pod("red"), await world.pod("blue"), await world.pod("green")];
  const before = policed(world, "pods", { policy: "same-bridge" });
  await add(world, before, red);
  const rules = await rulesOf(world);
  const after = policed(world, "pods", { policy: "isolated" });
  const address = addressOf(await add(world, after, blue));
  await add(world, after, green);
  await using _server = await serve(blue, "tcp", "0.0.0.0", 8080);
  expect(await connect(world.host, address, 8080)).toContain("blue saw");
  for (const pod of [red, green]) expect(await connect(pod, address, 8080), pod.name).toBeUndefined();
  for (const pod of [red, blue, green]) expect(await check(world, after, pod)).toBeUndefined();
  for (const pod of [blue, green]) await del(world, after, pod);
  expect(await rulesOf(world)).toEqual(rules);
  await del(world, after, red);
  expect(await world.host.exec(`nft list table ${TABLE}`)).toMatchObject({ status: 1 });
});

/** The link group of the pod's host end. */
async function groupOf(world: World, pod: Parameters<typeof hostLinkOf>[1]): Promise<number> {
  const [link] = JSON.parse(await world.host.must(`ip -j link show ${await hostLinkOf(world, pod)}`)) as {
    group: string;
  }[];
  return Number(link?.group);
}

/** What iptables-save shows of a network, beside what was there. */
function chainOf(group: number): string[] {
  const [name, number] = [`PONTOON-GROUP-${group.toString(16)}`, `0x${group.toString(16)}`];
  return [
    `:${name} -`,
    `-A FORWARD -m devgroup --src-group ${number} -j ${name}`,
    `-A FORWARD -m devgroup --dst-group ${number} -j ${name}`,
    `-A ${name} -m devgroup --src-group ${number} -j ACCEPT`,
    `-A ${name} -m devgroup --dst-group ${number} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
    `-A ${name} -m devgroup --dst-group ${number} -m conntrack --ctstate DNAT -j ACCEPT`,
  ];
}

/** Of several networks the one whose rules came back last stands first. */
function sorted(rules: string[]): string[] {
  return rules.flatMap((text) => text.split("\n")).toSorted();
}
