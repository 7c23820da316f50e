// The key `log`: a line for each call, from many processes, and never a reason to fail.
import { expect } from "vitest";
import { add, check, cnitool, del, mustFail, plugin } from "../support/cni.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import type { World } from "../support/world.ts";

const FILE = "/run/world/calls.log";

interface Line {
  verb: string;
  outcome: string;
  code?: number;
  message?: string;
  network?: string;
  containerId?: string;
  ms: Record<string, number>;
  [key: string]: unknown;
}

const linesOf = (world: World, path = FILE): Line[] =>
  world
    .read(path)
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);

scene(
  "each call leaves one line with network, pod, verb, outcome and the time of its phases",
  async (world) => {
    const pods = install(world, network("pods", { log: { file: FILE } }));
    const red = await world.pod("red");
    await add(world, pods, red, { CNI_ARGS: "K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0" });
    expect(await check(world, pods, red)).toBeUndefined();
    await del(world, pods, red);
    const lines = linesOf(world);
    expect(lines).toMatchObject(
      ["ADD", "CHECK", "DEL"].map((verb) => ({
        verb,
        outcome: "ok",
        network: "pods",
        containerId: red.containerId,
        interface: "eth0",
      })),
    );
    expect(lines[0]).toMatchObject({ pod: "default/web-0", netns: red.namespace });
    expect(Object.keys(lines[0]!.ms)).toEqual([
      "total",
      "read",
      "look",
      "addresses",
      "steps",
      "record",
      "waited",
    ]);
    expect(Object.keys(lines[2]!.ms)).toEqual([
      "total",
      "read",
      "look",
      "rules",
      "links",
      "addresses",
      "waited",
    ]);
    const { total = 0, waited: _, ...phases } = lines[0]!.ms;
    expect(Object.values(phases).reduce((sum, time) => sum + time, 0)).toBeCloseTo(total, 0);
    expect(lines[0]!["time"]).toMatch(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(await world.host.must(`stat -c %a ${FILE}`)).toBe("600\n");
  },
);

scene(
  "with error only calls that fail are logged, also those of a wrong configuration; debug names the steps",
  async (world) => {
    const pods = install(world, network("pods", { log: { file: FILE, level: "error" } }));
    const red = await world.pod("red");
    await add(world, pods, red);
    expect(world.has(FILE)).toBe(false);
    const error = mustFail(
      await plugin(world, "ADD", {
        network: { ...pods, plugins: [{ ...pods.plugins[0], mtu: -1 }] },
        pod: red,
      }),
    );
    expect(linesOf(world)).toMatchObject([
      { verb: "ADD", outcome: "error", code: error.code, message: error.msg, network: "pods" },
    ]);
    const loud = install(
      world,
      network("loud", { subnets: ["10.2.0.0/24"], log: { file: `${FILE}2`, level: "debug" } }),
    );
    await add(world, loud, await world.pod("blue"));
    expect(Object.keys(linesOf(world, `${FILE}2`)[0]!.ms)).toEqual(
      expect.arrayContaining(["bridge", "veth", "pod", "masquerade", "announce"]),
    );
  },
);

scene("hostile texts stay inside their line, which is plain ASCII", async (world) => {
  const pods = install(world, network("pods", { log: { file: FILE } }));
  const name = 'we"b\n\u001b[2J\u009b2J\u202e\u2028é';
  await add(world, pods, await world.pod("red"), {
    CNI_ARGS: `K8S_POD_NAMESPACE=default;K8S_POD_NAME=${name}`,
  });
  expect(world.read(FILE)).toMatch(/^[ -~]+\n$/);
  expect(linesOf(world)).toMatchObject([{ pod: `default/${name}` }]);
});

scene(
  "lines of many calls at once stay whole, and a full file begins anew without a lost line",
  async (world) => {
    const pods = install(world, network("pods", { log: { file: FILE } }));
    world.write(FILE, `${"x".repeat(10 * 1024 * 1024)}\n`);
    const all = await Promise.all(Array.from({ length: 8 }, (_, at) => world.pod(`p${at}`)));
    await Promise.all(all.map((pod) => add(world, pods, pod)));
    const old = world
      .read(`${FILE}.1`)
      .split("\n")
      .filter((line) => line.startsWith("{"));
    const lines = [
      ...old.map((line) => JSON.parse(line) as Line),
      ...(world.has(FILE) ? linesOf(world) : []),
    ];
    expect(lines.map(({ containerId }) => containerId).sort()).toEqual(
      all.map(({ containerId }) => containerId).sort(),
    );
  },
);

scene("a log that cannot be written is told on stderr, and the call succeeds", async (world) => {
  const red = await world.pod("red");
  for (const [file, reason] of [
    ["/run/nowhere/calls.log", "ENOENT"],
    ["/run/pipe", "ENXIO"],
    ["/run/link", "ELOOP"],
  ] as const) {
    await world.host.must([
      "sh",
      "-c",
      "rm -f /run/pipe /run/link; mkfifo /run/pipe; ln -s /etc/passwd /run/link",
    ]);
    const pods = install(world, network("pods", { log: { file } }));
    const { status, stderr } = await cnitool(world, "add", "pods", red);
    expect({ status, stderr }).toMatchObject({
      status: 0,
      stderr: expect.stringContaining(`the log "${file}" cannot be written`),
    });
    expect(stderr).toContain(reason);
    await del(world, pods, red);
  }
});

scene("a wrong log is a wrong configuration", async (world) => {
  const red = await world.pod("red");
  for (const [log, sentence] of [
    [{}, "log.file: is missing; give the path of a file"],
    [{ file: "calls.log" }, 'log.file "calls.log": must be an absolute path'],
    [{ file: FILE, level: "loud" }, 'log.level "loud": must be one of "error", "info", "debug"'],
  ] as const)
    expect(
      mustFail(await plugin(world, "ADD", { network: network("pods", { log }), pod: red })),
    ).toMatchObject({
      code: 7,
      msg: `invalid network config: ${sentence}`,
    });
});
