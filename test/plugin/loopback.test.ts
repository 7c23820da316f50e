// Pontoon by the name `loopback`: the plugin that containerd and CRI-O start for every pod.
import { expect } from "vitest";
import { type CniError, mustFail, mustSucceed, NOBODY } from "../support/cni.ts";
import { freshPod, isUp, LOOPBACK, loopback } from "../support/loopback.ts";
import { scene } from "../support/scene.ts";
import { PLUGIN_FOLDER } from "../support/world.ts";

scene("ADD raises the pod's lo, CHECK sees it, DEL takes it down", async (world) => {
  const red = await freshPod(world, "red");
  const { stdout } = mustSucceed(await loopback(world, "ADD", { pod: red }));
  expect(JSON.parse(stdout)).toEqual({
    cniVersion: "1.0.0",
    interfaces: [{ name: "lo", mac: "00:00:00:00:00:00", sandbox: red.namespace }],
    ips: [
      { interface: 0, address: "127.0.0.1/8" },
      { interface: 0, address: "::1/128" },
    ],
  });
  await red.must("ping -c 1 -W 1 127.0.0.1");
  await red.must("ping -c 1 -W 1 ::1");
  expect(mustSucceed(await loopback(world, "CHECK", { pod: red })).stdout).toBe("");
  expect(mustSucceed(await loopback(world, "ADD", { pod: red })).stdout).toBe(stdout);
  expect(mustSucceed(await loopback(world, "DEL", { pod: red })).stdout).toBe("");
  expect(await isUp(red)).toBe(false);
  mustSucceed(await loopback(world, "DEL", { pod: red }));
});

scene("a CHECK of a lo that is down fails with the reference's words and a hint", async (world) => {
  const red = await freshPod(world, "red");
  expect(mustFail(await loopback(world, "CHECK", { pod: red }))).toEqual({
    cniVersion: "1.0.0",
    code: 150,
    msg: "loopback interface is down",
    details: 'Hint: Find out who took it down; "ip link set lo up" inside the pod raises it.',
  });
  expect(await isUp(red)).toBe(false);
});

scene("an address that is not for a loopback is refused, and lo stays as it was", async (world) => {
  const red = await freshPod(world, "red");
  for (const foreign of ["10.9.0.1/32", "fd09::1/128"]) {
    await red.must(`ip address add ${foreign} dev lo`);
    const [address] = foreign.split("/");
    const error = mustFail(await loopback(world, "ADD", { pod: red }));
    expect(error).toMatchObject({
      code: 122,
      msg: `loopback interface found with non-loopback address "${address}"`,
      details: `Hint: Put the address on another interface of the pod ("ip address del ${foreign} dev lo" inside the pod takes it away).`,
    });
    expect(await isUp(red)).toBe(false);
    await red.must(`ip address del ${foreign} dev lo`);
  }
  mustSucceed(await loopback(world, "ADD", { pod: red }));
});

scene("a result of plugins before it is passed on, and lo is raised all the same", async (world) => {
  const red = await freshPod(world, "red");
  const prevResult = {
    cniVersion: "1.0.0",
    interfaces: [{ name: "eth0", mac: "02:00:00:00:00:01", sandbox: red.namespace }],
    ips: [{ interface: 0, address: "10.1.0.2/24", gateway: "10.1.0.1" }],
    routes: [{ dst: "0.0.0.0/0", gw: "10.1.0.1" }],
    dns: { nameservers: ["10.1.0.1"] },
  };
  const { stdout } = mustSucceed(await loopback(world, "ADD", { pod: red, prevResult }));
  expect(JSON.parse(stdout)).toEqual(prevResult);
  expect(await isUp(red)).toBe(true);
  const broken = mustFail(await loopback(world, "ADD", { pod: red, prevResult: { ips: [{}] } }));
  expect(broken).toMatchObject({ code: 7, details: expect.stringMatching(/Hint: Correct/) });
});

scene("DEL succeeds without a namespace, GC and STATUS have nothing to do", async (world) => {
  for (const netns of ["", "/run/netns/gone", "/etc/passwd"])
    expect(mustSucceed(await loopback(world, "DEL", { netns, env: { CNI_CONTAINERID: "red" } })).stdout).toBe(
      "",
    );
  const stdin = (cniVersion: string) =>
    JSON.stringify({ cniVersion, name: "loop", type: "loopback", ...NOBODY });
  for (const verb of ["GC", "STATUS"] as const) {
    expect(mustSucceed(await loopback(world, verb, { stdin: stdin("1.1.0") })).stdout).toBe("");
    expect(mustFail(await loopback(world, verb, { stdin: stdin("1.0.0") })).code).toBe(1);
  }
});

scene(
  "the node's own lo is left alone, and a namespace that is none is refused with a hint",
  async (world) => {
    const call = { netns: world.hostNamespace, env: { CNI_CONTAINERID: "red" } };
    for (const verb of ["ADD", "CHECK", "DEL"] as const) {
      const error = mustFail(await loopback(world, verb, call));
      expect(error).toMatchObject({
        code: 8,
        msg: "plugin's netns and netns from CNI_NETNS should not be the same",
      });
    }
    await world.host.must("ping -c 1 -W 1 127.0.0.1");
    const gone: CniError = mustFail(await loopback(world, "ADD", { ...call, netns: "/run/netns/gone" }));
    expect([gone.code, gone.details]).toEqual([
      8,
      expect.stringContaining("Hint: Create the namespace first"),
    ]);
  },
);

scene("a renamed lo is an error that says so, and none for DEL", async (world) => {
  const red = await freshPod(world, "red");
  await red.must("ip link set lo name loop0");
  expect(mustFail(await loopback(world, "ADD", { pod: red }))).toMatchObject({
    code: 120,
    msg: "interface cannot be set up: the pod has no interface lo",
  });
  mustSucceed(await loopback(world, "DEL", { pod: red }));
});

scene("it says by its name what it is, and a person gets Pontoon's commands", async (world) => {
  mustSucceed(await loopback(world, "VERSION", {}));
  const probe = await world.host.exec([LOOPBACK]);
  expect([probe.status, probe.stdout]).toEqual([0, ""]);
  expect(probe.stderr).toMatch(/^CNI loopback plugin v\d+\.\d+\.\d+/);
  expect(await world.host.must(`${LOOPBACK} --help`)).toMatch(/^pontoon /);
  await world.host.must(`ln -s pontoon ${PLUGIN_FOLDER}/my-loopback`);
  expect((await world.host.exec([`${PLUGIN_FOLDER}/my-loopback`])).stderr).toMatch(/^CNI pontoon plugin/);
});
