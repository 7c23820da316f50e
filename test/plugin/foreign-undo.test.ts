// What fails around another IPAM plugin is taken back, and the plugin takes back what is its own.
import { expect } from "vitest";
import { add, addDirectly, check, del, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { NODE_LOCK } from "../support/held.ts";
import { addRecorder, fails, foreignNetwork, GIVES, prints, recorderHost, verbsOf } from "../support/ipam.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";

const REFUSAL = { cniVersion: "1.1.0", code: 147, msg: "I do not want to", details: "It is Sunday" };

scene("an IPAM ADD that fails is followed by its DEL, and nothing of ours stays", async (world) => {
  const { call, baseline } = await recorderHost(world, { ADD: fails(REFUSAL) });
  expect(mustFail(await plugin(world, "ADD", call))).toEqual(REFUSAL);
  expect(await verbsOf(world)).toEqual(["ADD", "DEL"]);
  expect((await snapshot(world)).minus(baseline).lines).toEqual([]);
});

scene("an IPAM ADD that has no result is followed by its DEL as well", async (world) => {
  const { call, baseline } = await recorderHost(world, { ADD: prints({}) });
  expect(mustFail(await plugin(world, "ADD", call)).code).toBe(170);
  expect(await verbsOf(world)).toEqual(["ADD", "DEL"]);
  expect((await snapshot(world)).minus(baseline).lines).toEqual([]);
});

scene("what fails after the IPAM ADD takes the addresses back", async (world) => {
  const { call, baseline } = await recorderHost(world, {
    ADD: prints({ ips: [{ address: "10.2.0.7/24" }] }),
  });
  expect(mustFail(await plugin(world, "ADD", call))).toMatchObject({
    code: 111,
    msg: expect.stringContaining("already has an IP address different from 10.2.0.1/24") as string,
  });
  expect(await verbsOf(world)).toEqual(["ADD", "DEL"]);
  expect((await snapshot(world)).minus(baseline).lines).toEqual([]);
  const outcome = await plugin(world, "ADD", {
    ...call,
    through: ["sh", "-c", '"$@" >/dev/full', "sh"],
    network: foreignNetwork("pods", { type: "recorder" }, { forceAddress: true }),
  });
  expect(outcome.stderr).toContain('"code": 5');
  expect(await verbsOf(world)).toEqual(["ADD", "DEL", "ADD", "DEL"]);
});

scene("what fails before it never asks", async (world) => {
  const { call, baseline } = await recorderHost(world, { ADD: GIVES });
  await call.pod.must("ip link add eth0 type veth peer name other");
  expect(mustFail(await plugin(world, "ADD", call)).code).toBe(121);
  await call.pod.must("ip link delete eth0");
  expect(await verbsOf(world)).toEqual([]);
  expect((await snapshot(world)).minus(baseline).lines).toEqual([]);
});

scene("what the IPAM plugin does not take back is told behind its own words", async (world) => {
  const { call } = await recorderHost(world, {
    ADD: fails(REFUSAL),
    DEL: fails({ code: 5, msg: "I keep it", details: "for ever" }),
  });
  const error = mustFail(await plugin(world, "ADD", call));
  expect(error).toEqual({ ...REFUSAL, details: "It is Sunday. Not undone: I keep it: for ever." });
});

scene("the IPAM plugin finds the interface in the pod, on the bridge", async (world) => {
  const { call } = await recorderHost(world, {
    ADD: `nsenter --net=$CNI_NETNS ip -o link show dev $CNI_IFNAME >&2; ip -o link show master pods0 >&2\n${GIVES}`,
  });
  const { stderr } = mustSucceed(await plugin(world, "ADD", call));
  expect(stderr).toMatch(/ eth0@.*\n.* veth[0-9a-f]{11}@/);
});

scene(
  "DEL and GC reach the IPAM plugin whatever becomes of what pods share, and tell of both",
  async (world) => {
    const { call } = await recorderHost(world, { ADD: GIVES }, { ingressPolicy: "same-bridge" });
    await addDirectly(world, call);
    // What pods share cannot be looked at without the node's lock.
    await world.host.must(`rm -f ${NODE_LOCK}`);
    world.write(`${NODE_LOCK}/in-the-way`, "");
    for (const verb of ["DEL", "GC"] as const)
      expect(mustFail(await plugin(world, verb, call)), verb).toMatchObject({
        code: 160,
        details: expect.stringContaining("EISDIR") as string,
      });
    expect(await verbsOf(world)).toEqual(["ADD", "DEL", "DEL", "GC"]);
    addRecorder(world, { DEL: fails(REFUSAL), GC: fails(REFUSAL) });
    for (const verb of ["DEL", "GC"] as const) {
      const { code, details } = mustFail(await plugin(world, verb, call));
      expect(code, verb).toBe(160);
      expect(details, verb).toMatch(/EISDIR.*; I do not want to: It is Sunday\. Hint/);
    }
  },
);

scene(
  "the IPAM plugin keeps an address that a rule may still name, until a DEL or a GC has looked at the rules",
  async (world) => {
    const { call } = await recorderHost(world, { ADD: GIVES });
    const lock = "/var/lib/cni/networks/pods/lock";
    for (const verb of ["DEL", "GC"] as const) {
      await addDirectly(world, call);
      // The rules cannot be looked at without the lock of the leases.
      await world.host.must(`rm -rf ${lock}`);
      world.write(`${lock}/in-the-way`, "");
      const before = await verbsOf(world);
      expect(mustFail(await plugin(world, "DEL", call)).details).toContain("EISDIR");
      expect(await verbsOf(world)).toEqual(before);
      await world.host.must(`rm -r ${lock}`);
      mustSucceed(await plugin(world, verb, call));
      expect((await verbsOf(world)).slice(before.length)).toEqual(verb === "DEL" ? ["DEL"] : ["DEL", "GC"]);
      expect((await snapshot(world)).attachments.lines).toEqual([]);
    }
  },
);

scene(
  "what the IPAM plugin did not give back at DEL it is asked for again by each GC, until it has",
  async (world) => {
    const { call, baseline } = await recorderHost(world, { ADD: GIVES, DEL: fails(REFUSAL) });
    await addDirectly(world, call);
    for (const verb of ["DEL", "GC", "GC"] as const)
      expect(mustFail(await plugin(world, verb, call)), verb).toEqual(REFUSAL);
    expect(await verbsOf(world)).toEqual(["ADD", "DEL", "DEL", "GC", "DEL", "GC"]);
    addRecorder(world, {});
    for (let times = 0; times < 2; times++) mustSucceed(await plugin(world, "GC", call));
    expect((await verbsOf(world)).slice(6)).toEqual(["DEL", "GC", "GC"]);
    expect((await snapshot(world)).minus(baseline).lines).toEqual([]);
  },
);

scene("a GC asks the IPAM plugin for nobody who is valid, nor for whom it gave nothing", async (world) => {
  const { call } = await recorderHost(world, { ADD: GIVES });
  await addDirectly(world, call);
  const blue = await world.pod("blue");
  await addDirectly(world, {
    ...call,
    network: network("pods", { subnets: ["10.1.0.0/24"] }),
    pod: blue,
    containerId: "two",
  });
  mustSucceed(
    await plugin(world, "GC", {
      ...call,
      more: { "cni.dev/valid-attachments": [{ containerID: "one", ifname: "eth0" }] },
    }),
  );
  expect(await verbsOf(world)).toEqual(["ADD", "GC"]);
});

scene("CHECK tells of both as well", async (world) => {
  const { call } = await recorderHost(world, { ADD: GIVES, CHECK: fails(REFUSAL) });
  const prevResult = await addDirectly(world, call);
  await call.pod.must("ip route delete 10.9.0.0/16");
  const error = mustFail(await plugin(world, "CHECK", { ...call, more: { prevResult } }));
  expect(error).toMatchObject({
    code: 150,
    msg: expect.stringContaining("no route to 10.9.0.0/16") as string,
    details: expect.stringContaining("I do not want to: It is Sunday") as string,
  });
});

scene("a second ADD of an attachment is refused before the IPAM plugin hears of it", async (world) => {
  const { call } = await recorderHost(world, { ADD: GIVES });
  await addDirectly(world, call);
  const blue = await world.pod("blue");
  expect(mustFail(await plugin(world, "ADD", call)).code).toBe(121);
  expect(mustFail(await plugin(world, "ADD", { ...call, pod: blue, netns: blue.namespace }))).toMatchObject({
    code: 101,
    msg: expect.stringContaining("10.1.0.7 has been allocated to one") as string,
  });
  expect(await verbsOf(world)).toEqual(["ADD"]);
});

scene("a table that was lost comes back with the addresses of the IPAM plugin", async (world) => {
  addRecorder(world, { ADD: GIVES });
  const pods = install(world, foreignNetwork("pods", { type: "recorder" }));
  const red = await world.pod("red");
  await add(world, pods, red);
  await world.host.must("nft flush ruleset");
  expect(await check(world, pods, red)).toContain("inet pontoon");
  await add(world, install(world, network("others", { subnets: ["10.2.0.0/24"] })), await world.pod("green"));
  expect(await check(world, pods, red)).toBeUndefined();
  await del(world, pods, red);
  expect(await world.host.must("nft list table inet pontoon")).not.toContain("10.1.0.7");
});
