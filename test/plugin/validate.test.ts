// `pontoon validate` on a node: what only the node knows, folders as a runtime reads them, exit statuses.
import { chmodSync } from "node:fs";
import { expect } from "vitest";
import { add } from "../support/cni.ts";
import { BIN_FOLDER, NET_FOLDER, SHIPPED } from "../support/install.ts";
import { install, type Network, network } from "../support/network.ts";
import type { Outcome } from "../support/process.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { PLUGIN_FOLDER, type World } from "../support/world.ts";

const FILE = `${NET_FOLDER}/10-pods.conflist`;
const IPAM = { type: "host-local", ranges: [[{ subnet: "10.1.0.0/24" }]] };
const PONTOON = {
  type: "pontoon",
  capabilities: { portMappings: true },
  isGateway: true,
  ipam: IPAM,
};

const listOf = (...plugins: object[]): Record<string, unknown> => ({
  cniVersion: "1.1.0",
  name: "pods",
  plugins,
});

interface Found {
  file: string;
  line: number | null;
  path: string;
  severity: string;
  message: string;
  suggestion: string | null;
}

function validate(world: World, ...args: string[]): Promise<Outcome> {
  const folders = ["--bin-dir", BIN_FOLDER, "--conf-dir", NET_FOLDER];
  return world.host.exec([`${PLUGIN_FOLDER}/pontoon`, "validate", ...folders, ...args], {});
}

/** Runs it for a program; it has to end with `status`. */
async function found(world: World, status: number, ...args: string[]): Promise<Found[]> {
  const outcome = await validate(world, "--json", ...args);
  expect(outcome).toMatchObject({ status, stderr: "" });
  return JSON.parse(outcome.stdout) as Found[];
}

const told = ({ severity, path, message }: Found): string => `${severity} ${path}: ${message}`;

/** A file of the runtime's, and an executable of every name that it needs. */
function put(world: World, name: string, config: object, programs = ["pontoon"]): string {
  for (const program of programs) {
    world.write(`${BIN_FOLDER}/${program}`, "");
    chmodSync(world.outside(`${BIN_FOLDER}/${program}`), 0o755);
  }
  world.write(`${NET_FOLDER}/${name}`, JSON.stringify(config, undefined, 2));
  return `${NET_FOLDER}/${name}`;
}

scene(
  "a right file on a node that has all it needs: nothing is wrong, and nothing is changed",
  async (world) => {
    const file = put(world, "10-pods.conflist", listOf(PONTOON));
    const before = await snapshot(world);
    expect(await validate(world, file)).toMatchObject({
      status: 0,
      stdout: "1 file: nothing is wrong\n",
      stderr: "",
    });
    expect((await snapshot(world)).minus(before).lines).toEqual([]);
  },
);

scene(
  "subnets that other interfaces have are told where they stand, as an ADD would tell them",
  async (world) => {
    await world.host.must("ip link add other0 up type bridge");
    await world.host.must("ip address add 10.1.0.7/24 dev other0");
    await world.host.must("ip address add 10.0.0.1/8 dev other0");
    await world.host.must("ip address add 10.2.0.1/32 dev other0");
    const ranges = [[{ subnet: "10.1.0.0/24" }], [{ subnet: "10.3.0.0/24" }]];
    const file = put(world, "10-pods.conflist", listOf({ ...PONTOON, ipam: { ...IPAM, ranges } }));
    const remarks = await found(world, 0, file);
    expect(remarks.map(told)).toEqual([
      'warning plugins[0].ipam.ranges[0][0].subnet: bridge address cannot be set: "cni0" cannot have 10.1.0.1/24, because "other0" has 10.1.0.7/24: the node would look for pods of one subnet on two interfaces, and find some of them on neither',
      "note plugins[0].ipam.ranges[1][0].subnet: other0 has 10.0.0.1/8, which overlaps the subnet of 10.3.0.1/24 on cni0",
    ]);
    expect(remarks[0]?.suggestion).toContain('set "bridge": "other0"');
    expect(await found(world, 0, "--no-node", file)).toEqual([]);
  },
);

