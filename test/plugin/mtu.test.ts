// Networks with different MTUs on one bridge. Full packets are the judge.
import { expect } from "vitest";
import { add, addressOf, check } from "../support/cni.ts";
import { linkOf } from "../support/link.ts";
import { install, network } from "../support/network.ts";
import type { Place } from "../support/place.ts";
import { scene } from "../support/scene.ts";
import type { World } from "../support/world.ts";

const SMALL = 1280;

/** A network of this MTU on the bridge that all networks of this file share. */
function sized(name: string, mtu: number | undefined) {
  return network(name, { bridge: "shared0", ...(mtu === undefined ? {} : { mtu }), ipMasq: false });
}

/** A ping that fills packets of `mtu` bytes, none of which may be fragmented: 28 bytes are headers. */
async function passes(from: Place, address: string, mtu: number): Promise<boolean> {
  return (await from.exec(`ping -n -c 1 -W 1 -M do -s ${mtu - 28} ${address}`)).status === 0;
}

for (const mtu of [1500, 1499, 9000]) {
  scene(
    `a bridge made with the MTU ${mtu} keeps it beside a network with a smaller one, and full packets pass between the pods of its network`,
    async (world) => {
      const [large, small] = [install(world, sized("large", mtu)), install(world, sized("small", SMALL))];
      const [red, blue, green] = await threePods(world);
      await add(world, large, red);
      await add(world, small, blue);
      const address = addressOf(await add(world, large, green));
      expect((await linkOf(world.host, "shared0")).mtu).toBe(mtu);
      expect([(await linkOf(green, "eth0")).mtu, (await linkOf(blue, "eth0")).mtu]).toEqual([mtu, SMALL]);
      expect(await passes(red, address, mtu)).toBe(true);
      expect(await passes(red, "10.1.0.1", mtu)).toBe(true);
      for (const [net, pod] of [
        [large, red],
        [small, blue],
        [large, green],
      ] as const)
        expect(await check(world, net, pod)).toBeUndefined();
    },
  );
}

scene("a bridge made without a word about its MTU keeps 1500 as well", async (world) => {
  const [large, small] = [install(world, sized("large", undefined)), install(world, sized("small", SMALL))];
  const [red, blue, green] = await threePods(world);
  await add(world, large, red);
  await add(world, small, blue);
  const address = addressOf(await add(world, large, green));
  expect(await passes(red, address, 1500)).toBe(true);
});

scene(
  "a bridge that fell to the smallest of its pods, as one of an earlier release does: the next pod has the MTU of its network's pods, and full packets pass",
  async (world) => {
    const [large, small] = [install(world, sized("large", 1500)), install(world, sized("small", SMALL))];
    const [red, blue, green] = await threePods(world);
    await world.host.must("ip link add shared0 address 0a:00:00:00:00:07 up type bridge");
    await add(world, large, red);
    await add(world, small, blue);
    expect((await linkOf(world.host, "shared0")).mtu).toBe(SMALL);
    const address = addressOf(await add(world, large, green));
    expect((await linkOf(green, "eth0")).mtu).toBe(1500);
    expect(await passes(red, address, 1500)).toBe(true);
    expect(await passes(green, "10.1.0.1", 1500)).toBe(true);
    expect(await check(world, large, green)).toBeUndefined();
    await world.host.must("ip link add wire0 mtu 1400 master shared0 up type veth peer name wire1");
    const grey = await world.pod("grey");
    await add(world, large, grey);
    expect((await linkOf(grey, "eth0")).mtu).toBe(1400);
  },
);

const LIMITED = [
  ["a port of another program", ["ip link add wire0 mtu 1400 master shared0 up type veth peer name wire1"]],
  ["the bridge's own setting", ["ip link set shared0 mtu 1400"]],
] as const;

for (const [what, commands] of LIMITED) {
  scene(
    `a bridge whose MTU is limited by ${what} stays as it is, and later pods take its MTU`,
    async (world) => {
      const large = install(world, sized("large", 1500));
      const red = await world.pod("red");
      await world.host.must("ip link add shared0 address 0a:00:00:00:00:07 up type bridge");
      for (const command of commands) await world.host.must(command);
      await add(world, large, red);
      await add(world, install(world, sized("small", SMALL)), await world.pod("blue"));
      await world.host.must("ip link set shared0 mtu 1400");
      await add(world, large, await world.pod("green"));
      expect((await linkOf(world.pods[2]!, "eth0")).mtu).toBe(1400);
      expect((await linkOf(world.host, "shared0")).mtu).toBe(1400);
    },
  );
}

async function threePods(world: World) {
  return [await world.pod("red"), await world.pod("blue"), await world.pod("green")] as const;
}
