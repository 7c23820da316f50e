// Devices on the node that have the alias of an attachment without a record, and aliases that tell less than
// all: whoever needs such a device finds it under whichever name it has, and nobody else is held up.
import { expect } from "vitest";
import { addDirectly, type CniResult, mustFail, mustSucceed, NOBODY, plugin } from "../support/cni.ts";
import { deviceNetwork, plugIn } from "../support/device.ts";
import { holdAtOrEnd } from "../support/held.ts";
import { linkOf } from "../support/link.ts";
import { scene } from "../support/scene.ts";
import { atEveryMoment } from "../support/strace.ts";
import { PLUGIN_FOLDER, type World } from "../support/world.ts";

/** The card eth7 as the kernel gives it back when a pod has died: another name, and the alias of the pod. */
async function strayCard(world: World, name = "eth7", containerId = "nobody"): Promise<string> {
  await plugIn(world, name);
  const now = `dev${name.length}`;
  await world.host.must(`ip link set ${name} down`);
  const alias = `pontoon-device ${name} lan ${containerId} eth0`;
  await world.host.must(["ip", "link", "set", name, "name", now, "alias", alias]);
  return now;
}

const restore = (world: World) => world.host.exec([`${PLUGIN_FOLDER}/pontoon`, "restore"]);

for (const wishes of [{ device: "eth7" }, { devices: ["en*", "eth[0-9]"] }, { hwaddr: "02:00:00:00:04:07" }])
  scene(
    `an ADD that names a stray device by ${Object.keys(wishes)[0]} gets it, whatever it is called now`,
    async (world) => {
      await strayCard(world);
      const network = deviceNetwork("lan", wishes);
      mustSucceed(await plugin(world, "STATUS", { network }));
      const pod = await world.pod("red");
      await addDirectly(world, { network, pod });
      expect((await linkOf(pod, "eth0")).ifalias).toBe(`pontoon-device eth7 lan ${pod.containerId} eth0`);
      mustSucceed(await plugin(world, "DEL", { network, pod }));
      expect((await linkOf(world.host, "eth7")).ifalias).toBeUndefined();
    },
  );

scene("pontoon restore gives a stray device its name again, once, and says so", async (world) => {
  await strayCard(world);
  expect(mustSucceed(await restore(world)).stdout).toContain("node: device eth7 is back");
  expect((await linkOf(world.host, "eth7")).ifalias).toBeUndefined();
  expect(mustSucceed(await restore(world)).stdout).not.toContain("eth7");
});

for (const words of ["rm --yes nobody", "clean --yes"])
  scene(`pontoon ${words} gives a stray device its name again, and tells whose it was`, async (world) => {
    await strayCard(world);
    const command = [`${PLUGIN_FOLDER}/pontoon`, ...words.split(" ")];
    expect(mustSucceed(await world.host.exec(command)).stdout).toContain(
      "container nobody (network lan, eth0)",
    );
    expect((await linkOf(world.host, "eth7")).ifalias).toBeUndefined();
  });

scene("pontoon clean leaves a device alone at any moment of the ADD that takes it", async (world) => {
  await plugIn(world);
  const call = { network: deviceNetwork("lan", { device: "eth7" }), pod: await world.pod("red") };
  const clean = [`${PLUGIN_FOLDER}/pontoon`, "clean", "--dry-run"];
  let reserved = 0;
  await atEveryMoment(
    async (moment) => {
      await using adding = await holdAtOrEnd(world, "ADD", call, moment);
      const stood = !adding.isOver;
      const { stdout } = await world.host.exec("ip -d link show eth7");
      if (stdout.includes("pontoon-device eth7 lan")) reserved += 1;
      expect(mustSucceed(await world.host.exec(clean)).stdout).toBe("nothing is left over\n");
      mustSucceed(await (stood ? adding.goOn() : adding.outcome));
      mustSucceed(await plugin(world, "DEL", call));
      return stood;
    },
    ["sendto"],
  );
  expect(reserved).toBeGreaterThan(0);
});

