// stdout holds one JSON document or nothing: runtimes parse it. What surrounds the plugin must not change
// that.
import { join } from "node:path";
import { expect } from "vitest";
import { mustSucceed, type PluginCall, plugin, type Verb } from "../support/cni.ts";
import { network } from "../support/network.ts";
import type { Outcome } from "../support/process.ts";
import { scene } from "../support/scene.ts";
import { REPOSITORY } from "../support/tool.ts";
import { PLUGIN_FOLDER, type World } from "../support/world.ts";

interface Expectation {
  name: string;
  verb: Verb | "" | "FROB" | "add";
  call?: Partial<PluginCall>;
  /** The code of the error object; "result" and "silence" are successes. */
  gives: number | "result" | "silence";
}

const EXPECTATIONS: Expectation[] = [
  { name: "ADD", verb: "ADD", gives: "result" },
  { name: "ADD again", verb: "ADD", gives: 121 },
  { name: "CHECK without prevResult", verb: "CHECK", gives: 7 },
  { name: "STATUS", verb: "STATUS", gives: "silence" },
  {
    name: "GC that keeps all",
    verb: "GC",
    call: { more: { "cni.dev/valid-attachments": [{ containerID: "one", ifname: "eth0" }] } },
    gives: "silence",
  },
  { name: "DEL", verb: "DEL", gives: "silence" },
  { name: "DEL again", verb: "DEL", gives: "silence" },
  { name: "VERSION", verb: "VERSION", gives: "result" },
  { name: "an unknown verb", verb: "FROB", gives: 4 },
  { name: "a verb in small letters", verb: "add", gives: 4 },
  { name: "no container id", verb: "ADD", call: { env: { CNI_CONTAINERID: "" } }, gives: 4 },
  { name: "a bad container id", verb: "DEL", call: { containerId: "../etc" }, gives: 4 },
  { name: "a long interface name", verb: "ADD", call: { interfaceName: "sixteen-letters-" }, gives: 4 },
  { name: "empty stdin", verb: "ADD", call: { stdin: "" }, gives: 6 },
  { name: "broken JSON", verb: "DEL", call: { stdin: "{" }, gives: 6 },
  { name: "no network name", verb: "GC", call: { stdin: '{"cniVersion":"1.1.0"}' }, gives: 7 },
  { name: "a bad network name", verb: "ADD", call: { network: network("../pods") }, gives: 7 },
  {
    name: "an unknown version",
    verb: "STATUS",
    call: { network: network("pods", { cniVersion: "9.9.9" }) },
    gives: 1,
  },
  {
    name: "a bad subnet",
    verb: "ADD",
    call: { network: network("pods", { subnets: ["10.1.0.0/99"] }) },
    gives: 7,
  },
  {
    name: "a wrong type",
    verb: "ADD",
    call: { network: network("pods", { mtu: "1500" as never }) },
    gives: 7,
  },
  {
    name: "a bad list of valid attachments",
    verb: "GC",
    call: { more: { "cni.dev/valid-attachments": "none" } },
    gives: 7,
  },
];

/** Runs its arguments with a full pipe as stderr, which has O_NONBLOCK and which nobody reads. */
const FULL_STDERR = `
import os, subprocess, sys
_, stderr = os.pipe()
os.set_blocking(stderr, False)
try:
    while True:
        os.write(stderr, b" " * 512)
except BlockingIOError:
    sys.exit(subprocess.run(sys.argv[1:], stderr=stderr, timeout=20).returncode)
`;

/** What makes other programs talk. */
const LOUD_ENVIRONMENT = {
  NODE_OPTIONS: "--require /run/world/loud.js --trace-warnings",
  NODE_DEBUG: "*",
  DEBUG: "*",
  RUST_LOG: "trace",
  RUST_BACKTRACE: "full",
  FORCE_COLOR: "3",
  TRACEPARENT: "00-1-2-01",
};

scene("every verb and every error: one JSON document on stdout, or nothing", async (world) => {
  await playAll(world, {});
});

scene("the same with an environment that makes other programs talk", async (world) => {
  await playAll(world, { env: LOUD_ENVIRONMENT });
});

