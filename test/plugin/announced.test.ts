// On a crowded bridge a pod is announced when somebody may know its address by another MAC, and else not:
// what becomes of the bridge's alias, which says that nobody does.
import { expect } from "vitest";
import { crowd, isAnnounced, saysMacsFollow, tuned, twoAddresses } from "../support/announcement.ts";
import { add, addressOf, del } from "../support/cni.ts";
import { addPlugins } from "../support/ipam.ts";
import { dies } from "../support/link.ts";
import { install, type Network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import type { Pod, World } from "../support/world.ts";

interface Stage {
  world: World;
  pods: Network;
  peer: Pod;
  red: Pod;
  blue: Pod;
}

/** A crowded bridge whose pods' MACs follow, with a peer on it. */
async function openStage(world: World, pods: Network): Promise<Stage> {
  const [peer, red, blue] = [await world.pod("peer"), await world.pod("red"), await world.pod("blue")];
  await add(world, install(world, pods), peer);
  await crowd(world, "pods0");
  expect(await saysMacsFollow(world, "pods0")).toBe(true);
  return { world, pods, peer, red, blue };
}

/** Whether blue, which gets the address that was red's, is announced. */
async function isNextAnnounced({ world, pods, peer, blue }: Stage): Promise<boolean> {
  return isAnnounced(peer, async () =>
    expect(addressOf(await add(world, install(world, pods), blue))).toBe("10.1.0.6"),
  );
}

const REACH = [
  {
    what: "a network that goes on behind the bridge is announced all the same, since switches there learned an older port",
    isGateway: false,
    isTold: true,
  },
  { what: "a network that ends on the node is not announced", isGateway: true, isTold: false },
];
for (const { what, isGateway, isTold } of REACH)
  scene(`where all MACs follow, a pod of ${what}`, async (world) => {
    const stage = await openStage(world, twoAddresses(undefined, { isGateway, ipMasq: false }));
    expect(await isNextAnnounced(stage)).toBe(isTold);
    expect(await saysMacsFollow(world, "pods0")).toBe(true);
  });

const DELS = [
  {
    what: "another MAC than the pod's end has, since a plugin behind us gave it back before",
    mac: "another",
    vanishes: false,
  },
  { what: "another MAC, and the pod's namespace is gone", mac: "another", vanishes: true },
  { what: "the MAC that we gave, and the pod's namespace is gone", mac: "the first", vanishes: true },
];
for (const { what, mac, vanishes } of DELS)
  scene(
    `DEL whose prevResult names ${what}: ${mac === "another" ? "the next owner of the address is announced" : "nobody needs to be told"}`,
    async (world) => {
      addPlugins(world, "tuning");
      const stage = await openStage(world, twoAddresses());
      const reds = mac === "another" ? tuned(stage.pods) : stage.pods;
      await add(world, install(world, reds), stage.red);
      if (vanishes) await dies(world, stage.red);
      await del(world, reds, stage.red);
      expect(await saysMacsFollow(world, "pods0")).toBe(mac !== "another");
      expect(await isNextAnnounced(stage)).toBe(mac === "another");
    },
  );

scene(
  "an attachment that died without a DEL and is cleared by the next ADD: nobody can tell its last MAC, so that one is announced",
  async (world) => {
    const stage = await openStage(world, twoAddresses());
    await add(world, stage.pods, stage.red);
    await dies(world, stage.red);
    expect(await isNextAnnounced(stage)).toBe(true);
    expect(await saysMacsFollow(world, "pods0")).toBe(false);
  },
);