scene(
  "a network whose bridge is there and right has no warning; another address on it is one",
  async (world) => {
    const pods = install(world, network("pods", { capabilities: { portMappings: true } }));
    await add(world, pods, await world.pod("red"));
    const [entry] = pods.plugins;
    const same = put(world, "10-pods.conflist", { ...listOf(entry!) });
    expect(await found(world, 0, same)).toEqual([]);
    const other = { ...entry!, ipam: { type: "host-local", ranges: [[{ subnet: "10.9.0.0/24" }]] } };
    const file = put(world, "10-pods.conflist", listOf(other));
    expect((await found(world, 0, file)).map(told)).toEqual([
      expect.stringContaining("already has an IP address different from 10.9.0.1/24"),
    ]);
    expect(
      await found(world, 0, put(world, "10-pods.conflist", listOf({ ...other, forceAddress: true }))),
    ).toEqual([]);
  },
);

scene("a network with two gateways that are on its bridge already has no warning", async (world) => {
  const ranges = [[{ subnet: "10.1.0.0/24" }, { subnet: "10.2.0.0/24" }]];
  const file = put(world, "10-pods.conflist", listOf({ ...PONTOON, ipam: { ...IPAM, ranges } }));
  await world.host.must("ip link add cni0 up type bridge");
  await world.host.must("ip address add 10.1.0.1/24 dev cni0");
  expect(await found(world, 0, file)).toEqual([]);
});

scene(
  "without a bridge too a subnet of another interface is told, and one of other pods is not",
  async (world) => {
    const entry = { type: "pontoon", capabilities: { portMappings: true }, attach: "ptp", ipam: IPAM };
    const pods = install(world, listOf(entry) as unknown as Network);
    await add(world, pods, await world.pod("red"));
    const file = put(world, "10-pods.conflist", { ...listOf(entry), name: "others" });
    expect(await found(world, 0, file)).toEqual([]);
    await world.host.must("ip link add other0 up type bridge");
    await world.host.must("ip address add 10.1.0.200/28 dev other0");
    expect((await found(world, 0, file)).map(told)).toEqual([
      expect.stringMatching(/^warning plugins\[0\].ipam.ranges.*because "other0" has 10.1.0.200\/28/),
    ]);
  },
);

scene("an interface that is no bridge has the bridge's name", async (world) => {
  await world.host.must("ip link add cni0 type veth peer name other0");
  const file = put(world, "10-pods.conflist", listOf({ ...PONTOON, bridge: "cni0" }));
  expect((await found(world, 0, file)).map(told)).toEqual([
    'warning plugins[0].bridge: bridge cannot be used: "cni0" already exists but is not a bridge: it is a veth interface',
  ]);
});

scene("programs that are not there or cannot be run are told, of every plugin of the list", async (world) => {
  const ipam = { type: "dhcp" };
  const file = put(
    world,
    "10-pods.conflist",
    listOf({ ...PONTOON, ipam }, { type: "portmap" }, { type: "sbr" }),
    ["portmap"],
  );
  world.write(`${BIN_FOLDER}/sbr`, "");
  chmodSync(world.outside(`${BIN_FOLDER}/sbr`), 0o644);
  expect((await found(world, 0, file)).map(told)).toEqual([
    `warning plugins[0].type: plugins[0].type "pontoon": no such program is in ${BIN_FOLDER}`,
    `warning plugins[0].ipam.type: plugins[0].ipam.type "dhcp": no such program is in ${BIN_FOLDER}`,
    `warning plugins[2].type: plugins[2].type "sbr": ${BIN_FOLDER}/sbr cannot be run, its mode is 0644`,
  ]);
  expect((await found(world, 0, "--bin-dir", "/nowhere", "--bin-dir", BIN_FOLDER, file)).length).toBe(3);
});

scene("a file that an ADD would read is told when it is not there", async (world) => {
  const withFile = { ...PONTOON, ipam: { ...IPAM, resolvConf: "/run/world/resolv.conf" } };
  const file = put(world, "10-pods.conflist", listOf(withFile));
  expect((await found(world, 0, file)).map(told)).toEqual([
    'warning plugins[0].ipam.resolvConf: plugins[0].ipam.resolvConf "/run/world/resolv.conf": there is no such file',
  ]);
  world.write("/run/world/resolv.conf", "");
  expect(await found(world, 0, file)).toEqual([]);
});

