// Tables of the kernel that are full: `pontoon doctor` names them, and its command makes them larger. Their
// sizes are the machine's own settings, so files stand in for those; the entries are real.
import { expect } from "vitest";
import { doctor, expectContent, faultsOf, healthyNode, runCures } from "../support/doctor.ts";
import { scene } from "../support/scene.ts";
import type { World } from "../support/world.ts";

const sh = (world: World, command: string): Promise<string> => world.host.must(["sh", "-c", command]);

scene(
  "a full table of tracked connections is named, and a table that is nearly full is a note",
  async (world) => {
    const { all } = await healthyNode(world, { subnets: ["10.1.0.0/24"] });
    for (let at = 0; at < 40; at++) await all[0]!.must("ping -c1 -W5 192.168.50.2");
    const setting = "/proc/sys/net/netfilter/nf_conntrack_max";
    await sh(world, `echo 262144 > /run/most && mount --bind /run/most ${setting}`);
    const used = Number(await sh(world, "cat /proc/sys/net/netfilter/nf_conntrack_count"));
    expect(used).toBeGreaterThanOrEqual(40);
    await expectContent(world);
    // The kernel itself adds entries: packets that IPv6 sends when an interface is new.
    await sh(world, `echo ${used + 3} > ${setting}`);
    const { findings, status } = await doctor(world);
    expect({ findings, status }).toMatchObject({
      findings: [{ severity: "note", sentence: "the table of tracked connections is nearly full" }],
      status: 0,
    });
    await sh(world, `echo ${used} > ${setting}`);
    const faults = faultsOf(await doctor(world));
    expect(faults).toMatchObject([
      {
        subject: "this node",
        severity: "error",
        sentence: "the table of tracked connections is full: packets of new connections are dropped",
        proof: expect.stringMatching(new RegExp(`^\\d+ of ${used} entries are in use$`)) as string,
      },
    ]);
    await runCures(world, faults);
    expect(Number(await sh(world, `cat ${setting}`))).toBe(2 * used);
    await expectContent(world);
  },
);

scene("a full table of neighbours is named, those in pods counted", async (world) => {
  const { all } = await healthyNode(world, { subnets: ["10.1.0.0/24"] });
  for (const pod of all) await pod.must("ping -c1 -W5 192.168.50.2");
  const folder = "/proc/sys/net/ipv4/neigh";
  const setting = `${folder}/default/gc_thresh3`;
  await sh(
    world,
    `mkdir -p /run/neigh/default && echo 1024 > /run/neigh/default/gc_thresh3 && mount --bind /run/neigh ${folder}`,
  );
  await expectContent(world);
  const places = [world.host, ...all];
  const lists = await Promise.all(
    places.map((place) => place.json<unknown[]>("ip -4 -j neighbour show nud all")),
  );
  const used = lists.flat().filter((each) => !JSON.stringify(each).includes("PERMANENT")).length;
  expect(used).toBeGreaterThan(3);
  await sh(world, `echo ${used} > ${setting}`);
  const faults = faultsOf(await doctor(world));
  expect(faults).toMatchObject([
    {
      sentence: "the table of IPv4 neighbours is full: packets to new neighbours are dropped",
      proof: `${used} of ${used} entries are in use`,
    },
  ]);
  await runCures(world, faults);
  await expectContent(world);
});
