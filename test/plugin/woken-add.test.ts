// An ADD that stood still (frozen, swapped out) while its place was cleared away, and its address given to
// another pod: when it goes on, the new owner keeps everything.
import { expect } from "vitest";
import { addressOf, type CniResult, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { holdAtOrEnd, locksOf } from "../support/held.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot, snapshotOfFiles } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";
import { atEveryMoment, type Moment } from "../support/strace.ts";
import type { World } from "../support/world.ts";

const LEASES = "/var/lib/cni/networks/pods";
const RECORDS = "/var/lib/cni/pontoon/pods";

scene(
  "an ADD that wakes when its lease and its intent are gone takes nothing from the pod that has its address now",
  async (world) => {
    const pods = install(world, network("pods", { macspoofchk: true }));
    await warmUp(world, pods);
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    const baseline = await snapshot(world);
    const ofRed = { network: pods, pod: red };
    const ofBlue = { network: pods, pod: blue };
    const wrong: string[] = [];
    const codes: number[] = [];
    let owners = 0;
    await atEveryMoment(
      async (moment) => {
        // Each of the two pods is given the first address of the subnet.
        await clear(world);
        await using adding = await holdAtOrEnd(world, "ADD", ofRed, moment);
        const { isOver } = adding;
        const isFree = !isOver && !locksOf("pods").some((path) => adding.holdsLock(path));
        const isKnown = isFree && !(await snapshotOfFiles(world)).intents.isEmpty;
        if (!isKnown) {
          mustSucceed(await (isOver ? adding.outcome : adding.goOn()));
          mustSucceed(await plugin(world, "DEL", ofRed));
          return !isOver;
        }
        await clear(world);
        const outcome = await plugin(world, "ADD", ofBlue);
        const elements = await elementsOf(world, blue.containerId);
        codes.push(mustFail(await frozenAndWoken(adding.pid, () => adding.goOn())).code);
        if (outcome.status === 0) {
          owners += 1;
          const address = addressOf(JSON.parse(outcome.stdout) as CniResult);
          if (address !== "10.1.0.2") wrong.push(`${at(moment)}: blue got ${address}`);
          if (elements.length !== 3) wrong.push(`${at(moment)}: blue had ${elements.length} elements`);
          if ((await elementsOf(world, blue.containerId)).join() !== elements.join())
            wrong.push(`${at(moment)}: blue lost elements`);
        }
        mustSucceed(await plugin(world, "DEL", ofBlue));
        mustSucceed(await plugin(world, "DEL", ofRed));
        expect((await snapshot(world)).minus(baseline).lines).toEqual([]);
        return true;
      },
      ["sendto"],
    );
    expect(wrong).toEqual([]);
    // Inside the step that masquerades an ADD asks no more, but finds the element of the new owner.
    expect(codes.filter((code) => code !== 11).length).toBeLessThan(3);
    expect(owners).toBeGreaterThan(3);
  },
  240_000,
);

/** Freezes a call that stands at a system call, lets go of it there, and thaws it. */
async function frozenAndWoken<T>(pid: number, goOn: () => Promise<T>): Promise<T> {
  process.kill(pid, "SIGSTOP");
  const outcome = goOn();
  process.kill(pid, "SIGCONT");
  return outcome;
}

/** The elements of nftables that name the container. */
async function elementsOf(world: World, containerId: string): Promise<string[]> {
  const rules = await world.host.must("nft list ruleset");
  const elements = rules.split(/[,{}]/).map((text) => text.trim());
  return elements.filter((text) => text.includes(containerId)).sort();
}

const at = ({ kind, count }: Moment): string => `before ${kind} ${count}`;

/** Removes lease and intent, and the memory of the last address, as a person does who clears a full node. */
async function clear(world: World): Promise<void> {
  const files = `${RECORDS}/*.intent ${LEASES}/10.1.* ${LEASES}/last_reserved_ip.0`;
  await world.host.must(["sh", "-c", `rm -f ${files}`]);
}