scene("where no folder of plugins is, that is told once", async (world) => {
  world.write(FILE, JSON.stringify(listOf(PONTOON)));
  expect((await found(world, 0, FILE, FILE)).map(({ file, message }) => [file, message])).toEqual([
    [BIN_FOLDER, "there is no such folder, so no runtime finds a plugin"],
  ]);
});

scene("a folder is read as a runtime reads it: in its order, beside what others hold", async (world) => {
  put(world, "10-first.conflist", listOf({ ...PONTOON, bridge: "cni7" }));
  put(
    world,
    "20-second.conflist",
    listOf({ ...PONTOON, ipam: { ...IPAM, ranges: [[{ subnet: "10.2.0.0/24" }]] }, bridge: "cni7" }),
  );
  put(world, "30-third.conf", { cniVersion: "1.1.0", name: "third", ...PONTOON, bridge: "cni8" });
  put(world, "40-list.conf", listOf(PONTOON));
  world.write(`${NET_FOLDER}/50-old.conflist.bak`, "x");
  world.write(`${NET_FOLDER}/60.conflist/x`, "x");
  const all = await found(world, 1, NET_FOLDER);
  const of = (name: string): string[] => all.filter(({ file }) => file.endsWith(name)).map(told);
  const waits =
    'note : containerd and CRI-O take "10-first.conflist", the first by name; podman takes a network by its own name';
  expect(of("net.d")).toEqual(["note : no runtime reads 50-old.conflist.bak, 60.conflist there"]);
  expect(of("10-first.conflist")).toEqual([]);
  expect(of("20-second.conflist")).toEqual([
    waits,
    'warning name: name "pods": "10-first.conflist" has it too, so both share leases, and podman finds one of them',
    'warning plugins[0].bridge: bridge "cni7": "10-first.conflist" gives it another subnet, and a bridge is the gateway of one',
  ]);
  expect(of("30-third.conf").filter((each) => each.startsWith("warning"))).toEqual([
    expect.stringContaining('the subnet overlaps that of "10-first.conflist": an ADD is refused'),
  ]);
  expect(of("40-list.conf")[0]).toBe(
    "error : the name is none of a network list: a runtime would not read it",
  );
  // A file alone is compared with those in front of it where it is in the runtime's folder.
  expect((await found(world, 0, `${NET_FOLDER}/20-second.conflist`)).map(told)).toEqual(
    of("20-second.conflist"),
  );
  expect(await found(world, 0, "--no-node", `${NET_FOLDER}/20-second.conflist`)).toEqual([]);
});

scene(
  "exit statuses: 1 for a mistake, 2 for what could not be read, whatever else there is",
  async (world) => {
    const right = put(world, "10-pods.conflist", listOf(PONTOON));
    const wrong = put(world, "20-wrong.conflist", { ...listOf({ ...PONTOON, ipMask: true }), name: "wrong" });
    expect((await validate(world, right)).status).toBe(0);
    expect(await validate(world, wrong)).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/:21:7: error: key "ipMask" is not read; did you mean "ipMasq"\?\n/),
    });
    expect(await validate(world, wrong, "/nowhere")).toMatchObject({
      status: 2,
      stdout: expect.stringContaining("ipMask"),
      stderr: "pontoon validate: /nowhere cannot be read: there is no such file.\n",
    });
    expect(await validate(world)).toMatchObject({ status: 2, stdout: "" });
    expect(await validate(world, "/run/world/empty")).toMatchObject({ status: 2, stdout: "" });
  },
);

scene("stdin is read as a file, by the name -, also without root", async (world) => {
  const { stdout, status } = await world.host.exec(
    ["setpriv", "--reuid=65534", "--clear-groups", `${PLUGIN_FOLDER}/pontoon`, "validate", "-"],
    { stdin: "{\n  'a': 1\n}" },
  );
  expect(status).toBe(1);
  expect(stdout).toContain("stdin:2:3: error: invalid character '''\n      'a': 1\n      ^\n");
});

scene("every file of cni-conf passes on a node", async (world) => {
  const folder = SHIPPED.slice(0, SHIPPED.lastIndexOf("/"));
  const { status, stdout } = await world.host.exec(
    ["sh", "-c", `${PLUGIN_FOLDER}/pontoon validate --no-node ${folder}/*.conflist`],
    {},
  );
  expect([status, stdout]).toEqual([0, "7 files: nothing is wrong\n"]);
});
