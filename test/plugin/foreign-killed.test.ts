// Another IPAM plugin may take its time: nobody waits for it who need not, and who dies meanwhile leaves
// nothing.
import { expect } from "vitest";
import {
  add,
  addDirectly,
  addressOf,
  mustFail,
  mustSucceed,
  type PluginCall,
  plugin,
  pluginEnvironment,
} from "../support/cni.ts";
import { holdAt } from "../support/held.ts";
import { addRecorder, GIVES, notes, prints, recorderHost, verbsOf } from "../support/ipam.ts";
import { install, network, pluginInput } from "../support/network.ts";
import type { BackgroundProcess } from "../support/process.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { pings } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";
import { PLUGIN_FOLDER, type World } from "../support/world.ts";

const GATE = "/run/world/gate";
/** Container one waits at the gate, others pass and get another address. */
const WAITS = `if [ $CNI_CONTAINERID = one ]; then read _ < ${GATE}\n${GIVES}\nelse ${prints({ ips: [{ address: "10.1.0.8/24" }] })}\nfi`;

scene("nobody waits for somebody else's IPAM plugin: no lock is held while it runs", async (world) => {
  const { call } = await gatedHost(world);
  const blue = await world.pod("blue");
  await using adding = await waiting(world, call);
  await addDirectly(world, { network: call.network, pod: blue, containerId: "two" });
  const others = install(world, network("others", { subnets: ["10.2.0.0/24"] }));
  expect(await pings(blue, addressOf(await add(world, others, await world.pod("green"))))).toBe(true);
  await openGate(world);
  await adding.says('"10.1.0.7/24"');
});

scene(
  "an ADD that is killed while its IPAM plugin works is known to DEL, which leaves nothing",
  async (world) => {
    const { call, baseline } = await gatedHost(world);
    await killed(world, call);
    mustSucceed(await plugin(world, "DEL", call));
    expect(await verbsOf(world)).toEqual(["ADD", "DEL"]);
    expect((await snapshot(world)).minus(baseline).lines).toEqual([]);
  },
);

scene(
  "an IPAM plugin dies with the ADD that called it, and gives no address behind its back",
  async (world) => {
    const { call } = await gatedHost(world);
    const adding = await waiting(world, call);
    expect(await isSomebodyAtGate(world)).toBe(true);
    await adding.says('"10.1.0.7/24"');
    mustSucceed(await plugin(world, "DEL", call));
    await killed(world, call);
    expect(await isSomebodyAtGate(world)).toBe(false);
  },
);

scene("and to GC, which has its addresses given back by the name of the dead one", async (world) => {
  const { call, baseline } = await gatedHost(world);
  await killed(world, call);
  mustSucceed(await plugin(world, "GC", { ...call, containerId: "", interfaceName: "" }));
  expect(await verbsOf(world)).toEqual(["ADD", "DEL", "GC"]);
  expect((await notes(world))[1]?.env).toMatchObject({
    CNI_CONTAINERID: "one",
    CNI_IFNAME: "eth0",
    CNI_NETNS: "",
  });
  expect((await snapshot(world)).minus(baseline).lines).toEqual([]);
});

scene("the next ADD after it works, and has the dead one's addresses given back first", async (world) => {
  const { call } = await gatedHost(world);
  await killed(world, call);
  addRecorder(world, { ADD: GIVES });
  const prevResult = await addDirectly(world, call);
  expect(await verbsOf(world)).toEqual(["ADD", "DEL", "ADD"]);
  mustSucceed(await plugin(world, "CHECK", { ...call, more: { prevResult } }));
});

