// `pontoon script`: two worlds, one made by the script and one by a real ADD, are the same.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mustSucceed, plugin } from "../support/cni.ts";
import { plugIn } from "../support/device.ts";
import { evidence } from "../support/evidence.ts";
import { Netns } from "../support/netns.ts";
import { type Network, type NetworkWishes, network } from "../support/network.ts";
import { Place } from "../support/place.ts";
import { SLOWNESS } from "../support/process.ts";
import { ptpNetwork } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { REPOSITORY, toolPath } from "../support/tool.ts";
import { waitFor } from "../support/wait.ts";
import { CONFIG_FOLDER, openWorld, PLUGIN_FOLDER, type Pod, type World } from "../support/world.ts";
import { factsOf } from "../support/world-facts.ts";

interface Case {
  name: string;
  conflist: Network;
  /** Options of the script, and what a runtime sends for them. */
  options?: string[];
  runtimeConfig?: Record<string, unknown>;
  /** Makes what is there before. */
  prepare?(world: World): Promise<unknown>;
}

/** For pods without an IPv4 address of which an ADD could make the MAC. */
const MAC: Pick<Case, "options" | "runtimeConfig"> = {
  options: ["--mac", "02:00:00:00:00:42"],
  runtimeConfig: { mac: "02:00:00:00:00:42" },
};

const FOLDER = join(REPOSITORY, "cni-conf");
const READY: Case[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".conflist"))
  .map((name) => ({
    name,
    conflist: JSON.parse(readFileSync(join(FOLDER, name), "utf8")) as Network,
    ...(name.includes("ipv6") ? MAC : {}),
    ...(name.includes("device") ? { prepare: (world: World) => plugIn(world, "eth7") } : {}),
  }));

const PORTS: Pick<Case, "options" | "runtimeConfig"> = {
  options: ["--port", "8080:80", "--port", "5353:53/udp"],
  runtimeConfig: {
    portMappings: [
      { hostPort: 8080, containerPort: 80, protocol: "tcp" },
      { hostPort: 5353, containerPort: 53, protocol: "udp" },
    ],
  },
};
const RATE: Pick<Case, "options" | "runtimeConfig"> = {
  options: ["--rate", "20M/5M"],
  runtimeConfig: { bandwidth: { ingressRate: 20_000_000, egressRate: 5_000_000 } },
};
const DUAL: NetworkWishes = { subnets: ["10.1.0.0/24", "fd01::/64"], isDefaultGateway: true };
const CHECKS: NetworkWishes = { macspoofchk: true, ipspoofchk: true };
const TUNING: NetworkWishes = {
  sysctl: { "net.ipv4.conf.IFNAME.rp_filter": "2", "net.ipv4.ip_local_port_range": "2000 3000" },
  txQLen: 500,
  promisc: true,
  allmulti: true,
};
const CONDITIONS: NetworkWishes = {
  conditionsV4: ["ip", "daddr", "192.0.2.0/24", "iifname", "!=", "eth9"],
  conditionsV6: ["!", "-s", "fd00::/9"],
};

const ODD_ROUTES = [
  { dst: "0.0.0.0/0", mtu: 1300, advmss: 1200 },
  { dst: "192.0.2.0/24", gw: "10.1.0.9", priority: 50 },
  { dst: "198.51.100.0/24", table: 77 },
];

const dropsForwarded = async (world: World): Promise<void> => {
  for (const program of ["iptables", "ip6tables"]) await world.host.must(`${program} -P FORWARD DROP`);
};

