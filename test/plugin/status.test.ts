// STATUS: green as long as an ADD could be served, and it never changes anything.
import { expect } from "vitest";
import { add, cnitool, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { doctor } from "../support/doctor.ts";
import { install, network } from "../support/network.ts";
import { ptpNetwork } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { failingAt, TRACE } from "../support/strace.ts";

scene("STATUS is green on a fresh host, silent, and without any effect", async (world) => {
  const pods = install(world, network("pods"));
  const any = await world.pod("any");
  const before = await snapshot(world);
  expect(mustSucceed(await plugin(world, "STATUS", { network: pods })).stdout).toBe("");
  mustSucceed(await cnitool(world, "status", pods.name, any));
  expect((await snapshot(world)).minus(before).lines).toEqual([]);
});

scene(
  "a full pool keeps STATUS green, unless the config asks to hear of it: then code 50 until a DEL",
  async (world) => {
    const pods = install(world, oneAddress({}));
    const strict = oneAddress({ statusWhenFull: true });
    const red = await world.pod("red");
    mustSucceed(await plugin(world, "STATUS", { network: strict }));
    await add(world, pods, red);
    mustSucceed(await plugin(world, "STATUS", { network: pods }));
    expect(mustFail(await plugin(world, "STATUS", { network: strict })).code).toBe(50);
    mustSucceed(await plugin(world, "DEL", { network: pods, pod: red }));
    mustSucceed(await plugin(world, "STATUS", { network: strict }));
  },
);

scene("STATUS is red when the config cannot work", async (world) => {
  const pods = network("pods", { subnets: ["10.1.0.0/99"] });
  expect(mustFail(await plugin(world, "STATUS", { network: pods })).code).toBeGreaterThan(0);
});

scene("STATUS is red with code 50 when leases cannot be written", async (world) => {
  await world.host.must("mount -o remount,ro /var/lib/cni");
  expect(mustFail(await plugin(world, "STATUS", { network: network("pods") })).code).toBe(50);
});

scene(
  "a full disk makes STATUS red with code 50, and the doctor names the folder, until there is space again",
  async (world) => {
    const pods = install(world, network("pods"));
    await add(world, pods, await world.pod("red"));
    await world.host.must(["sh", "-c", FILL]);
    const before = await world.host.must("find /var/lib/cni");
    expect(mustFail(await plugin(world, "STATUS", { network: pods }))).toMatchObject({
      code: 50,
      details: expect.stringMatching(/ENOSPC.*Hint: Free space or inodes on this file system/) as string,
    });
    const { findings, status } = await doctor(world);
    expect({ status, codes: findings.map(({ code }) => code) }).toEqual({
      status: 1,
      codes: ["unwritableState", "unwritableState"],
    });
    expect(findings[0]).toMatchObject({ advice: "Free space or inodes on this file system" });
    expect(await world.host.must("find /var/lib/cni")).toBe(before);
    await world.host.must("rm /var/lib/cni/filler");
    mustSucceed(await plugin(world, "STATUS", { network: pods }));
    expect((await doctor(world)).status).toBe(0);
  },
);

/** Takes all space of the file system with records and leases, and none of its inodes. */
const FILL = "mount -o remount,size=256k /var/lib/cni && ! head -c 1M /dev/zero > /var/lib/cni/filler";

scene(
  "STATUS is red with code 50 when records cannot be written, whoever gives the addresses",
  async (world) => {
    await world.host.must("mkdir -p /var/lib/cni/pontoon");
    await world.host.must("mount -t tmpfs -o ro tmpfs /var/lib/cni/pontoon");
    for (const wishes of [{}, { isGateway: false, ipMasq: false, ipam: undefined as never }]) {
      const error = mustFail(await plugin(world, "STATUS", { network: network("pods", wishes) }));
      expect(error).toMatchObject({
        code: 50,
        details: expect.stringContaining("/var/lib/cni/pontoon") as string,
      });
    }
  },
);

scene(
  "beside a firewall STATUS reads the record of one pod without a bridge, not those of all",
  async (world) => {
    const table =
      "table inet mine { chain through { type filter hook forward priority 0; policy accept; }; }";
    await world.host.must(["nft", table]);
    const pods = install(world, ptpNetwork("pods"));
    for (const name of ["red", "blue", "green"]) await add(world, pods, await world.pod(name));
    const through = failingAt({ kind: "openat", count: 10_000 }, "ENOMEM");
    mustSucceed(await plugin(world, "STATUS", { network: pods, through }));
    expect(world.read(TRACE).match(/pontoon\/pods\/[0-9a-f]+\.json/g)).toHaveLength(1);
  },
);

function oneAddress(more: Record<string, unknown>) {
  const pods = network("pods");
  pods.plugins[0].ipam = {
    ...pods.plugins[0].ipam,
    ...more,
    ranges: [[{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.5", rangeEnd: "10.1.0.5" }]],
  };
  return pods;
}
