// `pontoon install` beside what is on a node already: configurations that are wrong or that others come
// before, a container's own folders, pods that are attached.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { EXAMPLE } from "../../src/command/install/example.ts";
import { add, check, mustSucceed } from "../support/cni.ts";
import {
  BIN_FOLDER,
  CONFLIST,
  filesOf,
  INSTALLED,
  INSTALLED_LOOPBACK,
  installCommand,
  installed,
  NET_FOLDER,
  put,
  SHIPPED,
  tryInstall,
} from "../support/install.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { openWorld, type World } from "../support/world.ts";

const FILE = "/run/world/own.conflist";
const IPAM = { type: "host-local", ranges: [[{ subnet: "10.1.0.0/16" }]] };
const PONTOON = { type: "pontoon", ipam: IPAM };
const listOf = (...plugins: unknown[]): object => ({ cniVersion: "1.0.0", name: "pods", plugins });

test("the configuration that its help shows is the one to start with", () => {
  const shipped = readFileSync(SHIPPED, "utf8");
  expect(shipped.replace(/^ {2}"\$schema".*\n/m, "")).toBe(EXAMPLE);
});

/** Configurations that are refused: the file's text, and what stderr says behind its name. */
const REFUSED: [string, unknown, string][] = [
  [
    "no JSON",
    '{\n  "name": "pods",\n  "plugins": [}',
    "error unmarshall network config: invalid character '}' in line 3, column 15. Hint: Write a \"]\" before it",
  ],
  ["an empty file", "\n", "there is nothing in it. Hint: Give it a network configuration."],
  [
    "brackets without end",
    `{"a":${"[".repeat(200_000)}${"]".repeat(200_000)}}`,
    "error unmarshall network config: nested too deeply",
  ],
  [
    "an entry that is nested deep",
    `{"plugins":[{"type":"pontoon","x":${"[".repeat(25_000)}${"]".repeat(25_000)}}]}`,
    "it is nested too deep. Hint: ",
  ],
  ["no object", [], "it is no network configuration, which is an object. Hint: Give it a .conflist"],
  ["plugins that are no list", { name: "pods", plugins: {} }, "plugins: must be a list. Hint: "],
  ["an entry that is no object", listOf(PONTOON, 5), "plugins[1]: must be an object. Hint: "],
  ["an entry without a type", listOf(PONTOON, {}), "plugins[1]: names no plugin. Hint: "],
  ["an empty list", listOf(), "plugins: is empty. Hint: "],
  [
    "a chain of the reference plugins",
    listOf({ type: "bridge" }, { type: "portmap" }),
    'no plugin in it is "pontoon" ("bridge", "portmap"). Hint: Make one of a chain of the reference plugins with "pontoon migrate"',
  ],
  [
    "no name",
    { cniVersion: "1.0.0", plugins: [PONTOON] },
    'missing network name. Hint: Give the network configuration a "name".',
  ],
  [
    "a version of the future",
    { ...listOf(PONTOON), cniVersion: "9.0.0" },
    "incompatible CNI versions: config is",
  ],
  [
    "a wrong value",
    listOf({ type: "loopback" }, { ...PONTOON, mtu: -1 }),
    "plugins[1]: invalid network config: mtu -1: ",
  ],
  [
    "a capability that libcni refuses, in an entry of another plugin",
    listOf(PONTOON, { type: "portmap", capabilities: { portMappings: "true" } }),
    'plugins[1]: capabilities.portMappings "true": must be true or false, without quotes',
  ],
  [
    "two wrong values",
    listOf({ ...PONTOON, mtu: -1, ipam: { ...IPAM, ranges: [[{ subnet: "10.1.0.0/99" }]] } }),
    "Cause: 2 values are wrong: ",
  ],
];

test.each(REFUSED)(
  "%s is refused with its place and a hint, and nothing is changed",
  async (_, config, words) => {
    await inWorld(async (world) => {
      world.write(FILE, typeof config === "string" ? config : JSON.stringify(config));
      put(world, INSTALLED, "old", 0o755);
      const before = filesOf(world);
      const { status, stdout, stderr } = await tryInstall(world, ["--conf", FILE]);
      expect([status, stdout]).toEqual([1, ""]);
      expect(stderr.startsWith(`pontoon install: ${FILE}: `)).toBe(true);
      expect(stderr).toContain(words);
      expect(stderr.split("\n")).toHaveLength(2);
      expect(filesOf(world)).toEqual(before);
    });
  },
);

