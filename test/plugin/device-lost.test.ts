// Devices in pods when calls die or memory is lost: a device comes back as it was, and is never deleted.
import { expect } from "vitest";
import { addDirectly, mustFail, mustSucceed, NOBODY, type PluginCall, plugin } from "../support/cni.ts";
import { deviceNetwork, factsOf, plugIn, settled } from "../support/device.ts";
import { dieAt } from "../support/hurt.ts";
import { linkOf } from "../support/link.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { atEveryMoment } from "../support/strace.ts";
import { PLUGIN_FOLDER, type World } from "../support/world.ts";

/** A call for pod red on a network with the card eth7, and the card's facts. */
async function host(world: World, wishes: object = {}): Promise<{ call: PluginCall; before: unknown }> {
  const { name } = await plugIn(world);
  const mac = "02:aa:bb:cc:dd:ee";
  const network = deviceNetwork("lan", { device: name, mac, mtu: 1300, promisc: true, ...wishes });
  const before = await settled(world.host, name);
  // Folders and locks that stay are there before.
  const call = { network, pod: await world.pod("red") };
  mustSucceed(await plugin(world, "ADD", call));
  mustSucceed(await plugin(world, "DEL", call));
  return { call, before };
}

/** True when an ADD came as far as its record, and died at its answer or not at all. */
async function isComplete(world: World): Promise<boolean> {
  return (await world.host.must("find /var/lib/cni/pontoon -name *.json")) !== "";
}

for (const [by, end] of [
  ["DEL", (world: World, call: PluginCall) => plugin(world, "DEL", call)],
  ["GC", (world: World, call: PluginCall) => plugin(world, "GC", { ...call, more: NOBODY })],
  ["pontoon restore", (world: World) => world.host.exec([`${PLUGIN_FOLDER}/pontoon`, "restore"])],
] as const)
  scene(
    `an ADD that dies before any one of its steps leaves a device that ${by} gives back`,
    async (world) => {
      const { call, before } = await host(world);
      await atEveryMoment(async (moment) => {
        const died = await dieAt(world, "ADD", call, moment);
        // An attachment that is complete is the runtime's to delete.
        if (by === "pontoon restore" && (await isComplete(world)))
          mustSucceed(await plugin(world, "DEL", call));
        else mustSucceed(await end(world, call));
        expect(await settled(world.host, "eth7"), `${moment.kind} ${moment.count}`).toEqual(before);
        if (by === "pontoon restore") mustSucceed(await plugin(world, "DEL", call));
        return died;
      });
      expect((await snapshot(world)).attachments.lines).toEqual([]);
    },
    120_000,
  );

scene(
  "a DEL that dies before any one of its steps is made good by the next DEL",
  async (world) => {
    const { call, before } = await host(world);
    await atEveryMoment(async (moment) => {
      mustSucceed(await plugin(world, "ADD", call));
      const died = await dieAt(world, "DEL", call, moment);
      mustSucceed(await plugin(world, "DEL", call));
      expect(await settled(world.host, "eth7"), `${moment.kind} ${moment.count}`).toEqual(before);
      return died;
    });
  },
  120_000,
);

scene(
  "an ADD that dies before any one of its steps does not stand in another pod's way",
  async (world) => {
    const { call, before } = await host(world);
    const other = { ...call, pod: await world.pod("blue") };
    await atEveryMoment(async (moment) => {
      const died = await dieAt(world, "ADD", call, moment);
      if (await isComplete(world)) mustSucceed(await plugin(world, "DEL", call));
      mustSucceed(await plugin(world, "ADD", other));
      for (const one of [call, other]) mustSucceed(await plugin(world, "DEL", one));
      expect(await settled(world.host, "eth7"), `${moment.kind} ${moment.count}`).toEqual(before);
      return died;
    });
  },
  120_000,
);

scene("an ADD that fails behind the move gives the device back as it was", async (world) => {
  const { call, before } = await host(world);
  const network = deviceNetwork("lan", { device: "eth7", sysctl: { "net.core.none": "1" } });
  mustFail(await plugin(world, "ADD", { ...call, network }));
  expect(await settled(world.host, "eth7")).toEqual(before);
  expect((await snapshot(world)).attachments.lines).toEqual([]);
});

