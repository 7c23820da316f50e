// Records outlive the release that wrote them. test/plugin/record-1 holds real ones of version 1, with the
// call and the result of the ADD that wrote each; only the names of boot, host, namespace and link that
// differ from host to host are put in.
import { readdirSync, readFileSync } from "node:fs";
import { expect } from "vitest";
import { addDirectly, type CniResult, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { addPlugins } from "../support/ipam.ts";
import type { Network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { PLUGIN_FOLDER, type Pod, type World } from "../support/world.ts";

const FIXTURES = new URL("record-1/", import.meta.url);
const RECORDS = "/var/lib/cni/pontoon/pods";

interface Fixture {
  network: Network;
  more?: Record<string, unknown>;
  env?: Record<string, string>;
  record: Record<string, unknown>;
}

const fixtures = readdirSync(FIXTURES).map((file) => ({
  name: file.replace(".json", ""),
  fixture: JSON.parse(readFileSync(new URL(file, FIXTURES), "utf8")) as Fixture,
}));

for (const { name, fixture } of fixtures) {
  scene(
    `record of version 1, ${name}: CHECK and STATUS find all well, and DEL leaves nothing`,
    async (world) => {
      const warm = await attach(world, fixture, "warm");
      mustSucceed(await plugin(world, "DEL", warm.call));
      await world.removePod(warm.pod);
      // The fixtures have the first address of each range.
      await world.host.must(["sh", "-c", "rm -f /var/lib/cni/networks/pods/last_reserved_ip.*"]);
      const steady = await snapshot(world);
      const { pod, call, prevResult } = await attach(world, fixture, "red");
      replaceRecord(world, fixture.record);
      mustSucceed(await plugin(world, "CHECK", { ...call, more: { ...call.more, prevResult } }));
      mustSucceed(await plugin(world, "STATUS", call));
      mustSucceed(await plugin(world, "DEL", call));
      await world.removePod(pod);
      const difference = (await snapshot(world)).minus(steady);
      expect(difference.exceptAdded(({ hints }) => hints).lines).toEqual([]);
    },
  );

  scene(
    `record of version 1, ${name}: pontoon restore puts back all of its rules, as they were`,
    async (world) => {
      const { call, prevResult } = await attach(world, fixture, "red");
      replaceRecord(world, fixture.record);
      const whole = await snapshot(world);
      await world.host.must("nft flush ruleset");
      await world.host.must(`${PLUGIN_FOLDER}/pontoon restore`);
      const difference = (await snapshot(world)).minus(whole);
      // The restore notes what it did, and takes the node's lock.
      const noted = difference.exceptAdded(
        ({ marks }) => marks,
        (all) => all.named(".lock"),
      );
      expect(noted.lines).toEqual([]);
      mustSucceed(await plugin(world, "CHECK", { ...call, more: { ...call.more, prevResult } }));
    },
  );

  scene(`record of version 1, ${name}: GC without the attachment leaves nothing`, async (world) => {
    const { pod, call } = await attach(world, fixture, "red");
    replaceRecord(world, fixture.record);
    mustSucceed(
      await plugin(world, "GC", { network: call.network, more: { "cni.dev/valid-attachments": [] } }),
    );
    await world.removePod(pod);
    expect((await snapshot(world)).attachments.lines).toEqual([]);
  });
}

scene(
  "a record of a version that is not known is refused by name, and DEL takes the attachment away all the same",
  async (world) => {
    const fixture = fixtures.find(({ name }) => name === "everything")?.fixture;
    if (fixture === undefined) throw new Error("there is no fixture everything.json");
    const { call, prevResult } = await attach(world, fixture, "red");
    replaceRecord(world, { ...fixture.record, version: 99 });
    const refusal = mustFail(await plugin(world, "CHECK", { ...call, more: { ...call.more, prevResult } }));
    expect(`${refusal.msg} ${refusal.details}`).toMatch(/version 99/);
    mustSucceed(await plugin(world, "DEL", { ...call, more: { ...call.more, prevResult } }));
    expect((await snapshot(world)).attachments.lines).toEqual([]);
  },
);

scene(
  "a record with a way of attaching that is not known is refused by name, GC leaves it alone, and DEL takes the attachment away",
  async (world) => {
    const fixture = fixtures.find(({ name }) => name === "everything")?.fixture;
    if (fixture === undefined) throw new Error("there is no fixture everything.json");
    const { call, prevResult, pod } = await attach(world, fixture, "red");
    const [path = ""] = pathsOfRecords(world);
    const written = JSON.parse(world.read(path)) as { link: object };
    world.write(path, JSON.stringify({ ...written, link: { ...written.link, kind: "tunnel" } }));
    const text = world.read(path);
    const refusal = mustFail(await plugin(world, "CHECK", { ...call, more: { ...call.more, prevResult } }));
    expect(`${refusal.msg} ${refusal.details}`).toMatch(
      /version 2 with a link of the kind "tunnel", which this/,
    );
    await pod.must("ip link delete eth0");
    const again = mustFail(await plugin(world, "ADD", call));
    expect([again.code, again.msg]).toEqual([103, expect.stringContaining('"tunnel"')]);
    await plugin(world, "GC", { network: call.network, more: { "cni.dev/valid-attachments": [] } });
    mustSucceed(await world.host.exec([`${PLUGIN_FOLDER}/pontoon`, "restore"]));
    expect(world.read(path)).toBe(text);
    mustSucceed(await plugin(world, "DEL", { ...call, more: { ...call.more, prevResult } }));
    expect((await snapshot(world)).attachments.lines).toEqual([]);
  },
);

async function attach(world: World, { network, more, env }: Fixture, name: string) {
  if (!world.has(`${PLUGIN_FOLDER}/static`)) addPlugins(world, "static");
  const pod: Pod = await world.pod(name);
  const call = { network, pod, containerId: "c1", ...(more && { more }), ...(env && { env }) };
  const prevResult: CniResult = await addDirectly(world, call);
  return { pod, call, prevResult };
}

/**
 * Puts the text of the fixture in the place of the record that the ADD wrote, for the same host, pod,
 * addresses and links.
 */
function replaceRecord(world: World, record: Record<string, unknown>): void {
  const [path = ""] = pathsOfRecords(world);
  const written = JSON.parse(world.read(path)) as Record<string, unknown>;
  const { host, namespace } = written;
  const ofThisHost = { host, namespace, ...linksOf(written) };
  world.write(path, `${JSON.stringify({ ...record, ...ofThisHost }, undefined, 1)}\n`);
}

function pathsOfRecords(world: World): string[] {
  return readdirSync(world.outside(RECORDS))
    .filter((file) => file.endsWith(".json"))
    .map((file) => `${RECORDS}/${file}`);
}

/** MACs that nobody can know before: each ADD chooses them. */
function linksOf({ hostMac, mac, ...others }: Record<string, unknown>): Record<string, unknown> {
  const link = others["link"] as { host: { mac: string }; pod: { mac: string } } | undefined;
  return { hostMac: link?.host.mac ?? hostMac, mac: link?.pod.mac ?? mac };
}
