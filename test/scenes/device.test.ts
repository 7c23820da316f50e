// A card of the host in a namespace, as tutorials move it by hand with `ip`: here cnitool and Pontoon do it.
import { expect } from "vitest";
import { add, addressesOf, del } from "../support/cni.ts";
import { deviceNetwork, plugIn, settled } from "../support/device.ts";
import { linkOf } from "../support/link.ts";
import { install } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { connect, serve } from "../support/traffic.ts";

scene(
  "a device in and out: the pod speaks by the card, and the host has it back as it was",
  async (world) => {
    const { name, lan } = await plugIn(world);
    const lab = install(world, deviceNetwork("lab", { device: name }));
    const red = await world.pod("red");
    const before = await settled(world.host, name);

    const [address = ""] = addressesOf(await add(world, lab, red));
    expect((await world.host.exec(`ip link show ${name}`)).status).not.toBe(0);
    expect((await linkOf(red, "eth0")).ifalias).toContain(name);
    await using _server = await serve(lan, "tcp", "10.5.0.1", 8080);
    expect(await connect(red, "10.5.0.1", 8080)).toBe(`lan-${name} saw ${address}`);
    expect(await connect(world.host, "10.5.0.1", 8080)).toBeUndefined();

    await del(world, lab, red);
    expect(await settled(world.host, name)).toEqual(before);
    expect((await red.exec("ip link show eth0")).status).not.toBe(0);
  },
);
