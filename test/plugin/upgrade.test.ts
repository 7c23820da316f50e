// Drop-in: on a node with pods of the reference plugins, the type in the conflist changes and everything goes
// on.
import { expect } from "vitest";
import { add, addressOf, check, del, mustSucceed, plugin } from "../support/cni.ts";
import { hostLinkOf } from "../support/link.ts";
import { install, type Network, type NetworkWishes, network } from "../support/network.ts";
import { installReference } from "../support/reference.ts";
import { scene } from "../support/scene.ts";
import { snapshot, snapshotOfFiles } from "../support/snapshot.ts";
import type { Snapshot } from "../support/snapshot-part.ts";
import { connect, pings, serve } from "../support/traffic.ts";
import type { Pod, World } from "../support/world.ts";

const LEASES = "/var/lib/cni/networks/pods";

scene(
  "a pod of the reference plugin and a pod of ours share a bridge and a pool, and talk",
  async (world) => {
    const { pods, red } = await podOfReference(world);
    const blue = await world.pod("blue");
    const address = addressOf(await add(world, install(world, pods), blue));
    expect(address).toBe("10.1.0.3");
    await using _server = await serve(blue, "tcp", address, 8080);
    expect(await connect(red, address, 8080)).toBe("blue saw 10.1.0.2");
    expect(await check(world, pods, blue)).toBeUndefined();
  },
);

scene(
  "CHECK of a pod of the reference plugin looks at what the result names, not for what only we make",
  async (world) => {
    const { pods, red } = await podOfReference(world);
    install(world, pods);
    expect(await check(world, pods, red)).toBeUndefined();
    await world.host.must(`ip link set ${await hostLinkOf(world, red)} nomaster`);
    expect(await check(world, pods, red)).toMatch(/is not a port of bridge pods0/);
  },
);

scene(
  "CHECK without a record still knows a pod of ours, whatever the version of its result, and finds the record missing alone",
  async (world) => {
    const pods = install(world, network("pods", { cniVersion: "0.4.0" }));
    const red = await world.pod("red");
    await add(world, pods, red);
    await world.host.must("rm -r /var/lib/cni/pontoon");
    const said = await check(world, pods, red);
    expect(said).toMatch(/the record of the attachment in \S+ is missing or damaged/);
    expect(said).not.toContain("also:");
    await world.host.must("nft flush map inet pontoon net4");
    expect(await check(world, pods, red)).toMatch(/also: 10\.1\.0\.2 is not masqueraded/);
  },
);

scene("DEL and GC take away what the reference plugins attached: lease and link", async (world) => {
  const { pods, red } = await podOfReference(world);
  const blue = await world.pod("blue");
  await add(world, installReference(world, pods), blue);
  install(world, pods);
  await del(world, pods, red);
  expect(world.has(`${LEASES}/10.1.0.2`)).toBe(false);
  expect((await red.exec("ip link show eth0")).status).not.toBe(0);
  mustSucceed(await plugin(world, "GC", { network: pods, more: { "cni.dev/valid-attachments": [] } }));
  expect(world.has(`${LEASES}/10.1.0.3`)).toBe(false);
});

for (const [way, netns] of [
  ["with", undefined],
  ["without", ""],
] as const) {
  scene(
    `DEL ${way} a namespace takes away the rules of the reference plugin's macspoofchk, and leaves those of its other pods`,
    async (world) => {
      const { pods, red } = await podOfReference(world, { macspoofchk: true });
      await world.host.must("nft add rule bridge nat PREROUTING counter");
      const onlyRed = await spoofRules(world);
      const blue = await world.pod("blue");
      await add(world, installReference(world, pods), blue);
      expect((await spoofRules(world)).lines).not.toEqual(onlyRed.lines);
      install(world, pods);
      for (let times = 0; times < 2; times++) {
        mustSucceed(
          await plugin(world, "DEL", {
            network: pods,
            containerId: blue.containerId,
            netns: netns ?? blue.namespace,
          }),
        );
        expect((await spoofRules(world)).lines).toEqual(onlyRed.lines);
      }
      mustSucceed(
        await plugin(world, "DEL", {
          network: pods,
          containerId: red.containerId,
          netns: netns ?? red.namespace,
        }),
      );
      expect((await spoofRules(world)).lines).toEqual([
        "nft chain bridge nat PREROUTING",
        "nft rule bridge nat PREROUTING #1",
        "nft table bridge nat",
      ]);
    },
  );
}

scene(
  "what a killed ADD of the reference plugin left of macspoofchk goes too: chains without a rule, or that nothing leads to",
  async (world) => {
    const { pods, red } = await podOfReference(world, { macspoofchk: true });
    install(world, pods);
    for (const harm of ["nft flush table bridge nat", "nft flush chain bridge nat PREROUTING", "true"]) {
      const blue = await world.pod("blue");
      await add(world, installReference(world, pods), blue);
      await world.host.must(harm);
      install(world, pods);
      await del(world, pods, blue);
      expect((await spoofRules(world)).of(blue).lines, harm).toEqual([]);
      await world.removePod(blue);
    }
    await del(world, pods, red);
    expect((await spoofRules(world)).mentioning("cni-br-iface").lines).toEqual([]);
  },
);

scene("CHECK of a pod whose MAC the reference plugin checks does not ask for our rules", async (world) => {
  const { pods, red } = await podOfReference(world, { macspoofchk: true });
  install(world, pods);
  expect(await check(world, pods, red)).toBeUndefined();
});

scene(
  "the other way round: host-local releases a lease of ours, and never hands out a taken one",
  async (world) => {
    const pods = install(world, network("pods"));
    const red = await world.pod("red");
    await add(world, pods, red);
    expect(world.read(`${LEASES}/10.1.0.2`)).toBe(`${red.containerId}\r\neth0`);
    expect((await snapshotOfFiles(world)).files.below(LEASES).lines).toEqual([
      `file ${LEASES}/10.1.0.2`,
      `file ${LEASES}/last_reserved_ip.0`,
      `file ${LEASES}/lock`,
    ]);
    const reference = installReference(world, pods);
    const blue = await world.pod("blue");
    expect(addressOf(await add(world, reference, blue))).toBe("10.1.0.3");
    await del(world, reference, red);
    expect(world.has(`${LEASES}/10.1.0.2`)).toBe(false);
  },
);

scene("leases in the old form, only a container id, count as taken; empty ones do not", async (world) => {
  world.write(`${LEASES}/10.1.0.2`, "somebody-from-long-ago");
  world.write(`${LEASES}/10.1.0.3`, "");
  const pods = install(world, network("pods"));
  const red = await world.pod("red");
  expect(addressOf(await add(world, pods, red))).toBe("10.1.0.3");
});

/** What there is in the table of the reference plugin's macspoofchk. */
async function spoofRules(world: World): Promise<Snapshot> {
  return (await snapshot(world)).inTable("bridge nat");
}

async function podOfReference(
  world: World,
  wishes: NetworkWishes = {},
): Promise<{ pods: Network; red: Pod }> {
  const pods = network("pods", wishes);
  const red = await world.pod("red");
  const result = await add(world, installReference(world, pods), red);
  expect(addressOf(result)).toBe("10.1.0.2");
  expect(await pings(red, "10.1.0.1")).toBe(true);
  return { pods, red };
}