scene(
  "a DEL stops an ADD that still waits for its IPAM plugin, and does not say that all is well while it runs",
  async (world) => {
    const { call, baseline } = await gatedHost(world);
    const adding = plugin(world, "ADD", call);
    await waitFor("the IPAM plugin was called", async () => (await verbsOf(world)).includes("ADD"));
    // Nor does the second DEL, and another ADD of that name does not begin: what the first ADD takes back
    // would be the other's. The plugin is not asked to give back what the ADD still waits for.
    const stillRunning = {
      code: 11,
      msg: "try again later: an ADD of container one (network pods, eth0) is still running",
    };
    for (let times = 0; times < 2; times++)
      expect(mustFail(await plugin(world, "DEL", call))).toMatchObject(stillRunning);
    expect(mustFail(await plugin(world, "ADD", call))).toMatchObject({
      code: 11,
      msg: expect.stringContaining("another ADD of container one (network pods, eth0) is running") as string,
    });
    mustSucceed(await plugin(world, "GC", call));
    await openGate(world);
    expect(mustFail(await adding)).toMatchObject({
      code: 11,
      msg: expect.stringContaining("deleted while it was being made") as string,
    });
    expect((await snapshot(world)).minus(baseline).lines).toEqual([]);
    mustSucceed(await plugin(world, "DEL", call));
    expect(await verbsOf(world)).toEqual(["ADD", "GC", "DEL", "DEL"]);
    expect((await snapshot(world)).minus(baseline).lines).toEqual([]);
  },
  60_000,
);

scene(
  "one that was stopped and then killed is known to the next DEL, and to GC",
  async (world) => {
    const { call, baseline } = await gatedHost(world);
    for (const verb of ["DEL", "GC"] as const) {
      const adding = await waiting(world, call);
      mustFail(await plugin(world, "DEL", call));
      await adding.stop("SIGKILL");
      const before = (await notes(world)).length;
      mustSucceed(await plugin(world, verb, call));
      expect((await verbsOf(world)).slice(before)[0]).toBe("DEL");
      expect((await snapshot(world)).minus(baseline).lines, verb).toEqual([]);
    }
  },
  60_000,
);

scene("what an ADD got from its IPAM plugin while a DEL came is taken away with the rest", async (world) => {
  const { call, baseline } = await gatedHost(world);
  // The DEL has read what it knows of the attachment before the ADD goes on, and looks for it after.
  const adding = plugin(world, "ADD", call);
  await waitFor("the IPAM plugin was called", async () => (await verbsOf(world)).includes("ADD"));
  await using deleting = await holdAt(world, "DEL", call, { kind: "flock", count: 1 });
  await openGate(world);
  mustSucceed(await adding);
  mustSucceed(await deleting.goOn());
  expect((await snapshot(world)).minus(baseline).lines).toEqual([]);
});

/** The host of the recorder with a gate in its way. */
async function gatedHost(world: World): ReturnType<typeof recorderHost> {
  await world.host.must(`mkfifo ${GATE}`);
  return recorderHost(world, { ADD: WAITS });
}

/** Returns when somebody has come through. */
async function openGate(world: World): Promise<void> {
  await world.host.must(["sh", "-c", `echo > ${GATE}`]);
}

/** An ADD that waits for its IPAM plugin. */
async function waiting(world: World, call: PluginCall): Promise<BackgroundProcess> {
  const before = (await notes(world)).length;
  const adding = world.host.start(`${PLUGIN_FOLDER}/pontoon`, { env: pluginEnvironment("ADD", call) });
  adding.write(pluginInput(call.network));
  void adding.finish();
  await waitFor("the IPAM plugin was called", async () => (await notes(world)).length > before);
  return adding;
}

/** An ADD that was killed while its IPAM plugin worked. The plugin dies with it: nobody waits at the gate. */
async function killed(world: World, call: PluginCall): Promise<void> {
  const adding = await waiting(world, call);
  await adding.stop("SIGKILL");
  await waitFor("the IPAM plugin has died", async () => !(await isSomebodyAtGate(world)));
}

/** True when a process waits at the gate, which then lets it through. */
async function isSomebodyAtGate(world: World): Promise<boolean> {
  return (await world.host.exec(`dd if=/dev/null of=${GATE} oflag=nonblock conv=notrunc`)).status === 0;
}