test.each([
  [
    "own.txt",
    listOf(PONTOON),
    "network list: a runtime would not read it. Hint: Give it a name that ends in .conflist, with",
  ],
  [
    "own.conf",
    listOf(PONTOON),
    "network list: a runtime would not read it. Hint: Give it a name that ends in .conflist, with",
  ],
  [
    "own.conflist",
    { name: "pods", ...PONTOON },
    "single configuration: a runtime would not read it. Hint: Give it a name that ends in .conf or .json, with",
  ],
])(
  "the name %s is refused where a runtime would not find such a configuration by it",
  async (name, config, words) => {
    await inWorld(async (world) => {
      world.write(`/run/world/${name}`, JSON.stringify(config));
      const { status, stderr } = await tryInstall(world, ["--conf", `/run/world/${name}`]);
      expect([status, stderr]).toEqual([
        1,
        expect.stringContaining(`"${name}" is no name of a ${words} --name`),
      ]);
      expect(filesOf(world)).toEqual([]);
    });
  },
);

scene(
  "a single configuration, other plugins around ours, and ranges that the runtime gives are right",
  async (world) => {
    const right = {
      "single.conf": { cniVersion: "0.4.0", Name: "pods", name: "pods", Type: "pontoon", ipam: IPAM },
      "single.json": { name: "pods", ...PONTOON },
      "many.conflist": listOf({ type: "loopback", odd: [] }, PONTOON, { type: "tuning", txQLen: "wrong" }),
      "given.conflist": listOf({
        type: "pontoon",
        capabilities: { ipRanges: true },
        ipam: { type: "host-local" },
      }),
      "versions.conflist": { cniVersions: ["0.4.0", "1.1.0"], name: "pods", plugins: [PONTOON] },
    };
    for (const [name, config] of Object.entries(right)) {
      world.write(`/run/world/${name}`, `${JSON.stringify(config)}\n\n`);
      expect(await installed(world, ["--conf", `/run/world/${name}`])).toContain(
        `${NET_FOLDER}/${name}: installed`,
      );
      expect(world.read(`${NET_FOLDER}/${name}`)).toBe(`${JSON.stringify(config)}\n\n`);
    }
  },
);

scene("it says which configuration the runtime takes, and warns when that is another one", async (world) => {
  const takes = (name: string): string => `the runtime takes ${NET_FOLDER}/${name}, the first by name`;
  const without = mustSucceed(await tryInstall(world, []));
  expect(without.stdout).toBe(
    `${INSTALLED}: installed\n${INSTALLED_LOOPBACK}: installed, a link to pontoon\n`,
  );
  expect(without.stderr).toBe(
    `no network configuration is in ${NET_FOLDER}, so no runtime calls Pontoon yet: add --conf FILE.\n`,
  );
  // What is no configuration does not count: folders, other endings.
  await world.host.must(["mkdir", "-p", `${NET_FOLDER}/00-folder.conflist`]);
  for (const name of ["00-note.txt", "05-old.conflist.bak", "conf"]) put(world, `${NET_FOLDER}/${name}`, "");
  expect(await installed(world)).toContain(takes("10-pontoon.conflist"));
  for (const name of ["9-last.conf", "100-later.json"]) put(world, `${NET_FOLDER}/${name}`, "");
  expect((await installed(world)).at(-1)).toBe(takes("10-pontoon.conflist"));

  for (const first of ["09-one.json", "05-two.conf", "00-three.conflist"]) {
    put(world, `${NET_FOLDER}/${first}`, "");
    const { stdout, stderr } = mustSucceed(await tryInstall(world));
    expect(stdout).not.toContain("the runtime takes");
    expect(stderr).toBe(
      `${takes(first)}, and 10-pontoon.conflist waits behind it: take that file away, or give yours an earlier name with --name.\n`,
    );
    expect((await installed(world, [])).at(-1)).toBe(takes(first));
  }
});

test.each([["--name", "10-a.conflist"], ["--force"]])(
  "%s without a configuration is a wrong command line",
  async (...args) => {
    await inWorld(async (world) => {
      expect(await tryInstall(world, args)).toMatchObject({
        status: 2,
        stdout: "",
        stderr: `pontoon install: ${args[0]} is about the configuration that --conf names.\nTry "pontoon install --help".\n`,
      });
      expect(filesOf(world)).toEqual([]);
    });
  },
);

test.each([
  [["--conf"], "--conf needs a value."],
  [["--conf="], "--conf needs a value."],
  [["--bin-dir", ""], "--bin-dir needs a value."],
  [["--force=yes"], "--force takes no value."],
  [["--confdir", "x"], 'unknown option "--confdir"; did you mean "--conf-dir"?'],
  [["--conflist=x"], 'unknown option "--conflist".'],
  [["--constructor", "x"], 'unknown option "--constructor".'],
  [["-f"], 'unknown option "-f".'],
  [["x.conflist"], '"x.conflist" is one word too many.'],
  [["--conf", "x", "--name", "a/b"], "--name is a name without a folder; --conf-dir names the folder."],
])("%j is a wrong command line, and nothing is changed", async (args, words) => {
  await inWorld(async (world) => {
    expect(await tryInstall(world, args)).toMatchObject({
      status: 2,
      stdout: "",
      stderr: `pontoon install: ${words}\nTry "pontoon install --help".\n`,
    });
    expect(filesOf(world)).toEqual([]);
  });
});