const cases = (way: string, networkOf: typeof network): Case[] => [
  { name: `${way}, dual stack`, conflist: networkOf("pods", DUAL) },
  { name: `${way}, host ports`, conflist: networkOf("pods", DUAL), ...PORTS },
  { name: `${way}, host ports for all`, conflist: networkOf("pods", { ...DUAL, masqAll: true }), ...PORTS },
  { name: `${way}, conditions`, conflist: networkOf("pods", { ...DUAL, ...CONDITIONS }), ...PORTS },
  {
    name: `${way}, host ports that other programs read`,
    conflist: networkOf("pods", { compat: { iptablesHostPortChains: true } }),
    ...PORTS,
  },
  ...["same-bridge", "isolated"].map((ingressPolicy) => ({
    name: `${way}, policy ${ingressPolicy}`,
    conflist: networkOf("pods", { ...DUAL, ingressPolicy }),
  })),
  {
    name: `${way}, policy open behind a firewall of iptables`,
    conflist: networkOf("pods", { ...DUAL, ingressPolicy: "open" }),
    prepare: dropsForwarded,
  },
  { name: `${way}, limits`, conflist: networkOf("pods"), ...RATE },
  { name: `${way}, limits in the pod`, conflist: networkOf("pods", { egressInPod: true }), ...RATE },
  { name: `${way}, source checks`, conflist: networkOf("pods", { ...DUAL, ...CHECKS }) },
  { name: `${way}, check of the MAC`, conflist: networkOf("pods", { macspoofchk: true }) },
  { name: `${way}, tuning`, conflist: networkOf("pods", { ...DUAL, ...TUNING }) },
  { name: `${way}, source routing`, conflist: networkOf("pods", { ...DUAL, sourceBasedRouting: true }) },
  {
    name: `${way}, masquerading by iptables`,
    conflist: networkOf("pods", { ...DUAL, ipMasqBackend: "iptables" }),
  },
  { name: `${way}, another MTU`, conflist: networkOf("pods", { mtu: 1400 }) },
  {
    name: `${way}, routes`,
    conflist: networkOf("pods", {
      ipam: {
        type: "host-local",
        ranges: [[{ subnet: "10.1.0.0/24" }]],
        routes: ODD_ROUTES,
      },
    }),
  },
];

const CASES: Case[] = [
  ...READY,
  ...cases("a bridge", network),
  ...cases("ptp", ptpNetwork),
  { name: "a bridge, layer 2 alone", conflist: network("pods", LAYER_2()), ...MAC },
  {
    name: "a bridge, promiscuous, with isolated ports",
    conflist: network("pods", { promiscMode: true, portIsolation: true }),
  },
  { name: "a bridge, hairpin mode", conflist: network("pods", { hairpinMode: true }) },
  {
    name: "a bridge, with the pod's interface down",
    conflist: network("pods", { ...LAYER_2(), disableContainerInterface: true }),
    ...MAC,
  },
  { name: "a bridge, duplicates are looked for", conflist: network("pods", { ...DUAL, enabledad: true }) },
  { name: "a bridge without a gateway", conflist: network("pods", { isGateway: false, ipMasq: false }) },
];

function LAYER_2(): NetworkWishes {
  return { ipam: {}, isGateway: false, ipMasq: false };
}

const VLAN: Case[] = [
  { name: "a VLAN", conflist: network("pods", { ...DUAL, vlan: 100 }) },
  {
    name: "a VLAN, isolated, with the default VLAN",
    conflist: network("pods", {
      ...DUAL,
      ...CHECKS,
      vlan: 100,
      preserveDefaultVlan: true,
      ingressPolicy: "isolated",
    }),
  },
  {
    name: "a trunk",
    conflist: network("pods", {
      vlanTrunk: [{ id: 200 }, { minID: 300, maxID: 310 }],
      isGateway: false,
      ipMasq: false,
      ipam: {},
    }),
    ...MAC,
  },
];

const FILE = `${CONFIG_FOLDER}/10-pods.conflist`;

/** The output of `pontoon script` in a world, which shellcheck takes. */
async function scriptIn(world: World, verb: "add" | "del", { options = [] }: Case): Promise<string> {
  const text = await world.host.must([
    `${PLUGIN_FOLDER}/pontoon`,
    "script",
    verb,
    FILE,
    "--id",
    "c1",
    ...options,
  ]);
  const checked = await world.host.exec([toolPath("shellcheck"), "--shell=sh", "-"], { stdin: text });
  expect(checked.stdout + checked.stderr).toBe("");
  return text;
}

/** Runs a script as a person does; it has nothing to say. */
async function runIn(world: World, text: string): Promise<void> {
  const { status, stdout, stderr } = await world.host.exec(["sh", "-s"], { stdin: text });
  expect({ status, stdout, stderr }, text).toMatchObject({ stdout: "", stderr: "" });
}

const placeOf = (world: World): Place =>
  new Place("red", Number(/\d+/.exec(world.hostNamespace)?.[0]), "/run/netns/red");

async function worldFacts(world: World): Promise<string[]> {
  return [
    ...(await factsOf(world.host)).map((line) => `host ${line}`),
    ...(await factsOf(placeOf(world))).map((line) => `pod ${line}`),
  ];
}