scene("DEL without a record gives the device its name back, by the alias in the pod", async (world) => {
  const { call } = await host(world);
  await addDirectly(world, call);
  await world.host.must("rm -r /var/lib/cni/pontoon");
  mustSucceed(await plugin(world, "DEL", call));
  const { ifalias, flags } = await linkOf(world.host, "eth7");
  expect([ifalias, flags.includes("UP")]).toEqual([undefined, false]);
  expect((await snapshot(world)).attachments.lines).toEqual([]);
});

scene("DEL without a record, and with an alias that tells nothing, deletes no device", async (world) => {
  const { call } = await host(world);
  await addDirectly(world, call);
  await world.host.must("rm -r /var/lib/cni/pontoon");
  await call.pod?.must(["ip", "link", "set", "eth0", "alias", ""]);
  mustSucceed(await plugin(world, "DEL", call));
  expect((await linkOf(call.pod!, "eth0")).ifname).toBe("eth0");
});

for (const netns of ["", "/run/netns/elsewhere"])
  scene(`DEL with CNI_NETNS ${JSON.stringify(netns)} finds the device by the record`, async (world) => {
    const { call, before } = await host(world);
    await addDirectly(world, call);
    mustSucceed(await plugin(world, "DEL", { ...call, netns }));
    expect(await settled(world.host, "eth7")).toEqual(before);
  });

scene("DEL gives the device back although a program in the pod took its alias", async (world) => {
  const { call, before } = await host(world);
  await addDirectly(world, call);
  await call.pod?.must("ip link set eth0 alias mine");
  mustSucceed(await plugin(world, "DEL", call));
  expect(await settled(world.host, "eth7")).toEqual(before);
});

scene(
  "a device whose name is taken comes back under another one, and gets its own when that is free",
  async (world) => {
    const { call, before } = await host(world);
    await addDirectly(world, call);
    await world.host.must("ip link add eth7 type bridge");
    const { code, details } = mustFail(await plugin(world, "DEL", call));
    expect([code, details]).toEqual([160, expect.stringContaining("another interface has the name eth7")]);
    expect((await call.pod!.exec("ip link show eth0")).status).not.toBe(0);
    await world.host.must("ip link delete eth7");
    mustSucceed(await plugin(world, "DEL", call));
    expect(await settled(world.host, "eth7")).toEqual(before);
  },
);

scene(
  "a device of which a card on the node has the alias and no record is free for the next ADD",
  async (world) => {
    const { call } = await host(world);
    await world.host.must(["ip", "link", "set", "eth7", "alias", "pontoon-device eth7 lan nobody eth0"]);
    await addDirectly(world, call);
    expect((await linkOf(call.pod!, "eth0")).ifalias).toBe(
      `pontoon-device eth7 lan ${call.pod!.containerId} eth0`,
    );
  },
);

scene("GC takes the alias of an attachment without a record from a device on the node", async (world) => {
  const { call } = await host(world);
  await world.host.must(
    ["ip", "link", "set", "eth7", "name", "dev9", "alias", "pontoon-device eth7 lan nobody eth0"].filter(
      (word) => word !== "up",
    ),
  );
  mustSucceed(await plugin(world, "GC", { ...call, more: NOBODY }));
  expect((await linkOf(world.host, "eth7")).ifalias).toBeUndefined();
});

scene("GC leaves the device of a valid attachment in its pod", async (world) => {
  const { call } = await host(world);
  await addDirectly(world, call);
  const facts = await factsOf(call.pod!, "eth0");
  const valid = [{ containerID: call.pod!.containerId, ifname: "eth0" }];
  mustSucceed(await plugin(world, "GC", { ...call, more: { "cni.dev/valid-attachments": valid } }));
  mustSucceed(await world.host.exec([`${PLUGIN_FOLDER}/pontoon`, "restore"]));
  expect(await factsOf(call.pod!, "eth0")).toEqual(facts);
});