scene("pontoon restore leaves devices alone that are in pods, or that others have named", async (world) => {
  await plugIn(world);
  const call = { network: deviceNetwork("lan", { device: "eth7" }), pod: await world.pod("red") };
  await addDirectly(world, call);
  await world.host.must("ip link add dev3 type bridge");
  await world.host.must(["ip", "link", "set", "dev3", "alias", "uplink eth3"]);
  expect(mustSucceed(await restore(world)).stdout).toBe("lan: 1 attachment, nothing to do\n");
  expect((await linkOf(world.host, "dev3")).ifalias).toBe("uplink eth3");
});

scene("DEL without a record finds the device in the pod under whichever name it has", async (world) => {
  await plugIn(world);
  const call = { network: deviceNetwork("lan", { device: "eth7" }), pod: await world.pod("red") };
  await addDirectly(world, call);
  await world.host.must("rm -r /var/lib/cni/pontoon");
  for (const change of ["down", "name odd0"]) await call.pod.must(`ip link set eth0 ${change}`);
  mustSucceed(await plugin(world, "DEL", call));
  expect((await linkOf(world.host, "eth7")).ifalias).toBeUndefined();
});

scene("a stray device whose name is taken holds up no ADD that may have another device", async (world) => {
  const first = await strayCard(world, "eth7");
  await strayCard(world, "eth88", "nobody2");
  await world.host.must("ip link add eth7 type bridge");
  const network = deviceNetwork("lan", { devices: [first, "eth88"] });
  const pod = await world.pod("red");
  await addDirectly(world, { network, pod });
  expect((await linkOf(pod, "eth0")).ifalias).toContain("pontoon-device eth88 lan");
});

scene("an ADD that wants a stray device whose name is taken is refused with the way out", async (world) => {
  const name = await strayCard(world);
  await world.host.must("ip link add eth7 type bridge");
  const network = deviceNetwork("lan", { device: name });
  const { code, msg, details } = mustFail(
    await plugin(world, "ADD", { network, pod: await world.pod("red") }),
  );
  expect(code).toBe(126);
  expect(`${msg} ${details}`).toMatch(/eth7.*another interface has the name eth7.*Rename/);
});

scene(
  "a stray alias with names that lead elsewhere holds nobody up, and restore takes it off",
  async (world) => {
    const name = await strayCard(world);
    await world.host.must(["ip", "link", "set", name, "alias", "pontoon-device eth9 ../../etc a/b eth0"]);
    await plugIn(world, "eth88");
    const network = deviceNetwork("lan", { devices: [name, "eth88"] });
    mustSucceed(await plugin(world, "GC", { network, more: NOBODY }));
    await addDirectly(world, { network, pod: await world.pod("red") });
    expect(mustSucceed(await restore(world)).stdout).toContain("device eth9 is back");
    expect((await linkOf(world.host, "eth9")).ifalias).toBeUndefined();
  },
);

for (const { title, interfaceName, containerId } of [
  { title: "is whole", interfaceName: "eth0", containerId: "c1" },
  { title: "was cut", interfaceName: "eth0", containerId: "c".repeat(228) },
  { title: "has other letters", interfaceName: "é0", containerId: "c1" },
])
  scene(
    `a device whose alias ${title} is its pod's: ADD of another is refused, GC and restore leave it`,
    async (world) => {
      await plugIn(world);
      const [red, blue] = [await world.pod("red"), await world.pod("blue")];
      const network = deviceNetwork("lan", { device: "eth7" });
      await addDirectly(world, { network, pod: red, containerId, interfaceName });
      const { ifalias = "" } = await linkOf(red, interfaceName);
      // As if a person had taken it out of the pod.
      await world.host.must("ip link add eth7 type ifb");
      await world.host.must(["ip", "link", "set", "eth7", "alias", ifalias]);
      const { code, details } = mustFail(await plugin(world, "ADD", { network, pod: blue }));
      expect([code, details]).toEqual([126, expect.stringContaining(`container ${containerId}`)]);
      const valid = [{ containerID: containerId, ifname: interfaceName }];
      mustSucceed(await plugin(world, "GC", { network, more: { "cni.dev/valid-attachments": valid } }));
      mustSucceed(await restore(world));
      expect((await linkOf(world.host, "eth7")).ifalias).toBe(ifalias);
    },
  );

