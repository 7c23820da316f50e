// `pontoon cni`: the calls of a runtime by hand, mixed with those of cnitool.
import { copyFileSync } from "node:fs";
import { expect } from "vitest";
import { forget, onTerminal, pontoon, pontoonMust } from "../support/by-person.ts";
import { add, addressOf, type CniResult, check, cnitool, del, mustSucceed } from "../support/cni.ts";
import { portNetwork } from "../support/host-port.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { toolPath } from "../support/tool.ts";
import { connect, pings, serve } from "../support/traffic.ts";
import { CONFIG_FOLDER, PLUGIN_FOLDER, type World } from "../support/world.ts";

const CACHE = "/var/lib/cni/results";

const cached = async (world: World): Promise<unknown[]> => {
  const names = (await world.host.must(["sh", "-c", `ls ${CACHE} 2>/dev/null || true`])).split("\n");
  return names
    .filter((name) => name !== "")
    .map((name) => JSON.parse(world.read(`${CACHE}/${name}`)) as unknown);
};

scene("add as cnitool does, which then checks and dels it; and the other way round", async (world) => {
  const pods = install(world, network("pods", { subnets: ["10.1.0.0/24", "fd01::/64"] }));
  const red = await world.pod("red");
  const ours = JSON.parse(await pontoonMust(world, "cni add pods -n red")) as CniResult;
  const ofOurs = await cached(world);
  expect(await check(world, pods, red)).toBeUndefined();
  expect(await pings(red, "10.1.0.1")).toBe(true);
  await del(world, pods, red);
  expect(await cached(world)).toEqual([]);

  const theirs = await add(world, pods, red);
  const ofTheirs = await cached(world);
  expect({ ...theirs, ips: [], interfaces: [] }).toEqual({ ...ours, ips: [], interfaces: [] });
  const [one, other] = [ofOurs, ofTheirs].map(([file]) => ({ ...(file as object), result: undefined }));
  expect(one).toEqual(other);
  expect(await pontoonMust(world, "cni check pods -n red")).toBe("");
  expect(await pontoonMust(world, "cni del pods -n red")).toBe("");
  expect(await cached(world)).toEqual([]);
  expect((await snapshot(world)).attachments.lines).toEqual([]);
  expect(addressOf(theirs)).not.toBe(addressOf(ours));
});

scene("--new-netns makes a namespace as ip netns does, and --rm-netns removes it", async (world) => {
  install(world, network("pods"));
  await pontoonMust(world, "cni add pods --new-netns red");
  expect(await world.host.must("ip netns list")).toMatch(/^red/);
  const link = await world.host.must("ip -n red -br address show eth0");
  expect(link).toContain("10.1.0.2/24");
  const mount = await world.host.must(["sh", "-c", "grep /run/netns/red /proc/self/mountinfo"]);
  expect(mount).toContain("shared:");
  await world.host.must("ip netns exec red ping -c1 -W5 10.1.0.1");
  const again = await pontoon(world, "cni add pods --new-netns red");
  expect([again.status, again.stderr]).toEqual([
    1,
    'pontoon cni: there is a namespace "red" already. Hint: Give -n red to attach it, or another name.\n',
  ]);
  await pontoonMust(world, "cni del pods -n red --rm-netns");
  expect(await world.host.must("ip netns list")).toBe("");
  expect((await snapshot(world)).attachments.lines).toEqual([]);
});

scene("an add that fails takes back the namespace that it made", async (world) => {
  install(world, { ...network("pods"), plugins: [...network("pods").plugins, { type: "nobody" }] });
  const { status, stderr } = await pontoon(world, "cni add pods --new-netns red");
  expect([status, stderr]).toEqual([
    1,
    expect.stringContaining(`there is no plugin "nobody" in ${PLUGIN_FOLDER}`),
  ]);
  expect(await world.host.must("ip netns list")).toBe("");
});