/** Waits until the two worlds are the same; what the kernel still does settles in a moment. */
async function expectSame(byHand: World, real: World): Promise<void> {
  let difference = ["not yet compared"];
  const isSame = async (): Promise<boolean> => {
    const [ours, theirs] = await Promise.all([worldFacts(byHand), worldFacts(real)]);
    difference = differenceOf(theirs, ours);
    return difference.length === 0 || performance.now() > end;
  };
  const end = performance.now() + SETTLED_MS;
  await waitFor("the worlds are the same", isSame, 10 * SETTLED_MS, 300);
  expect(difference).toEqual([]);
}

/** The time after which the kernel has nothing left to do. */
const SETTLED_MS = SLOWNESS * 4_000;

/** A line for what one list alone has, `-` before what went, `+` before what came; or for another order. */
function differenceOf(from: string[], to: string[]): string[] {
  const lost = from.filter((line) => !to.includes(line)).map((line) => `- ${line}`);
  const added = to.filter((line) => !from.includes(line)).map((line) => `+ ${line}`);
  const all = [...lost, ...added];
  return all.length > 0 || JSON.stringify(from) === JSON.stringify(to) ? all : ["the order is another"];
}

/** Opens two worlds and shows the evidence of both when the play fails. */
async function inTwoWorlds(play: (byHand: World, real: World) => Promise<void>): Promise<void> {
  await using byHand = await openWorld();
  await using real = await openWorld();
  try {
    await play(byHand, real);
  } catch (error) {
    console.error(`By hand:\n${await evidence(byHand)}\nReal:\n${await evidence(real)}`);
    throw error;
  }
}

const callOf = (each: Case, pod: Pod) => ({
  network: each.conflist,
  pod,
  containerId: "c1",
  more: each.runtimeConfig === undefined ? {} : { runtimeConfig: each.runtimeConfig },
});

async function compare(each: Case): Promise<void> {
  await inTwoWorlds(async (byHand, real) => {
    for (const world of [byHand, real]) {
      world.write(FILE, JSON.stringify(each.conflist));
      await each.prepare?.(world);
    }
    const [add, del] = [await scriptIn(byHand, "add", each), await scriptIn(byHand, "del", each)];
    await runIn(byHand, add);
    const call = callOf(each, await real.pod("red"));
    mustSucceed(await plugin(real, "ADD", call));
    await expectSame(byHand, real);
    await runIn(byHand, del);
    mustSucceed(await plugin(real, "DEL", call));
    await expectSame(byHand, real);
    expect((await snapshot(byHand)).attachments.lines).toEqual([]);
  });
}

/**
 * On a kernel that cannot keep VLANs apart: the script stops where the bridge is made, as an ADD does, and
 * has the rest all the same.
 */
async function stopsAtBridge(each: Case): Promise<void> {
  await using world = await openWorld();
  world.write(FILE, JSON.stringify(each.conflist));
  const text = await scriptIn(world, "add", each);
  expect(text).toMatch(/bridge vlan add dev veth[0-9a-f]{11} vid \d+ pvid untagged/);
  const { status, stderr } = await world.host.exec(["sh", "-s"], { stdin: text });
  expect([status === 0, stderr]).toEqual([false, expect.stringContaining("not supported")]);
  const links = await world.host.json<{ ifname: string }[]>("ip -j link show");
  expect(links.map(({ ifname }) => ifname)).toEqual(["lo"]);
}

/** True for a kernel that can keep VLANs apart. */
function kernelFilters(): boolean {
  using probe = Netns.open();
  const [file = "", ...args] = probe.command("ip link add br0 type bridge vlan_filtering 1".split(" "));
  return spawnSync(file, args).status === 0;
}

const FILTERS = kernelFilters();
const named = (all: readonly Case[]) => all.map((each) => [each.name, each] as const);
const LIMIT = { timeout: SLOWNESS * 60_000 };

test.each(named(CASES))(
  "%s: a script makes what an ADD makes, and takes away what a DEL takes away",
  LIMIT,
  (_, each) => compare(each),
);

test.each(named(VLAN))(
  "%s: a script makes what an ADD makes, where the kernel can keep VLANs apart",
  LIMIT,
  (_, each) => (FILTERS ? compare(each) : stopsAtBridge(each)),
);