scene("only root may", async (world) => {
  const through = ["setpriv", "--reuid", "65534", "--clear-groups"];
  expect(await tryInstall(world, undefined, { through })).toMatchObject({
    status: 1,
    stdout: "",
    stderr: 'pontoon install: only root may install. Hint: Run it as root, as in "sudo pontoon install".\n',
  });
});

scene(
  "in the image: a folder that is not mounted from the node is refused, and nothing is changed",
  async (world) => {
    const env = { PONTOON_IN_IMAGE: "1" };
    // On the file system of "/", and nobody can make it: a file is in the way.
    const lost = "/etc/passwd/cni";
    for (const [option, args] of [
      ["--bin-dir", ["--bin-dir", lost]],
      ["--conf-dir", ["--conf-dir", lost, "--conf", SHIPPED]],
    ] as const) {
      expect(await tryInstall(world, [...args], { env })).toMatchObject({
        status: 1,
        stdout: "",
        stderr: `pontoon install: ${lost} is the container's own, and would go with it. Hint: Mount the node's folder there (a hostPath volume in Kubernetes), or name where it is mounted with ${option}.\n`,
      });
      expect(filesOf(world)).toEqual([]);
    }
    // The world's own folders are on a file system of their own, and made there.
    mustSucceed(await tryInstall(world, undefined, { env }));
    expect(filesOf(world)).toHaveLength(3);
    const quiet = mustSucceed(await tryInstall(world, ["--conf-dir", lost], { env }));
    expect([quiet.stdout, quiet.stderr]).toEqual([
      `${INSTALLED}: already there\n${INSTALLED_LOOPBACK}: already there\n`,
      "",
    ]);
  },
);

scene("the link loopback is made where nothing has that name, and follows an upgrade", async (world) => {
  const lineOf = async (): Promise<string | undefined> => (await installed(world, []))[1];
  expect(await lineOf()).toBe(`${INSTALLED_LOOPBACK}: installed, a link to pontoon`);
  const probe = async (): Promise<string> => (await world.host.exec([INSTALLED_LOOPBACK])).stderr;
  expect(await probe()).toMatch(/^CNI loopback plugin /);
  put(world, INSTALLED, "old", 0o755);
  expect(await lineOf()).toBe(`${INSTALLED_LOOPBACK}: already there`);
  expect(await probe()).toMatch(/^CNI loopback plugin /);
  // Any other name of the executable is as good.
  for (const command of ["ln -f", "ln -sf"]) {
    await world.host.must(`${command} ${INSTALLED} ${INSTALLED_LOOPBACK}`);
    expect(await lineOf()).toBe(`${INSTALLED_LOOPBACK}: already there`);
  }
});

scene("a plugin loopback of others stays, whatever it is", async (world) => {
  const foreign = ["cp /bin/true", "ln -s /nowhere/loopback", "ln -s /bin/true", "mkdir"];
  for (const command of foreign) {
    await world.host.must(["sh", "-ec", `mkdir -p ${BIN_FOLDER}; ${command} ${INSTALLED_LOOPBACK}`]);
    const before = await world.host.must(`ls -l ${INSTALLED_LOOPBACK}`);
    expect(await installed(world)).toContain(`${INSTALLED_LOOPBACK}: kept, another plugin has this name`);
    expect(await world.host.must(`ls -l ${INSTALLED_LOOPBACK}`)).toBe(before);
    await world.host.must(`rm -r ${INSTALLED_LOOPBACK}`);
  }
});

scene(
  "pods that are attached get back what they have lost, and a node without pods gets no folder",
  async (world) => {
    const bare = await snapshot(world);
    await installed(world);
    const { lines } = (await snapshot(world)).minus(bare);
    expect(lines.filter((line) => line.includes("/var/lib/cni"))).toEqual([]);

    const pods = install(world, network("pods"));
    const red = await world.pod("red");
    await add(world, pods, red);
    expect((await installed(world)).slice(4)).toEqual(["restore: pods: 1 attachment, nothing to do"]);
    await world.host.must("nft flush ruleset");
    expect((await installed(world)).slice(4)).toEqual([
      expect.stringMatching(/^restore: all networks: \d+ rules put back$/),
      expect.stringMatching(/^restore: pods: 1 attachment, \d rules put back$/),
    ]);
    expect(await check(world, pods, red)).toBeUndefined();

    await world.host.must("nft flush map inet pontoon net4");
    const unable = await world.host.exec(["setpriv", "--bounding-set=-net_admin", ...installCommand()]);
    expect(unable.status).toBe(1);
    expect(unable.stderr).toMatch(/^pontoon install: CAP_NET_ADMIN is missing, .* change packet rules/);
    expect([world.has(INSTALLED), world.has(CONFLIST)]).toEqual([true, true]);
  },
);

/** A scene inside of a test with a table. */
async function inWorld(play: (world: World) => Promise<void>): Promise<void> {
  await using world = await openWorld();
  await play(world);
}
