// The rules of an ingress policy from the first pod to the last: lost and found again, read by iptables,
// never left over.
import { expect } from "vitest";
import { add, addressOf, check, del, mustSucceed, plugin } from "../support/cni.ts";
import { collect } from "../support/collection.ts";
import { filterLines } from "../support/ingress.ts";
import { addNeighbour } from "../support/neighbour.ts";
import { install, type Network, network } from "../support/network.ts";
import { iptablesVariants } from "../support/reference.ts";
import { scene } from "../support/scene.ts";
import { toolPath } from "../support/tool.ts";
import { connect, serve } from "../support/traffic.ts";
import { PLUGIN_FOLDER, type World } from "../support/world.ts";

const DUAL = ["10.1.0.0/24", "fd01::/64"];
const TABLE = "inet pontoon-ingress";

const isolated = (world: World): Network =>
  install(world, network("pods", { ingressPolicy: "isolated", subnets: DUAL }));
const sameBridge = (world: World): Network =>
  install(world, network("others", { ingressPolicy: "same-bridge", subnets: ["10.2.0.0/24"] }));

/** All rules that a policy may be made of. */
async function rulesOf(world: World): Promise<string[]> {
  const own = await world.host.exec(`nft -s list table ${TABLE}`);
  return [...(await filterLines(world)), own.stdout];
}

/** A node whose iptables of one variant drop what they forward, in both families. */
async function dropBy(world: World, variant: "nft" | "legacy"): Promise<Record<string, string>> {
  for (const program of ["iptables", "ip6tables"])
    await world.host.must(`${toolPath(`${program}-${variant}`)} -P FORWARD DROP`);
  return iptablesVariants(world).find(({ name }) => name === variant)!.env;
}

