// An ADD that is running has no veth yet, or no address in it: a GC or the DEL of another pod beside it takes
// nothing that it holds.
import { expect } from "vitest";
import { add, addressOf, type CniResult, del, mustSucceed, type PluginCall, plugin } from "../support/cni.ts";
import { collect } from "../support/collection.ts";
import { holdAtOrEnd, locksOf } from "../support/held.ts";
import { filterLines } from "../support/ingress.ts";
import { install, network } from "../support/network.ts";
import { iptablesVariants } from "../support/reference.ts";
import { scene } from "../support/scene.ts";
import { snapshotOfFiles } from "../support/snapshot.ts";
import { atEveryMoment } from "../support/strace.ts";
import { toolPath } from "../support/tool.ts";
import type { World } from "../support/world.ts";

/** Somebody else's work beside an ADD that stands still. */
interface Beside {
  /** Before the ADD begins. */
  before?: () => Promise<unknown>;
  /** While it stands still; false when there was nothing to do at that moment. */
  meanwhile: () => Promise<boolean>;
  /** When it has ended well. */
  after: (result: CniResult) => Promise<unknown>;
}

/**
 * Plays it before every netlink request of an ADD that holds no lock, after which the pod is detached again;
 * gives how often there was something to do.
 */
async function besideAdd(
  world: World,
  call: PluginCall,
  { before, meanwhile, after }: Beside,
): Promise<number> {
  let times = 0;
  await atEveryMoment(
    async (moment) => {
      await before?.();
      await using adding = await holdAtOrEnd(world, "ADD", call, moment);
      const { isOver } = adding;
      if (!isOver && !locksOf("pods").some((path) => adding.holdsLock(path)) && (await meanwhile()))
        times += 1;
      const { stdout } = mustSucceed(await (isOver ? adding.outcome : adding.goOn()));
      await after(JSON.parse(stdout) as CniResult);
      mustSucceed(await plugin(world, "DEL", call));
      return !isOver;
    },
    ["sendto"],
  );
  return times;
}

/** The addresses that are leased. */
async function leases(world: World): Promise<string[]> {
  return (await snapshotOfFiles(world)).leases.names;
}

scene(
  "GC leaves the lease of an ADD that is running, though the runtime does not list it yet",
  async (world) => {
    const pods = install(world, network("pods"));
    const call = { network: pods, pod: await world.pod("red") };
    const times = await besideAdd(world, call, {
      meanwhile: async () => {
        const held = await leases(world);
        mustSucceed(await collect(world, pods, []));
        expect(await leases(world)).toEqual(held);
        return held.length === 1;
      },
      after: async (result) => {
        expect(await leases(world)).toEqual([addressOf(result)]);
        mustSucceed(await plugin(world, "CHECK", { ...call, more: { prevResult: result } }));
      },
    });
    expect(times).toBeGreaterThan(3);
  },
  120_000,
);

scene(
  "the DEL of the last pod with an ingress policy leaves the rules that an ADD beside it has found",
  async (world) => {
    for (const program of ["iptables", "ip6tables"])
      await world.host.must(`${toolPath(`${program}-nft`)} -P FORWARD DROP`);
    const { env } = iptablesVariants(world).find(({ name }) => name === "nft")!;
    const pods = install(
      world,
      network("pods", { ingressPolicy: "isolated", subnets: ["10.1.0.0/24", "fd01::/64"] }),
    );
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    const call = { network: pods, pod: blue, env };
    let rules: string[] = [];
    const times = await besideAdd(world, call, {
      before: async () => {
        await add(world, pods, red, env);
        rules = await policyRules(world);
      },
      meanwhile: async () => {
        await del(world, pods, red, env);
        return true;
      },
      after: async (prevResult) => {
        expect(await policyRules(world)).toEqual(rules);
        mustSucceed(await plugin(world, "CHECK", { ...call, more: { prevResult } }));
        await del(world, pods, red, env);
      },
    });
    expect(times).toBeGreaterThan(5);
  },
  120_000,
);

/** All rules that the policy is made of. */
async function policyRules(world: World): Promise<string[]> {
  return [...(await filterLines(world)), await world.host.must("nft -s list table inet pontoon-ingress")];
}
