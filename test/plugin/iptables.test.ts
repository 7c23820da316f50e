// ipMasqBackend "iptables": rules for those who read them there, a chain for each network and nothing for
// single pods.
import { expect } from "vitest";
import { add, addressOf, check, del, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { collect } from "../support/collection.ts";
import { addNeighbour, type Neighbour } from "../support/neighbour.ts";
import { install, type Network, network } from "../support/network.ts";
import type { Place } from "../support/place.ts";
import { iptablesVariants, natLines } from "../support/reference.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { toolPath } from "../support/tool.ts";
import { connect, serve } from "../support/traffic.ts";
import { PLUGIN_FOLDER, type Pod, type World } from "../support/world.ts";

const BACKEND = { ipMasqBackend: "iptables" };
const DUAL = ["10.1.0.0/24", "fd01::/64"];

for (const variant of ["nft", "legacy"] as const) {
  const envOf = (world: World) => iptablesVariants(world).find(({ name }) => name === variant)!.env;

  scene(
    `${variant}: pods are masqueraded in both families, the first and the second; the rules go with the last`,
    async (world) => {
      const [neighbour, env, red, blue] = [
        await addNeighbour(world),
        envOf(world),
        await world.pod("red"),
        await world.pod("blue"),
      ];
      const pods = install(world, network("pods", { ...BACKEND, subnets: DUAL }));
      const before = await natLines(world);
      await add(world, pods, red, env);
      const rules = await natLines(world);
      expect(rules.map(generic)).toEqual(RULES(variant));
      await add(world, pods, blue, env);
      expect(await natLines(world)).toEqual(rules);
      for (const pod of [red, blue]) await isMasqueraded(pod, neighbour);
      expect([await check(world, pods, red), await check(world, pods, blue)]).toEqual([undefined, undefined]);
      expect((await snapshot(world)).ourTables.lines).toEqual([]);
      await del(world, pods, red, env);
      expect(await natLines(world)).toEqual(rules);
      await isMasqueraded(blue, neighbour);
      await del(world, pods, blue, env);
      expect(await natLines(world)).toEqual(before);
      await del(world, pods, blue, env);
    },
    60_000,
  );

  scene(
    `${variant}: rules that were lost come back with the next ADD on the network, for all networks, and with pontoon restore`,
    async (world) => {
      const [neighbour, env, red, blue] = [
        await addNeighbour(world),
        envOf(world),
        await world.pod("red"),
        await world.pod("blue"),
      ];
      const pods = install(world, network("pods", { ...BACKEND, subnets: DUAL }));
      const others = install(world, network("others", { ...BACKEND, subnets: ["10.2.0.0/24"] }));
      await add(world, pods, red, env);
      await add(world, others, blue, env);
      const rules = await natLines(world);
      const program = `${toolPath(`iptables-${variant}`)} -t nat`;
      const flush = variant === "nft" ? "nft flush ruleset" : `${program} -F`;
      for (const harm of [
        flush,
        `${program} -F POSTROUTING`,
        `${program} -F ${chainOf(rules, "10.1.0.0/24")}`,
      ]) {
        await world.host.must(harm);
        expect(await check(world, pods, red), harm).toMatch(
          /the iptables chain PONTOON-[0-9a-f]{9}-[0-9a-f]{10} in table nat, which masquerades network pods, is missing or not whole/,
        );
        const green = await world.pod("green");
        await add(world, pods, green, env);
        expect(await natLines(world), harm).toEqual(rules);
        await isMasqueraded(red, neighbour);
        await del(world, pods, green, env);
        await world.removePod(green);
        await world.host.must(harm);
        const { stdout } = mustSucceed(await world.host.exec(`${PLUGIN_FOLDER}/pontoon restore`, { env }));
        expect(stdout, harm).toMatch(/^others: 1 attachment, .*\npods: 1 attachment, \d+ rules put back\n$/);
        expect(await natLines(world), harm).toEqual(rules);
        await isMasqueraded(blue, neighbour, [4]);
        expect(mustSucceed(await world.host.exec(`${PLUGIN_FOLDER}/pontoon restore`, { env })).stdout).toBe(
          "others: 1 attachment, nothing to do\npods: 1 attachment, nothing to do\n",
        );
      }
    },
    90_000,
  );

  scene(
    `${variant}: GC takes away the rules of a network that nobody needs any more, also those that no record tells of, and a DEL does too`,
    async (world) => {
      const [env, red, blue] = [envOf(world), await world.pod("red"), await world.pod("blue")];
      const pods = install(world, network("pods", { ...BACKEND, subnets: DUAL }));
      const others = install(world, network("others", { ...BACKEND, subnets: ["10.2.0.0/24"] }));
      await add(world, others, blue, env);
      const onlyOthers = await natLines(world);
      for (const takeAway of [
        () => collect(world, pods, []),
        () => plugin(world, "DEL", { network: pods, pod: red, env }),
      ]) {
        await add(world, pods, red, env);
        mustSucceed(await collect(world, pods, [red]));
        expect(await natLines(world)).not.toEqual(onlyOthers);
        await world.host.must("rm -r /var/lib/cni/pontoon/pods");
        // Somebody else's DEL, and a GC that knows him: he is without a record, and there.
        mustSucceed(await plugin(world, "DEL", { network: pods, containerId: "nobody", netns: "", env }));
        mustSucceed(await collect(world, pods, [red]));
        expect(await natLines(world)).not.toEqual(onlyOthers);
        mustSucceed(await takeAway());
        expect(await natLines(world)).toEqual(onlyOthers);
        await del(world, pods, red, env);
      }
    },
    60_000,
  );

  scene(
    `${variant}: pods that come and go at once leave rules as long as one is there, and none after`,
    async (world) => {
      const [neighbour, env] = [await addNeighbour(world), envOf(world)];
      const pods = install(world, network("pods", { ...BACKEND, subnets: DUAL }));
      const all = [];
      for (let index = 0; index < 12; index++) all.push(await world.pod(`pod-${index}`));
      const before = await natLines(world);
      for (let round = 0; round < 2; round++) {
        const [leaving, coming] = [all.slice(0, 6), all.slice(6)];
        await Promise.all(leaving.map((pod) => add(world, pods, pod, env)));
        await Promise.all([
          ...leaving.map((pod) => del(world, pods, pod, env)),
          ...coming.map((pod) => add(world, pods, pod, env)),
        ]);
        expect((await natLines(world)).map(generic)).toEqual(RULES(variant));
        await isMasqueraded(coming[0]!, neighbour);
        await Promise.all(coming.map((pod) => del(world, pods, pod, env)));
        expect(await natLines(world)).toEqual(before);
      }
    },
    90_000,
  );
}

scene(
  "an ADD starts no program when the rules are there, and one for each family when they are not; DEL starts none",
  async (world) => {
    const env = iptablesVariants(world)[0]!.env;
    const pods = network("pods", { ...BACKEND, subnets: DUAL });
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    const programs = async (verb: "ADD" | "DEL", pod: Pod): Promise<string[]> => {
      mustSucceed(
        await plugin(world, verb, {
          network: pods,
          pod,
          env,
          through: [toolPath("strace"), "-f", "-qq", "-o", "/run/world/strace", "-e", "trace=execve"],
        }),
      );
      const [, ...started] = [
        ...world.read("/run/world/strace").matchAll(/execve\("(?:[^"]*\/)?([^"/]+)".* = 0$/gm),
      ].map(([, name]) => name!);
      return started;
    };
    expect(await programs("ADD", red)).toEqual(["iptables-restore", "ip6tables-restore"]);
    expect(await programs("ADD", blue)).toEqual([]);
    expect(await programs("DEL", red)).toEqual([]);
    expect(await programs("DEL", blue)).toEqual([]);
    expect(await natLines(world)).toEqual([]);
  },
);

scene(
  "all subnets of a network are inside, whatever their order: the reference masquerades between two of them",
  async (world) => {
    const pods = install(world, network("pods", { ...BACKEND, subnets: ["10.1.0.0/24", "10.2.0.0/24"] }));
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    const source = addressOf(await add(world, pods, red), 0);
    const target = addressOf(await add(world, pods, blue), 1);
    await using _server = await serve(blue, "tcp", target, 8080);
    expect(await connect(red, target, 8080, source)).toBe(`blue saw ${source}`);
  },
);

scene(
  "the backend may change between ADD and DEL, and between two pods: each goes by its own",
  async (world) => {
    const [neighbour, red, blue] = [
      await addNeighbour(world),
      await world.pod("red"),
      await world.pod("blue"),
    ];
    const by = (ipMasqBackend: string): Network => install(world, network("pods", { ipMasqBackend }));
    await add(world, by("iptables"), red);
    await add(world, by("nftables"), blue);
    await isMasqueraded(blue, neighbour, [4]);
    expect([await check(world, by("nftables"), red), await check(world, by("iptables"), blue)]).toEqual([
      undefined,
      undefined,
    ]);
    await del(world, by("iptables"), blue);
    expect((await snapshot(world)).elements.lines).toEqual([]);
    await isMasqueraded(red, neighbour, [4]);
    await del(world, by("nftables"), red);
    expect(await natLines(world)).toEqual([]);
  },
);

scene(
  "without the program an ADD is refused, with the package to install, and leaves nothing; STATUS says so before",
  async (world) => {
    const pods = network("pods", BACKEND);
    const red = await world.pod("red");
    for (const name of ["iptables-restore", "ip6tables-restore"])
      await world.host.must(["sh", "-c", `mount --bind /dev/null $(readlink -f ${toolPath(name)})`]);
    const before = await snapshot(world);
    const env = { PATH: "/usr/bin:/bin" };
    const error = mustFail(await plugin(world, "ADD", { network: pods, pod: red, env }));
    expect(error).toMatchObject({
      code: 130,
      msg: "packet rules cannot be set: iptables-restore is not there",
    });
    expect(error.details).toMatch(
      /Hint: Install the package iptables \(Debian, Ubuntu\) or iptables-nft \(Fedora, RHEL\), or set ipMasqBackend to "nftables"\./,
    );
    const difference = (await snapshot(world)).minus(before);
    expect(difference.within((all) => all.attachments.plus(all.in(red))).lines).toEqual([]);
    expect(mustFail(await plugin(world, "STATUS", { network: pods, env }))).toMatchObject({ code: 50 });
  },
);

scene("what iptables-restore says when it fails stands in the error, and nothing is left", async (world) => {
  const pods = network("pods", BACKEND);
  const red = await world.pod("red");
  const env = await fakeRestore(world, "echo 'iptables-restore: line 3 failed: too much of it' >&2; exit 4");
  const error = mustFail(await plugin(world, "ADD", { network: pods, pod: red, env }));
  expect(error).toMatchObject({ code: 130, msg: "packet rules cannot be set: the table nat of iptables" });
  expect(error.details).toMatch(
    /Ran .*iptables-restore --noflush\. Cause: iptables-restore: line 3 failed: too much of it\. Hint: Run this command/,
  );
  expect((await red.exec("ip link show eth0")).status).not.toBe(0);
});

scene("an iptables that knows neither -w nor --random-fully is asked without", async (world) => {
  const pods = install(world, network("pods", BACKEND));
  const red = await world.pod("red");
  const refuse = `case "$*" in *-w*) echo "unrecognized option '-w'" >&2; exit 2;; esac`;
  const env = await fakeRestore(world, `${refuse}; exec ${toolPath("iptables-nft-restore")} "$@"`);
  await add(world, pods, red, env);
  expect((await natLines(world)).filter((line) => line.includes("MASQUERADE"))).toEqual([
    expect.stringMatching(/-j MASQUERADE$/),
  ]);
  expect(await check(world, pods, red)).toBeUndefined();
});

scene(
  "an ADD that dies when the rules are made, and before it knows, is made good by the next DEL, and by a GC",
  async (world) => {
    const pods = network("pods", BACKEND);
    const red = await world.pod("red");
    const env = await fakeRestore(world, `${toolPath("iptables-nft-restore")} "$@"; kill -KILL $PPID`);
    for (const takeAway of [
      () => plugin(world, "DEL", { network: pods, pod: red }),
      () => collect(world, pods, []),
    ]) {
      expect((await plugin(world, "ADD", { network: pods, pod: red, env })).status).not.toBe(0);
      expect(await natLines(world)).not.toEqual([]);
      mustSucceed(await takeAway());
      expect(await natLines(world)).toEqual([]);
      expect((await red.exec("ip link show eth0")).status).not.toBe(0);
    }
  },
);

scene(
  "iptables-save and its readers get along with it: it comes back as it was, and the names are those of the network",
  async (world) => {
    const pods = install(world, network("pods", { ...BACKEND, subnets: DUAL }));
    await add(world, pods, await world.pod("red"));
    const save = await world.host.must(`${toolPath("iptables-nft-save")} -t nat`);
    const again = await world.host.exec(`${toolPath("iptables-nft-restore")}`, { stdin: save });
    expect(mustSucceed(again).stderr).toBe("");
    const after = await world.host.must(`${toolPath("iptables-nft-save")} -t nat`);
    expect(rulesOf(after)).toEqual(rulesOf(save));
    expect(rulesOf(save).filter((line) => line.startsWith("-A"))).toHaveLength(4);
    for (const line of rulesOf(save).filter((each) => each.startsWith("-A")))
      expect(line).toContain('--comment "name: \\"pods\\""');
  },
);

/** The rules of the network pods with both families, in one variant. */
function RULES(variant: "nft" | "legacy"): string[] {
  const family = (program: string, subnet: string, multicast: string): string[] =>
    [
      `-A POSTROUTING -s ${subnet} -m comment --comment "name: \\"pods\\"" -j PONTOON`,
      `-A PONTOON -d ${multicast} -m comment --comment "name: \\"pods\\"" -j RETURN`,
      `-A PONTOON -d ${subnet} -m comment --comment "name: \\"pods\\"" -j RETURN`,
      '-A PONTOON -m comment --comment "name: \\"pods\\"" -j MASQUERADE --random-fully',
      ":PONTOON -",
    ].map((line) => `${program}-${variant}-save: ${line}`);
  return [
    ...family("iptables", "10.1.0.0/24", "224.0.0.0/4"),
    ...family("ip6tables", "fd01::/64", "ff00::/8"),
  ].sort();
}

function generic(line: string): string {
  return line.replaceAll(/PONTOON-[0-9a-f]{9}-[0-9a-f]{10}(?![0-9a-f])/g, "PONTOON");
}

function chainOf(rules: string[], subnet: string): string {
  return rules
    .find((line) => line.includes(`-s ${subnet} `))!
    .split(" ")
    .at(-1)!;
}

function rulesOf(save: string): string[] {
  return save
    .split("\n")
    .filter((line) => /^(-A|:PONTOON)/.test(line))
    .map((line) => line.replace(/ \[.*/, ""));
}

/** An environment whose iptables-restore is a script. */
async function fakeRestore(world: World, script: string): Promise<Record<string, string>> {
  const env = iptablesVariants(world)[0]!.env;
  for (const name of ["iptables-restore", "ip6tables-restore"])
    world.write(`/run/world/fake/${name}`, `#!/bin/sh\n${script}\n`);
  await world.host.must("chmod +x /run/world/fake/iptables-restore /run/world/fake/ip6tables-restore");
  return { ...env, PATH: `/run/world/fake:${env["PATH"]}` };
}

/** The neighbour, which knows no way back to any pod, sees the host's own address. */
async function isMasqueraded(pod: Place, neighbour: Neighbour, families = [4, 6]): Promise<void> {
  for (const family of families) {
    const [theirs, ours] = family === 4 ? [neighbour.v4, neighbour.host4] : [neighbour.v6, neighbour.host6];
    await using _server = await serve(neighbour.place, "tcp", theirs, 8080);
    expect(await connect(pod, theirs, 8080), `${pod.name} to ${theirs}`).toBe(`neighbour saw ${ours}`);
  }
}