scene("GC takes an alias that was cut from the device of an attachment without a record", async (world) => {
  await plugIn(world);
  const pod = await world.pod("red");
  const network = deviceNetwork("lan", { device: "eth7" });
  await addDirectly(world, { network, pod, containerId: "c".repeat(228) });
  const { ifalias = "" } = await linkOf(pod, "eth0");
  await world.host.must("rm -r /var/lib/cni/pontoon");
  await world.host.must("ip link add dev9 type ifb");
  await world.host.must(["ip", "link", "set", "dev9", "alias", ifalias]);
  mustSucceed(await plugin(world, "GC", { network: deviceNetwork("la", { device: "eth7" }), more: NOBODY }));
  expect((await linkOf(world.host, "dev9")).ifalias).toBe(ifalias);
  mustSucceed(await plugin(world, "GC", { network, more: NOBODY }));
  expect((await linkOf(world.host, "eth7")).ifalias).toBeUndefined();
});

/** A card in a pod as the reference host-device leaves it there: the alias is the former name. */
async function asReference(world: World) {
  await plugIn(world);
  const pod = await world.pod("red");
  await world.host.must("ip link set eth7 alias eth7 name eth0 netns red");
  const { address = "" } = await linkOf(pod, "eth0");
  const network = deviceNetwork("lan", { device: "eth7" });
  const resultWith = (mac: string): CniResult => ({
    cniVersion: "1.1.0",
    interfaces: [{ name: "eth0", mac, sandbox: pod.namespace }],
  });
  return { call: { network, pod }, address, resultWith };
}

scene("DEL without a record takes the reference's device, which the result names", async (world) => {
  const { call, address, resultWith } = await asReference(world);
  mustSucceed(await plugin(world, "DEL", { ...call, more: { prevResult: resultWith(address) } }));
  expect((await linkOf(world.host, "eth7")).ifalias).toBeUndefined();
});

scene(
  "DEL without a record takes the reference's device, whose address is the container's",
  async (world) => {
    const { call } = await asReference(world);
    await call.pod.must("ip address add 10.5.0.20/24 dev eth0");
    await world.host.must("mkdir -p /var/lib/cni/networks/lan");
    world.write("/var/lib/cni/networks/lan/10.5.0.20", `${call.pod.containerId}\r\neth0`);
    mustSucceed(await plugin(world, "DEL", call));
    expect((await linkOf(world.host, "eth7")).ifalias).toBeUndefined();
  },
);

for (const proof of ["nothing", "another MAC"])
  scene(
    `DEL without a record leaves another network's device in the pod: ${proof} tells of it`,
    async (world) => {
      const { call, resultWith } = await asReference(world);
      const more = proof === "nothing" ? {} : { prevResult: resultWith("02:ee:ee:ee:ee:ee") };
      mustSucceed(await plugin(world, "DEL", { ...call, more }));
      expect((await linkOf(call.pod, "eth0")).ifalias).toBe("eth7");
    },
  );

scene("a device whose MAC a program in the pod has changed still counts as attached", async (world) => {
  await plugIn(world);
  const pod = await world.pod("red");
  await addDirectly(world, { network: deviceNetwork("lan", { device: "eth7" }), pod });
  await pod.must("ip link set eth0 address 02:ee:ee:ee:ee:ee");
  expect(mustSucceed(await restore(world)).stdout).toBe("lan: 1 attachment, nothing to do\n");
});