scene(
  "arguments reach the plugins that declare the capability, and check and del remember them",
  async (world) => {
    const pods = portNetwork(world, "pods");
    const red = await world.pod("red");
    pods.plugins[0]["capabilities"] = { portMappings: true, ips: true, mac: true };
    install(world, pods);
    const line =
      "cni add pods -n red --port 8080:80 --port 8081:81/udp --ip 10.1.0.77 --mac 02:00:00:00:00:77";
    const result = JSON.parse(await pontoonMust(world, `${line} --args K8S_POD_NAME=web`)) as CniResult;
    expect(addressOf(result)).toBe("10.1.0.77");
    expect(await world.host.must("ip -n red link show eth0")).toContain("02:00:00:00:00:77");
    await using _server = await serve(red, "tcp", "10.1.0.77", 80);
    const blue = await world.pod("blue");
    await pontoonMust(world, "cni add pods -n blue");
    expect(await connect(blue, "10.1.0.1", 8080)).toMatch(/^red saw /);
    await pontoonMust(world, "cni del pods -n blue");
    const [file] = await cached(world);
    expect(file).toMatchObject({
      kind: "cniCacheV1",
      cniArgs: [["K8S_POD_NAME", "web"]],
      capabilityArgs: {
        portMappings: [
          { hostPort: 8080, containerPort: 80, protocol: "tcp" },
          { hostPort: 8081, containerPort: 81, protocol: "udp" },
        ],
      },
    });
    expect(await pontoonMust(world, "cni check pods -n red")).toBe("");
    await pontoonMust(world, "cni del pods -n red");
    const refused = await pontoon(world, "cni add pods -n red --rate 10M/5M");
    expect([refused.status, refused.stderr]).toEqual([
      1,
      expect.stringContaining("no plugin of network pods declares the capability bandwidth"),
    ]);
  },
);

scene(
  "the whole chain is called: each with the result of the one before, DEL the other way round",
  async (world) => {
    const log = "/run/world/log";
    world.write(
      `${PLUGIN_FOLDER}/spy`,
      `#!/bin/sh
input=$(cat)
echo "$CNI_COMMAND \${0##*/} $input" >> ${log}
[ "$CNI_COMMAND" = ADD ] && echo "$input" | sed 's/.*"prevResult":\\({.*}\\)}$/\\1/' || true
`,
    );
    await world.host.must(`chmod +x ${PLUGIN_FOLDER}/spy`);
    await world.host.must(`ln -s spy ${PLUGIN_FOLDER}/last`);
    const more = [{ type: "spy", capabilities: { mac: true } }, { type: "last" }];
    install(world, { ...network("pods"), plugins: [...network("pods").plugins, ...more] });
    await world.pod("red");
    await pontoonMust(world, "cni add pods -n red --mac 02:00:00:00:00:01 --id one");
    await pontoonMust(world, "cni check pods --id one");
    await pontoonMust(world, "cni del pods --id one");
    const calls = world.read(log).trim().split("\n");
    expect(calls.map((call) => call.split(" ", 2).join(" "))).toEqual([
      "ADD spy",
      "ADD last",
      "CHECK spy",
      "CHECK last",
      "DEL last",
      "DEL spy",
    ]);
    for (const call of calls) {
      const isTold = call.includes('"runtimeConfig":{"mac":"02:00:00:00:00:01"}');
      expect(isTold).toBe(call.includes(" spy "));
      expect(call).toContain('"prevResult":{');
    }
  },
);

scene(
  "an error of a plugin is shown with its name, code and details, and no escape sequence of it",
  async (world) => {
    world.write(
      `${PLUGIN_FOLDER}/odd`,
      `#!/bin/sh
printf '{"code": 42, "msg": "no \\\\u001b[31mred\\\\nhere", "details": "more"}'
exit 1
`,
    );
    await world.host.must(`chmod +x ${PLUGIN_FOLDER}/odd`);
    world.write(
      "/run/odd.conflist",
      JSON.stringify({ cniVersion: "1.0.0", name: "odd", plugins: [{ type: "odd" }] }),
    );
    await world.pod("red");
    const { status, stdout, stderr } = await pontoon(world, "cni add /run/odd.conflist -n red");
    expect([status, stdout, stderr]).toEqual([
      1,
      "",
      "pontoon cni: plugin odd refused ADD with code 42: no ?[31mred | here: more.\n",
    ]);
  },
);