test("two pods by hand: the second one changes nothing of what it shares, and what is shared goes with the last one", {
  timeout: SLOWNESS * 60_000,
}, async () => {
  const conflist = network("pods", { ...DUAL, ingressPolicy: "same-bridge", ipMasqBackend: "iptables" });
  const blue = ["-n", "blue", "--id", "c2", "--ip", "10.1.0.3", "--ip", "fd01::3"];
  await inTwoWorlds(async (byHand, real) => {
    for (const world of [byHand, real]) world.write(FILE, JSON.stringify(conflist));
    const run = async (...words: string[]): Promise<void> =>
      runIn(byHand, await byHand.host.must([`${PLUGIN_FOLDER}/pontoon`, "script", ...words]));
    const callFor = async (name: string, containerId: string) => {
      return { network: conflist, pod: await real.pod(name), containerId };
    };
    const [one, other] = [await callFor("red", "c1"), await callFor("blue", "c2")];
    await run("add", FILE, "--id", "c1");
    await run("add", FILE, ...blue);
    for (const call of [one, other]) mustSucceed(await plugin(real, "ADD", call));
    await expectSame(byHand, real);
    await run("del", FILE, "--id", "c1");
    mustSucceed(await plugin(real, "DEL", one));
    await expectSame(byHand, real);
    await run("del", FILE, ...blue);
    mustSucceed(await plugin(real, "DEL", other));
    await expectSame(byHand, real);
  });
});

test("a script takes away all that a real ADD has made, and leaves nothing for its DEL but leases and records", {
  timeout: SLOWNESS * 60_000,
}, async () => {
  const each: Case = {
    name: "all",
    conflist: network("pods", { ...DUAL, ...CHECKS, ingressPolicy: "isolated", sourceBasedRouting: true }),
    options: [...PORTS.options!, ...RATE.options!],
    runtimeConfig: { ...PORTS.runtimeConfig, ...RATE.runtimeConfig },
  };
  await inTwoWorlds(async (real, other) => {
    for (const world of [real, other]) world.write(FILE, JSON.stringify(each.conflist));
    const call = callOf(each, await real.pod("red"));
    mustSucceed(await plugin(real, "ADD", call));
    await runIn(real, await scriptIn(real, "del", each));
    expect((await snapshot(real)).attachments.lines.filter((line) => !line.startsWith("file "))).toEqual([]);
    const before = await worldFacts(real);
    mustSucceed(await plugin(real, "DEL", call));
    expect(await worldFacts(real)).toEqual(before);
    const twin = callOf(each, await other.pod("red"));
    for (const verb of ["ADD", "DEL"] as const) mustSucceed(await plugin(other, verb, twin));
    await expectSame(real, other);
  });
});

/** Texts that a shell would run, or that would end a quoted word. */
const HOSTILE = ["$(>own)", "`>own`", ";>own;", "'>own'", "a&>own&", "|>own", "~", "a\\>own"];

scene("a hostile name never runs a command: it is quoted, or refused with a reason", async (world) => {
  const run = async (options: string[], conflist: Network) =>
    world.host.exec([`${PLUGIN_FOLDER}/pontoon`, "script", "add", "-", "--id", "c1", ...options], {
      stdin: JSON.stringify(conflist),
    });
  for (const name of HOSTILE) {
    const bridge = network("pods", {
      ...DUAL,
      bridge: name,
      ingressPolicy: "isolated",
      ipMasqBackend: "iptables",
    });
    for (const { status, stdout, stderr } of [
      await run([], bridge),
      await run(["--ifname", name], network("pods", DUAL)),
      await run([], network("pods", { sysctl: { "net.ipv4.ip_local_port_range": `1 ${name}` } })),
      await run(["--netns", name], network("pods")),
      await run(["--mac", name], network("pods")),
      await run(["--ip", name], network("pods")),
    ]) {
      expect(stdout === "" ? stderr : stdout).not.toBe("");
      expect(status === 0 || stdout === "").toBe(true);
      // The shell alone finds no program, so nothing but a redirection leaves a trace.
      world.write("/run/script.sh", stdout.replace(/^set -e?u$/m, "PATH=/nowhere"));
      await world.host.exec(["sh", "-c", "mkdir -p /run/trace && cd /run/trace && . /run/script.sh"]);
    }
  }
  expect(await world.host.must("ls -A /run/trace")).toBe("");
});

scene("a hostile path stays in its comment", async (world) => {
  const path = "/run/world/a\nb>own\u001b[2J.conflist";
  world.write(path, JSON.stringify(network("pods")));
  const text = await world.host.must([`${PLUGIN_FOLDER}/pontoon`, "script", "add", path]);
  expect(text.split("\n")[2]).toBe('# "pontoon script add" of /run/world/a?b>own?[2J.conflist.');
  expect(text).not.toContain("\u001b");
});