for (const variant of ["nft", "legacy"] as const) {
  scene(
    `${variant}: iptables shows a chain for each network, the same for one pod and for two, and loads again what it saved`,
    async (world) => {
      const [env, red, blue] = [
        await dropBy(world, variant),
        await world.pod("red"),
        await world.pod("blue"),
      ];
      const before = await filterLines(world);
      await add(world, isolated(world), red, env);
      const rules = (await filterLines(world)).filter((line) => !before.includes(line));
      expect(rules).toEqual(
        ["iptables", "ip6tables"].flatMap((program) =>
          CHAIN.map((line) => `${program}-${variant}-save: ${line}`),
        ),
      );
      expect(
        (await world.host.must(`${toolPath(`iptables-${variant}`)} -S FORWARD`)).trim().split("\n"),
      ).toEqual(["-P FORWARD DROP", CHAIN[1], CHAIN[2]]);
      await add(world, isolated(world), blue, env);
      expect((await filterLines(world)).filter((line) => !before.includes(line))).toEqual(rules);
      const save = await world.host.must(`${toolPath(`iptables-${variant}-save`)} -t filter`);
      expect(
        mustSucceed(await world.host.exec(toolPath(`iptables-${variant}-restore`), { stdin: save })).stderr,
      ).toBe("");
      expect(await check(world, isolated(world), red)).toBeUndefined();
      await del(world, isolated(world), red, env);
      expect((await filterLines(world)).filter((line) => !before.includes(line))).toEqual(rules);
      await del(world, isolated(world), blue, env);
      expect(await filterLines(world)).toEqual(before);
    },
    60_000,
  );

  scene(
    `${variant}: rules that were lost are missed by CHECK, and come back for all networks by the next ADD and by pontoon restore`,
    async (world) => {
      const [env, red, blue] = [
        await dropBy(world, variant),
        await world.pod("red"),
        await world.pod("blue"),
      ];
      const [pods, others] = [isolated(world), sameBridge(world)];
      await add(world, pods, red, env);
      await add(world, others, blue, env);
      const rules = await rulesOf(world);
      const iptables = toolPath(`iptables-${variant}`);
      for (const [harm, complaint] of [
        [
          `nft delete table ${TABLE}`,
          /the nftables table inet pontoon-ingress, which keeps pods of networks apart, is not whole or lacks pods0 in its set networks/,
        ],
        [`nft flush table ${TABLE}`, /the nftables table inet pontoon-ingress/],
        [`nft delete element ${TABLE} apart { pods0 }`, /lacks pods0 in its set apart/],
        [
          `${iptables} -F FORWARD`,
          /the iptables chain PONTOON-FWD-pods0 in table filter, which lets packets of network pods through, is missing or not whole/,
        ],
        [`${iptables} -D PONTOON-FWD-pods0 2`, /the iptables chain PONTOON-FWD-pods0/],
      ] as const) {
        await world.host.must(harm);
        expect(await check(world, pods, red), harm).toMatch(complaint);
        const green = await world.pod("green");
        await add(world, pods, green, env);
        expect(sorted(await rulesOf(world)), harm).toEqual(sorted(rules));
        await del(world, pods, green, env);
        await world.removePod(green);
        await world.host.must(harm);
        expect(
          mustSucceed(await world.host.exec(`${PLUGIN_FOLDER}/pontoon restore`, { env })).stdout,
          harm,
        ).toMatch(/\d+ rules? put back/);
        expect(sorted(await rulesOf(world)), harm).toEqual(sorted(rules));
        expect(mustSucceed(await world.host.exec(`${PLUGIN_FOLDER}/pontoon restore`, { env })).stdout).toBe(
          "others: 1 attachment, nothing to do\npods: 1 attachment, nothing to do\n",
        );
      }
    },
    90_000,
  );

  scene(
    `${variant}: GC takes away what nobody needs, with records and without, and so does a DEL whose configuration has no policy any more`,
    async (world) => {
      const [env, red, blue] = [
        await dropBy(world, variant),
        await world.pod("red"),
        await world.pod("blue"),
      ];
      const [pods, others] = [isolated(world), sameBridge(world)];
      await add(world, others, blue, env);
      const onlyOthers = await rulesOf(world);
      const plain = network("pods", { subnets: DUAL });
      for (const takeAway of [
        () => collect(world, pods, []),
        () => plugin(world, "DEL", { network: plain, pod: red, env }),
      ]) {
        for (const hasRecord of [true, false]) {
          await add(world, pods, red, env);
          const both = await rulesOf(world);
          mustSucceed(await collect(world, pods, [red]));
          expect(await rulesOf(world)).toEqual(both);
          if (!hasRecord) await world.host.must("rm -r /var/lib/cni/pontoon/pods");
          mustSucceed(await plugin(world, "DEL", { network: pods, containerId: "nobody", netns: "", env }));
          mustSucceed(await collect(world, pods, [red]));
          expect(await rulesOf(world)).toEqual(both);
          mustSucceed(await takeAway());
          expect(await rulesOf(world)).toEqual(onlyOthers);
          await del(world, pods, red, env);
        }
      }
    },
    60_000,
  );

  scene(
    `${variant}: pods that come and go at once leave the rules as long as one is there, and none after`,
    async (world) => {
      const env = await dropBy(world, variant);
      const pods = isolated(world);
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
    `${variant}: what the administrator drops in CNI-ADMIN stays dropped, whether the chain came before the pods or after`,
    async (world) => {
      const [env, neighbour, red, blue] = [
        await dropBy(world, variant),
        await addNeighbour(world),
        await world.pod("red"),
        await world.pod("blue"),
      ];
      const [pods, iptables] = [isolated(world), toolPath(`iptables-${variant}`)];
      await using _server = await serve(neighbour.place, "tcp", "::", 8080);
      await add(world, pods, red, env);
      expect(await connect(red, neighbour.v4, 8080)).toBeDefined();
      await world.host.must(`${iptables} -N CNI-ADMIN`);
      await world.host.must(`${iptables} -A CNI-ADMIN -d ${neighbour.v4} -j DROP`);
      expect(await check(world, pods, red)).toContain("PONTOON-FWD-pods0");
      await add(world, pods, blue, env);
      for (const pod of [red, blue]) expect(await connect(pod, neighbour.v4, 8080)).toBeUndefined();
      for (const pod of [red, blue]) await del(world, pods, pod, env);
      expect((await filterLines(world)).filter((line) => /PONTOON|ADMIN/.test(line))).toEqual([
        `iptables-${variant}-save: :CNI-ADMIN -`,
        `iptables-${variant}-save: -A CNI-ADMIN -d ${neighbour.v4}/32 -j DROP`,
      ]);
    },
    60_000,
  );
}

scene(
  "with iptables in nftables no program is started; with the legacy ones the first pod and the last start one for each family",
  async (world) => {
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    const pods = isolated(world);
    const programs = async (
      verb: "ADD" | "DEL",
      pod: typeof red,
      env: Record<string, string>,
    ): Promise<string[]> => {
      mustSucceed(
        await plugin(world, verb, {
          network: pods,
          pod,
          env,
          through: [toolPath("strace"), "-f", "-qq", "-o", "/run/world/strace", "-e", "trace=execve"],
        }),
      );
      return [...world.read("/run/world/strace").matchAll(/execve\("(?:[^"]*\/)?([^"/]+)".* = 0$/gm)]
        .map(([, name]) => name!)
        .slice(1);
    };
    const all = async (env: Record<string, string>) => [
      await programs("ADD", red, env),
      await programs("ADD", blue, env),
      await programs("DEL", red, env),
      await programs("DEL", blue, env),
    ];
    expect(await all(await dropBy(world, "nft"))).toEqual([[], [], [], []]);
    const each = ["iptables-legacy-restore", "ip6tables-legacy-restore"].map((name) =>
      expect.stringContaining(name.replace("-legacy", "").slice(0, 8)),
    );
    expect(await all(await dropBy(world, "legacy"))).toEqual([each, [], [], each]);
  },
);

scene(
  "two networks on one bridge share its rules: each part of them goes with the last pod that needs it",
  async (world) => {
    await dropBy(world, "nft");
    const [red, blue, green] = [await world.pod("red"), await world.pod("blue"), await world.pod("green")];
    const on = (name: string, ingressPolicy: string, subnet: string) =>
      install(world, network(name, { bridge: "shared0", ingressPolicy, subnets: [subnet] }));
    const [pods, others] = [on("pods", "isolated", "10.1.0.0/24"), on("others", "same-bridge", "fd02::/64")];
    const before = await rulesOf(world);
    await add(world, others, green);
    const onlyOthers = await rulesOf(world);
    await add(world, pods, red);
    const address = addressOf(await add(world, pods, blue));
    await using _server = await serve(blue, "tcp", "::", 8080);
    expect(await connect(red, address, 8080)).toBeUndefined();
    for (const [conflist, pod] of [
      [pods, red],
      [others, green],
    ] as const)
      expect(await check(world, conflist, pod)).toBeUndefined();
    await del(world, pods, red);
    await del(world, pods, blue);
    expect(await rulesOf(world)).toEqual(onlyOthers);
    expect(await check(world, others, green)).toBeUndefined();
    await del(world, others, green);
    expect(await rulesOf(world)).toEqual(before);
  },
);

scene(
  "where no iptables and no firewalld is, a policy of open makes nothing, and leaves nothing",
  async (world) => {
    const red = await world.pod("red");
    const pods = install(world, network("pods", { ingressPolicy: "open", ipMasq: false }));
    await add(world, pods, red);
    expect(await check(world, pods, red)).toBeUndefined();
    expect(await world.host.must("nft list ruleset")).toBe("");
    await del(world, pods, red);
    expect(await world.host.must("nft list ruleset")).toBe("");
  },
);

/** What iptables-save shows of the network pods, beside what was there. */
const CHAIN = [
  ":PONTOON-FWD-pods0 -",
  "-A FORWARD -i pods0 -j PONTOON-FWD-pods0",
  "-A FORWARD -o pods0 -j PONTOON-FWD-pods0",
  "-A PONTOON-FWD-pods0 -i pods0 -j ACCEPT",
  "-A PONTOON-FWD-pods0 -o pods0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
  "-A PONTOON-FWD-pods0 -o pods0 -m conntrack --ctstate DNAT -j ACCEPT",
];

/** Of several networks the one whose rules came back last stands first. */
function sorted(rules: string[]): string[] {
  return rules.flatMap((text) => text.split("\n")).toSorted();
}