scene("gc takes down what is not named, or with --dead what has no namespace", async (world) => {
  install(world, network("pods"));
  const pods = [await world.pod("red"), await world.pod("blue"), await world.pod("green")] as const;
  const [red, blue] = pods;
  for (const { name } of pods) await pontoonMust(world, `cni add pods -n ${name}`);
  expect((await pontoon(world, "cni gc pods")).status).toBe(2);
  await forget(world, red);
  expect(JSON.parse(await pontoonMust(world, "cni gc pods --dead --json"))).toEqual({
    network: "pods",
    removed: [{ containerId: red.containerId, interfaceName: "eth0" }],
  });
  expect((await snapshot(world)).leases.names).toEqual(["10.1.0.3", "10.1.0.4"]);
  await pontoonMust(world, `cni gc pods ${blue.containerId}:eth0`);
  expect((await snapshot(world)).leases.names).toEqual(["10.1.0.3"]);
  expect(await pontoonMust(world, "cni check pods -n blue")).toBe("");
});

scene("version, status, and switched off verbs", async (world) => {
  copyFileSync(toolPath("tuning"), world.outside(`${PLUGIN_FOLDER}/tuning`));
  await world.host.must(`chmod +x ${PLUGIN_FOLDER}/tuning`);
  const { plugins } = network("pods");
  const list = { cniVersion: "0.4.0", cniVersions: ["1.1.0", "0.4.0", "9.0.0"], name: "pods" };
  world.write(
    `${CONFIG_FOLDER}/1.conflist`,
    JSON.stringify({
      ...list,
      disableCheck: true,
      disableGC: "true",
      plugins: [...plugins, { type: "tuning" }],
    }),
  );
  const versions = JSON.parse(await pontoonMust(world, "cni version pods --json")) as object;
  expect(versions).toMatchObject({ network: "pods", cniVersion: "1.1.0" });
  expect(await pontoonMust(world, "cni version pods")).toMatch(
    /^tuning \(.*\/tuning\): 0\.1\.0, .*1\.1\.0$/m,
  );
  expect(await pontoonMust(world, "cni status pods")).toBe("");
  await world.pod("red");
  await pontoonMust(world, "cni add pods -n red");
  await world.host.must("ip -n red address flush dev eth0");
  expect(await pontoonMust(world, "cni check pods -n red")).toBe("");
  await pontoonMust(world, "cni gc pods one:eth0");
  expect((await snapshot(world)).leases.names).toEqual(["10.1.0.2"]);
});

scene(
  "Pontoon's own entries run where no folder has the plugin, and a person on a terminal reads lines",
  async (world) => {
    install(world, network("pods"));
    await world.pod("red");
    const { plugins } = JSON.parse(
      await pontoonMust(world, "cni version pods --json --bin-dir /nowhere"),
    ) as {
      plugins: { path: string }[];
    };
    expect(plugins.map(({ path }) => path)).toEqual([expect.stringMatching(/^\/(?!proc\/).*\/pontoon$/)]);
    const { stdout, status } = await onTerminal(world, "cni add pods -n red --bin-dir /nowhere");
    expect([status, stdout]).toEqual([
      0,
      expect.stringMatching(
        /^eth0 is attached to network pods\n {2}address {6}10\.1\.0\.2\/24 by 10\.1\.0\.1\n/,
      ),
    ]);
    mustSucceed(await cnitool(world, "check", "pods", world.pods[0]!));
    expect((await onTerminal(world, "cni check pods -n red")).stdout).toBe(
      "pods: the attachment is as it was made\n",
    );
  },
);