scene("no root is needed, and nothing is changed", async (world) => {
  const path = world.outside("/run/world/bin/pontoon");
  world.write(FILE, JSON.stringify(network("pods", { ...DUAL, ...PORTS })));
  await world.host.must(["cp", "-L", `${PLUGIN_FOLDER}/pontoon`, "/run/pontoon"]);
  const before = await factsOf(world.host);
  const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  const text = await world.host.must([...asNobody, "/run/pontoon", "script", "add", FILE, ...PORTS.options!]);
  expect(text).toContain("ip -n red");
  expect(await factsOf(world.host)).toEqual(before);
  expect(path).not.toBe("");
});

scene(
  "a network is found by its name, its file or on stdin, and the script is the same each time",
  async (world) => {
    world.write(FILE, JSON.stringify(network("pods")));
    const pontoon = [`${PLUGIN_FOLDER}/pontoon`, "script", "add"];
    const byFile = await world.host.must([...pontoon, FILE]);
    expect(await world.host.must([...pontoon, "pods", "--conf-dir", CONFIG_FOLDER])).toBe(byFile);
    const byStdin = await world.host.must([...pontoon, "-"], { stdin: world.read(FILE) });
    expect(byStdin.replace("of stdin", `of ${FILE}`)).toBe(byFile);
    const wishes = ["--ip", "10.1.0.77", "--ifname", "net1", "-n", "blue", "--id", "abc"];
    const text = await world.host.must([...pontoon, FILE, ...wishes]);
    expect(text).toContain("ip -n blue address add 10.1.0.77/24 brd + dev net1");
    expect(text).toContain("the container id abc.");
  },
);

scene("addresses of another IPAM plugin have to be given", async (world) => {
  world.write(FILE, JSON.stringify(network("pods", { ipam: { type: "static" } })));
  const pontoon = [`${PLUGIN_FOLDER}/pontoon`, "script", "add", FILE];
  const refused = await world.host.exec(pontoon);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toBe(
    'pontoon script: the addresses come from the IPAM plugin "static". Hint: Give one with --ip, with the length of its subnet, as in --ip 10.1.0.5/24.\n',
  );
  const text = await world.host.must([...pontoon, "--ip", "10.9.0.5/24"]);
  expect(text).toContain("ip -n red address add 10.9.0.5/24 brd + dev eth0");
  expect(text).toContain("ip address replace 10.9.0.1/24 brd + dev pods0");
});

scene(
  "a wrong command line is refused with what is right, and a wish that no runtime passes on is told",
  async (world) => {
    world.write(FILE, JSON.stringify(network("pods")));
    const run = (...words: string[]) => world.host.exec([`${PLUGIN_FOLDER}/pontoon`, "script", ...words]);
    for (const [words, complaint] of [
      [[], 'begin with "add" or "del"'],
      [["add"], "name one network or file, or - for stdin"],
      [["add", FILE, "more"], "name one network or file, or - for stdin"],
      [["add", FILE, "--port", "80"], "--port is written as in 8080:80 or 5353:53/udp"],
      [["add", FILE, "--rate", "fast"], "--rate is written in bit/s, as in 10M or 10M/500k"],
      [
        ["add", FILE, "-n", "/run/netns/red"],
        '--netns is a name, as "ip netns" has it; "ip netns attach NAME PID" gives a namespace one',
      ],
    ] as const) {
      const { status, stderr } = await run(...words);
      expect([status, stderr]).toEqual([2, `pontoon script: ${complaint}.\nTry "pontoon script --help".\n`]);
    }
    const unknown = await run("add", "nets", "--conf-dir", CONFIG_FOLDER);
    expect([unknown.status, unknown.stderr]).toEqual([
      1,
      `pontoon script: there is no file "nets", and no network of that name in ${CONFIG_FOLDER}. Hint: Name a file, or one of pods.\n`,
    ]);
    const outside = await run("add", FILE, "--ip", "10.9.0.1");
    expect(outside.stderr).toContain("failed to allocate all requested IPs: 10.9.0.1");
    const gateway = await run("add", FILE, "--ip", "10.1.0.1");
    expect(gateway.stderr).toContain("requested ip 10.1.0.1 is subnet's gateway");
    const { stderr } = await run("add", FILE, "--port", "80:80");
    expect(stderr).toBe(
      "A runtime would not pass on --port: the network does not declare the capability portMappings.\n",
    );
  },
);
