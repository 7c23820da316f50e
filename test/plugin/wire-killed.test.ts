// SIGKILL before each single thing that a call on a wire does, and the ways on from there: nothing is left,
// and nobody's end is lost.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import {
  add,
  addDirectly,
  addressesOf,
  type CniResult,
  del,
  mustSucceed,
  type PluginCall,
  plugin,
} from "../support/cni.ts";
import { listed } from "../support/collection.ts";
import { dieAt } from "../support/hurt.ts";
import { install, type Network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { atEveryMoment, type Moment } from "../support/strace.ts";
import { pings } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";
import { holdings, hostLinks, WIRE_WITH_ALL, wireNetwork } from "../support/wire.ts";
import { openWorld, type Pod, type World } from "../support/world.ts";

const LIMIT_MS = 240_000;
/** The system calls that change links and records; those of leases are killed in killed-step.test.ts. */
const CHANGING = ["sendto", "renameat2"];

/** The ways on from a killed call of a pod: what the runtime does next. */
const WAYS_ON: { name: string; goOn(world: World, call: PluginCall, stays: Pod[]): Promise<unknown> }[] = [
  { name: "its DEL", goOn: async (world, call) => mustSucceed(await plugin(world, "DEL", call)) },
  {
    name: "the same ADD and its DEL",
    async goOn(world, call, stays) {
      // A call that was not killed, or a DEL that had just begun, has left a whole attachment.
      const again = await plugin(world, "ADD", call);
      if (again.status !== 0) mustSucceed(await plugin(world, "DEL", call));
      const result =
        again.status === 0 ? (JSON.parse(again.stdout) as CniResult) : await addDirectly(world, call);
      for (const pod of stays)
        for (const address of addressesOf(result)) expect(await pings(pod, address)).toBe(true);
      mustSucceed(await plugin(world, "DEL", call));
    },
  },
  {
    name: "a GC that does not list it",
    async goOn(world, call, stays) {
      const more = { "cni.dev/valid-attachments": listed(stays) };
      mustSucceed(await plugin(world, "GC", { ...call, more }));
    },
  },
];

async function stage(world: World) {
  const lab = install(world, wireNetwork("lab", WIRE_WITH_ALL));
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  await add(world, lab, blue);
  await add(world, lab, red);
  await del(world, lab, red);
  return { lab, red, blue, call: { network: lab, pod: red } };
}

scene(
  "an ADD of the second member that dies before its answer, and its DEL, leave a free end that nobody has left",
  async (world) => {
    const lab = install(world, wireNetwork("lab", WIRE_WITH_ALL));
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    await add(world, lab, red);
    const [before, call] = [await hostLinks(world), { network: lab, pod: blue }];
    await atEveryMoment(
      async (moment) => {
        const died = await dieAt(world, "ADD", call, moment);
        mustSucceed(await plugin(world, "DEL", call));
        // An ADD that has come to its answer has made a member, which then leaves.
        if (!died) return false;
        expect(await hostLinks(world), text(moment)).toEqual(before);
        return true;
      },
      ["sendto"],
    );
  },
  LIMIT_MS,
);

for (const { name, goOn } of WAYS_ON) {
  scene(
    `an ADD of the second member that dies before any one of its steps is made good by ${name}`,
    async (world) => {
      const { call, blue } = await stage(world);
      const before = { blue: await holdings(blue), ...(await facts(world)) };
      await atEveryMoment(async (moment) => {
        const died = await dieAt(world, "ADD", call, moment);
        await goOn(world, call, [blue]);
        expect({ blue: await holdings(blue), ...(await facts(world)) }, text(moment)).toEqual(before);
        return died;
      }, CHANGING);
    },
    LIMIT_MS,
  );

  scene(
    `an ADD of the first member that dies before any one of its steps is made good by ${name}`,
    async (world) => {
      const { call, lab, blue } = await stage(world);
      await del(world, lab, blue);
      const before = await facts(world);
      await atEveryMoment(async (moment) => {
        const died = await dieAt(world, "ADD", call, moment);
        await goOn(world, call, []);
        expect(await facts(world), text(moment)).toEqual(before);
        return died;
      }, CHANGING);
    },
    LIMIT_MS,
  );

  scene(
    `a DEL of either member that dies before any one of its steps is made good by ${name}`,
    async (world) => {
      const { call, lab, blue } = await stage(world);
      await del(world, lab, blue);
      const before = await facts(world);
      await atEveryMoment(async (moment) => {
        await add(world, lab, blue);
        await addDirectly(world, call);
        const held = await holdings(blue);
        const died = await dieAt(world, "DEL", call, moment);
        await goOn(world, call, [blue]);
        expect(await holdings(blue), text(moment)).toEqual(held);
        await dieAt(world, "DEL", { network: lab, pod: blue }, moment);
        await goOn(world, { network: lab, pod: blue }, []);
        expect(await facts(world), text(moment)).toEqual(before);
        return died;
      }, CHANGING);
    },
    LIMIT_MS,
  );
}

scene(
  "an ADD that dies while it gives a survivor its end again: the next one completes that",
  async (world) => {
    const { call, lab, blue } = await stage(world);
    const before = await holdings(blue);
    await atEveryMoment(
      async (moment) => {
        await loseWire(world, lab, blue);
        const died = await dieAt(world, "ADD", call, moment);
        mustSucceed(await plugin(world, "DEL", call));
        const result = await addDirectly(world, call);
        expect(await holdings(blue), text(moment)).toEqual(before);
        for (const address of addressesOf(result))
          expect(await pings(blue, address), text(moment)).toBe(true);
        mustSucceed(await plugin(world, "DEL", call));
        return died;
      },
      ["sendto"],
    );
  },
  LIMIT_MS,
);

scene(
  "an ADD that dies before any one of its steps, and a reboot: two others join, and GC leaves nothing of it",
  async (world) => {
    const { call, lab } = await stage(world);
    await atEveryMoment(async (moment) => {
      const died = await dieAt(world, "ADD", call, moment);
      await using rebooted = await openWorld();
      copyState(world, rebooted);
      install(rebooted, lab);
      const [green, pink] = [await rebooted.pod("green"), await rebooted.pod("pink")];
      await add(rebooted, lab, green);
      for (const address of addressesOf(await add(rebooted, lab, pink)))
        expect(await pings(green, address), text(moment)).toBe(true);
      const more = { "cni.dev/valid-attachments": listed([green, pink]) };
      mustSucceed(await plugin(rebooted, "GC", { network: lab, more }));
      expect((await snapshot(rebooted)).records.lines, text(moment)).toHaveLength(2);
      mustSucceed(await plugin(world, "DEL", call));
      return died;
    }, CHANGING);
  },
  LIMIT_MS,
);

/** The links of the node, the leases and the records: what a call may leave. */
async function facts(world: World) {
  const { leases, records } = await snapshot(world);
  return { links: await hostLinks(world), leases: leases.names, records: records.lines };
}

function text({ kind, count }: Moment): string {
  return `killed before ${kind} ${count}`;
}

/** A pod joins the survivor, and its namespace dies with the wire. */
async function loseWire(world: World, lab: Network, survivor: Pod): Promise<void> {
  const dying = await world.pod("dying");
  const call = { network: lab, pod: dying };
  await addDirectly(world, call);
  await world.removePod(dying);
  await waitFor(
    "the wire has gone with its namespace",
    async () => (await survivor.exec("ip link show eth0")).status !== 0,
  );
  mustSucceed(await plugin(world, "DEL", { ...call, netns: "" }));
}

/** What a disk keeps over a reboot. */
function copyState(from: World, to: World): void {
  for (const folder of ["networks/lab", "pontoon/lab"].map((name) => join("/var/lib/cni", name)))
    for (const name of readdirSync(from.outside(folder)))
      to.write(join(folder, name), from.read(join(folder, name)));
}
