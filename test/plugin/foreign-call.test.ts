// How another IPAM plugin is called: with the identical bytes and environment, for every verb, and heard out.
import { expect } from "vitest";
import {
  addDirectly,
  mustFail,
  mustSucceed,
  NOBODY,
  plugin,
  pluginEnvironment,
  type Verb,
} from "../support/cni.ts";
import { addRecorder, foreignNetwork, notes, prints, recorderCall, verbsOf } from "../support/ipam.ts";
import { network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { PLUGIN_FOLDER, type World } from "../support/world.ts";

const RESULT = { cniVersion: "1.1.0", ips: [{ address: "10.1.0.7/24", gateway: "10.1.0.1" }] };

/** Blanks, order and keys that nobody knows: what comes out must be the very same bytes. */
const STDIN = ` { "name":"pods",\t"type":"pontoon", "cniVersion": "1.1.0", "bridge":"pods0","isGateway":true,
  "ipam":{"type":"recorder","size":12345678901234567890,"none":null, "größe": "🚢"}, "args":{"x":[1]}, "ipMasq":true } \n`;

scene("ADD, CHECK, DEL, GC and STATUS hand on the same bytes and the same environment", async (world) => {
  const call = await recorderCall(world, { ADD: prints(RESULT) });
  const env = {
    CNI_ARGS: "IgnoreUnknown=1;K8S_POD_NAME=web;X=y",
    TRACEPARENT: "00-1-2-01",
    EMPTY: "",
    BUN_OPTIONS: "--smol",
    NODE_OPTIONS: "--x",
    "ODD KEY": "a=b;c",
  };
  const result = await addDirectly(world, { ...call, stdin: STDIN, env });
  const withResult = `${STDIN.trimEnd().slice(0, -1)}, "prevResult": ${JSON.stringify(result)}}`;
  const withList = `${STDIN.trimEnd().slice(0, -1)}, "cni.dev/valid-attachments": [{"containerID": "one", "ifname": "eth0"}]}`;
  const calls: [Verb, string][] = [
    ["CHECK", withResult],
    ["STATUS", STDIN],
    ["GC", withList],
    ["DEL", withResult],
  ];
  for (const [verb, stdin] of calls)
    expect(mustSucceed(await plugin(world, verb, { ...call, stdin, env })).stdout, verb).toBe("");
  const seen = await notes(world);
  expect(seen.map(({ verb, stdin }) => [verb, stdin])).toEqual([["ADD", STDIN], ...calls]);
  for (const { verb, env: had } of seen) {
    expect(had, verb).toEqual({
      ...(await baseEnvironment(world)),
      ...pluginEnvironment(verb as Verb, { ...call, env }),
    });
  }
});

scene(
  "what it says on stderr comes out on ours, also when it succeeds; its stdout never does",
  async (world) => {
    const say = 'echo "a word to $CNI_COMMAND" >&2\necho "another" >> /dev/stderr';
    const noisy = `${say}\necho noise`;
    const call = await recorderCall(world, {
      ADD: `${say}\n${prints(RESULT)}`,
      CHECK: noisy,
      DEL: noisy,
      GC: noisy,
      STATUS: noisy,
    });
    const added = mustSucceed(await plugin(world, "ADD", call));
    expect(added.stderr).toBe("a word to ADD\nanother\n");
    const more = {
      prevResult: JSON.parse(added.stdout) as unknown,
      "cni.dev/valid-attachments": [{ containerID: "one", ifname: "eth0" }],
    };
    for (const verb of ["CHECK", "STATUS", "GC", "DEL"] as const) {
      const { stdout, stderr } = mustSucceed(await plugin(world, verb, { ...call, more }));
      expect({ stdout, stderr }).toEqual({ stdout: "", stderr: `a word to ${verb}\nanother\n` });
    }
  },
);

scene(
  "a plugin that is not there is named, with the directories that were searched; DEL does the rest",
  async (world) => {
    const call = await recorderCall(world, { ADD: prints(RESULT) });
    await addDirectly(world, call);
    await world.host.must(`rm ${PLUGIN_FOLDER}/recorder`);
    const env = { CNI_PATH: `/opt/none:${PLUGIN_FOLDER}` };
    const about = 'there is no plugin "recorder" in CNI_PATH';
    const details = expect.stringMatching(
      new RegExp(`looked in /opt/none, ${PLUGIN_FOLDER}\\. Hint: Install`),
    ) as string;
    const failed = mustFail(await plugin(world, "DEL", { ...call, env }));
    expect(failed).toMatchObject({ code: 170, msg: `IPAM plugin failed: ${about}`, details });
    // These words would make go-cni take it for a success.
    expect(JSON.stringify(failed)).not.toMatch(/not found|no such file/i);
    expect((await call.pod.exec("ip link show eth0")).status).not.toBe(0);
    expect(mustFail(await plugin(world, "ADD", { ...call, env })).msg).toContain(about);
    expect(mustFail(await plugin(world, "GC", { ...call, env })).msg).toContain(about);
    expect(mustFail(await plugin(world, "STATUS", { ...call, env }))).toMatchObject({
      code: 50,
      msg: expect.stringContaining(about) as string,
      details,
    });
    expect(
      mustFail(
        await plugin(world, "ADD", { ...call, network: foreignNetwork("pods", { type: "/opt/none/ipam" }) }),
      ).msg,
    ).toContain("there is no file /opt/none/ipam");
    addRecorder(world, {});
    mustSucceed(await plugin(world, "DEL", { ...call, env }));
  },
);

scene(
  "DEL of an attachment that never was does not need its IPAM plugin: neither after an ADD that failed for want of it, nor at all",
  async (world) => {
    const call = await recorderCall(world, { ADD: prints(RESULT) });
    await world.host.must(`rm ${PLUGIN_FOLDER}/recorder`);
    expect(mustFail(await plugin(world, "ADD", call)).code).toBe(170);
    for (const containerId of ["one", "two"])
      mustSucceed(await plugin(world, "DEL", { ...call, containerId }));
    // An attachment that another program made: the runtime knows its addresses, and the plugin may still hold
    // them.
    const prevResult = { ...RESULT, interfaces: [{ name: "eth0", sandbox: call.pod.namespace }] };
    expect(mustFail(await plugin(world, "DEL", { ...call, more: { prevResult } })).code).toBe(170);
  },
);

scene("without an IPAM section, and with the built-in one, nothing is run", async (world) => {
  const { pod } = await recorderCall(world, { ADD: prints(RESULT) });
  addRecorder(world, {}, "host-local");
  for (const ipam of [{}, { type: "" }, { type: "host-local", subnet: "10.1.0.0/24" }]) {
    const call = {
      pod,
      containerId: "one",
      network: foreignNetwork("pods", ipam as { type: string }, { isDefaultGateway: false }),
    };
    const prevResult = await addDirectly(world, call);
    for (const verb of ["CHECK", "STATUS", "DEL", "GC"] as const)
      mustSucceed(await plugin(world, verb, { ...call, more: verb === "GC" ? NOBODY : { prevResult } }));
  }
  expect(await verbsOf(world)).toEqual([]);
});

scene(
  "a pod that has its addresses from the built-in one is no affair of the plugin that the configuration names since",
  async (world) => {
    const call = await recorderCall(world, { CHECK: "exit 1", DEL: "exit 1" });
    const prevResult = await addDirectly(world, {
      ...call,
      network: network("pods", { isDefaultGateway: true }),
    });
    for (const verb of ["CHECK", "DEL"] as const)
      mustSucceed(await plugin(world, verb, { ...call, more: { prevResult } }));
    expect(await verbsOf(world)).toEqual([]);
    expect(world.has("/var/lib/cni/networks/pods/10.1.0.2")).toBe(false);
  },
);

scene("ours as its own IPAM plugin is refused, and does not call itself for ever", async (world) => {
  const pod = await world.pod("red");
  const call = { pod, network: foreignNetwork("pods", { type: "pontoon" }) };
  for (const verb of ["ADD", "GC", "STATUS"] as const)
    expect(mustFail(await plugin(world, verb, call)).msg, verb).toContain('"pontoon" is pontoon itself');
  mustSucceed(await plugin(world, "DEL", call));
});

/** What the test's own way to the host puts into every environment. */
async function baseEnvironment(world: World): Promise<Record<string, string>> {
  const text = await world.host.must("env -0");
  return Object.fromEntries(
    text
      .split("\0")
      .filter(Boolean)
      .map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
  );
}
