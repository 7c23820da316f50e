// CHECK says that all is well when it is, and what is wrong when something is.
import { expect } from "vitest";
import { capture } from "../support/capture.ts";
import { add, addDirectly, type CniResult, check, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { hostLinkOf } from "../support/link.ts";
import { FAMILIES, install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import type { Pod, World } from "../support/world.ts";

for (const { family, subnets } of FAMILIES) {
  scene(`${family}: CHECK passes at once after ADD, prints nothing and changes nothing`, async (world) => {
    const { red, pods, result } = await attached(world, subnets);
    const before = await snapshot(world);
    const outcome = mustSucceed(
      await plugin(world, "CHECK", { network: pods, pod: red, more: { prevResult: result } }),
    );
    expect(outcome.stdout).toBe("");
    expect((await snapshot(world)).minus(before).lines).toEqual([]);
    expect(await check(world, pods, red)).toBeUndefined();
  });
}

scene("CHECK passes while somebody watches the bridge with tcpdump", async (world) => {
  const { red, pods } = await attached(world);
  await using _dump = await capture(world.host, "pods0");
  expect(await check(world, pods, red)).toBeUndefined();
});

scene(
  "CHECK leaves to others what is theirs: more addresses, routes and links in the pod, more ports on the bridge",
  async (world) => {
    const { red, pods } = await attached(world);
    await red.must("ip address add 172.16.0.1/24 dev eth0");
    await red.must("ip route add 172.17.0.0/16 via 10.1.0.1");
    await red.must("ip link add eth1 type veth peer name eth2");
    await world.host.must("ip link add other type veth peer name another");
    await world.host.must("ip link set other master pods0");
    await world.host.must("ip address add 10.250.0.1/24 dev pods0");
    expect(await check(world, pods, red)).toBeUndefined();
  },
);

scene(
  "CHECK takes a route whose configuration names no gateway by any gateway, and says so when it has none to there",
  async (world) => {
    const { red, pods } = await attached(world);
    await red.must("ip route replace default via 10.1.0.9");
    expect(await check(world, pods, red)).toBeUndefined();
    await red.must("ip route delete default");
    expect(await check(world, pods, red)).toMatch(/the pod has no route to 0\.0\.0\.0\/0 by eth0/);
  },
);

scene(
  "CHECK goes by the final result: a MAC that a later plugin changed and reported is right",
  async (world) => {
    const { red, pods, result } = await attached(world);
    await red.must("ip link set eth0 address 02:00:00:00:00:09");
    expect(await check(world, pods, red)).toMatch(/02:00:00:00:00:09/);
    const prevResult = structuredClone(result);
    prevResult.interfaces![2]!.mac = "02:00:00:00:00:09";
    mustSucceed(await plugin(world, "CHECK", { network: pods, pod: red, more: { prevResult } }));
  },
);

scene("CHECK knows the namespace by another path to it, too", async (world) => {
  const { red, pods, result } = await attached(world);
  const netns = red.namespace.replace("/run/", "/var/run/");
  expect(
    mustSucceed(
      await plugin(world, "CHECK", { network: pods, pod: red, netns, more: { prevResult: result } }),
    ).stdout,
  ).toBe("");
});

scene("CHECK passes for a network without addresses", async (world) => {
  const red = await world.pod("red");
  const { ipam: _, ...plain } = network("pods", { isGateway: false, ipMasq: false }).plugins[0];
  const pods = install(world, { cniVersion: "1.1.0", name: "pods", plugins: [plain] });
  await add(world, pods, red);
  expect(await check(world, pods, red)).toBeUndefined();
});

scene("CHECK without a prevResult is an error, as it has nothing to compare with", async (world) => {
  const { red, pods } = await attached(world);
  expect(mustFail(await plugin(world, "CHECK", { network: pods, pod: red })).msg).toMatch(/prevResult/);
});

scene("CHECK of an attachment that was never made fails", async (world) => {
  const { pods, result } = await attached(world);
  const blue = await world.pod("blue");
  const error = mustFail(
    await plugin(world, "CHECK", { network: pods, pod: blue, more: { prevResult: result } }),
  );
  expect(error.code).toBeGreaterThanOrEqual(100);
});

scene("CHECK in a namespace that is gone fails with code 8", async (world) => {
  const { red, pods } = await attached(world);
  const blue = await world.pod("blue");
  const result = await addDirectly(world, { network: pods, pod: blue });
  await world.removePod(blue);
  expect(
    mustFail(await plugin(world, "CHECK", { network: pods, pod: blue, more: { prevResult: result } })).code,
  ).toBe(8);
  expect(await check(world, pods, red)).toBeUndefined();
});

scene("CHECK fails when the lease of the attachment is gone", async (world) => {
  const { red, pods } = await attached(world);
  await world.host.must("rm /var/lib/cni/networks/pods/10.1.0.2");
  expect(await check(world, pods, red)).toMatch(/10\.1\.0\.2|lease/);
});

scene(
  "CHECK looks for the lease where ADD put it, also when the configuration names another dataDir by now",
  async (world) => {
    const { red, result } = await attached(world);
    const { ipam } = network("pods").plugins[0];
    const moved = network("pods", { ipam: { ...ipam, dataDir: "/run/world/moved" } });
    expect(
      await plugin(world, "CHECK", { network: moved, pod: red, more: { prevResult: result } }),
    ).toMatchObject({ status: 0, stdout: "" });
  },
);

scene("CHECK names the host's end of the pair when that is down", async (world) => {
  const { red, pods } = await attached(world);
  const link = await hostLinkOf(world, red);
  await world.host.must(`ip link set ${link} down`);
  expect(await check(world, pods, red)).toContain(link);
});

scene(
  "CHECK notices that the host's port of that name is the end of another pair than the pod's",
  async (world) => {
    const { red, pods } = await attached(world);
    const link = await hostLinkOf(world, red);
    await world.host.must(`ip link set ${link} down`);
    await world.host.must(`ip link set ${link} name elsewhere`);
    await world.host.must("ip link set elsewhere up");
    await world.host.must(`ip link add ${link} type veth peer name impostor`);
    for (const name of [link, "impostor"]) await world.host.must(`ip link set ${name} up`);
    await world.host.must(`ip link set ${link} master pods0`);
    expect(await check(world, pods, red)).toContain(
      `interface eth0 in the pod is not the other end of ${link}`,
    );
    await world.host.must(`ip link del ${link}`);
    await world.host.must("ip link set elsewhere down");
    await world.host.must(`ip link set elsewhere name ${link}`);
    await world.host.must(`ip link set ${link} up`);
    expect(await check(world, pods, red)).toBeUndefined();
  },
);

async function attached(
  world: World,
  subnets = ["10.1.0.0/24"],
): Promise<{ red: Pod; pods: ReturnType<typeof network>; result: CniResult }> {
  const red = await world.pod("red");
  const pods = install(world, network("pods", { subnets }));
  return { red, pods, result: await add(world, pods, red) };
}

scene("CHECK's hint is the command that mends what it found, and it does", async (world) => {
  const { red, pods } = await attached(world);
  await world.host.must(`bridge link set dev ${await hostLinkOf(world, red)} isolated on`);
  const said = (await check(world, pods, red)) ?? "";
  const [, command = ""] = /Hint: Run "(bridge link set dev veth\w+ isolated off)"/.exec(said) ?? [];
  expect(command).not.toBe("");
  await world.host.must(command);
  expect(await check(world, pods, red)).toBeUndefined();
});