scene("without CNI_COMMAND it says on stderr what it is, and leaves stdin alone", async (world) => {
  await using process = world.host.start(`${PLUGIN_FOLDER}/pontoon`, { env: { CNI_IFNAME: "eth0" } });
  // stdin stays open all the time.
  await process.says("CNI protocol versions supported: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0");
  expect(process.output).toMatch(/^CNI pontoon plugin v\d+\.\d+\.\d+/);
});

scene("VERSION answers while stdin stays open", async (world) => {
  await using process = world.host.start(`${PLUGIN_FOLDER}/pontoon`, { env: { CNI_COMMAND: "VERSION" } });
  await process.says('"supportedVersions"');
  expect(JSON.parse(process.output)).toMatchObject({
    supportedVersions: expect.arrayContaining(["1.1.0"]) as string[],
  });
});

scene("stdin that cannot be read is an I/O failure, and a closed one is no hang", async (world) => {
  const red = await world.pod("red");
  const call = { network: network("pods"), pod: red };
  expectAnswer(
    await plugin(world, "ADD", { ...call, through: ["sh", "-c", 'exec "$@" </run', "sh"] }),
    5,
    "a folder",
  );
  const { stdout } = await plugin(world, "ADD", { ...call, through: ["sh", "-c", 'exec "$@" <&-', "sh"] });
  expect([5, 6]).toContain((JSON.parse(stdout) as { code: number }).code);
});

scene(
  "stdin whose data comes late and stdout that is full are waited for, with O_NONBLOCK too",
  async (world) => {
    const through = ["python3", join(REPOSITORY, "test/support/nonblocking.py")];
    const call = { network: network("pods"), pod: await world.pod("red"), through };
    const { stdout } = mustSucceed(await plugin(world, "ADD", call));
    const told = JSON.parse(stdout) as { status: number; waited: boolean[]; stdout: string };
    expect(told).toMatchObject({ status: 0, waited: [true, true] });
    expect(JSON.parse(told.stdout)).toMatchObject({ cniVersion: "1.1.0" });
  },
);

scene("an ADD whose notices nobody takes says its result all the same", async (world) => {
  const call = {
    network: network("pods", { ingressRate: 1_000_000, ingressBurst: 2_147_483_647 }),
    pod: await world.pod("red"),
  };
  expect(mustSucceed(await plugin(world, "ADD", call)).stderr).toContain("pontoon: ingressBurst 2147483647");
  for (const words of ['exec "$@" 2>/dev/full', 'exec "$@" 2>&-']) {
    mustSucceed(await plugin(world, "DEL", call));
    expectAnswer(
      await plugin(world, "ADD", { ...call, through: ["sh", "-c", words, "sh"] }),
      "result",
      words,
    );
  }
});

scene("an ADD waits for nobody to read its notices, with O_NONBLOCK too", async (world) => {
  const call = {
    network: network("pods", { ingressRate: 1_000_000, ingressBurst: 2_147_483_647 }),
    pod: await world.pod("red"),
    through: ["python3", "-c", FULL_STDERR],
  };
  expectAnswer(await plugin(world, "ADD", call), "result", "a full stderr");
});

async function playAll(world: World, around: Partial<PluginCall>): Promise<void> {
  const red = await world.pod("red");
  for (const { name, verb, call = {}, gives } of EXPECTATIONS) {
    const env = { ...around.env, ...call.env };
    const outcome = await plugin(world, verb as Verb, {
      network: network("pods"),
      pod: red,
      containerId: "one",
      ...around,
      ...call,
      env,
    });
    expectAnswer(outcome, gives, name);
  }
}

function expectAnswer(outcome: Outcome, gives: Expectation["gives"], name: string): void {
  if (gives === "silence") {
    expect(mustSucceed(outcome).stdout, name).toBe("");
  } else if (gives === "result") {
    expect(JSON.parse(mustSucceed(outcome).stdout), name).toHaveProperty("cniVersion", "1.1.0");
  } else {
    expect(outcome.status, name).toBe(1);
    expect(JSON.parse(outcome.stdout), name).toMatchObject({
      code: gives,
      msg: expect.stringMatching(/./),
      cniVersion: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    });
  }
}
