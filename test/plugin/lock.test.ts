// Locks: nobody waits for ever, and a dead holder holds nothing.
import { describe, expect } from "vitest";
import { add, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { collect, redAndBlue } from "../support/collection.ts";
import { portConfig } from "../support/host-port.ts";
import { install, network } from "../support/network.ts";
import type { BackgroundProcess } from "../support/process.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";
import type { World } from "../support/world.ts";

const LEASES = "/var/lib/cni/networks/pods/lock";
const NODE = "/var/lib/cni/pontoon/.lock";

// The waits take seconds and no work, so they pass side by side.
describe.concurrent("a lock that another process holds", () => {
  for (const lock of [LEASES, NODE]) {
    scene(
      `${lock}: an ADD ends with code 11 and has done nothing; STATUS does not wait; later all is well`,
      async (world) => {
        const pods = install(world, network("pods"));
        const red = await world.pod("red");
        const blue = await world.pod("blue");
        await add(world, pods, red);
        // With the ruleset gone an ADD needs the node's lock, too.
        await world.host.must("nft flush ruleset");
        const before = await snapshot(world);
        const holder = await hold(world, lock);
        const refusal = mustFail(await plugin(world, "ADD", { network: pods, pod: blue }));
        expect(refusal.code).toBe(11);
        expect(refusal.details).toContain(lock);
        expect(refusal.details).toMatch(/waited 1\d(\.\d)? s for locks and other calls/);
        expect((await snapshot(world)).minus(before).lines).toEqual([]);
        mustSucceed(await plugin(world, "STATUS", { network: pods }));
        await holder.stop("SIGKILL");
        mustSucceed(await plugin(world, "ADD", { network: pods, pod: blue }));
        mustSucceed(await plugin(world, "DEL", { network: pods, pod: red }));
      },
      60_000,
    );
  }

  scene(
    "STATUS does not wait to close an interface whose guard was flushed: it says that it is open, and closes it later",
    async (world) => {
      const pods = install(world, network("pods", { capabilities: { portMappings: true } }));
      const call = { network: pods, pod: await world.pod("red") };
      const more = portConfig([{ hostPort: 8080, containerPort: 80 }]);
      mustSucceed(await plugin(world, "ADD", { ...call, more }));
      await world.host.must("nft flush ruleset");
      const holder = await hold(world, NODE);
      const start = performance.now();
      expect(mustFail(await plugin(world, "STATUS", { network: pods }))).toMatchObject({
        code: 50,
        msg: expect.stringContaining("pods0 has route_localnet") as string,
        details: expect.stringContaining(NODE) as string,
      });
      expect(performance.now() - start).toBeLessThan(5_000);
      await holder.stop("SIGKILL");
      mustSucceed(await plugin(world, "STATUS", { network: pods }));
      expect(await world.host.must("cat /proc/sys/net/ipv4/conf/pods0/route_localnet")).toBe("0\n");
    },
    60_000,
  );

  scene(
    "a DEL says so as well, takes no rule away without the lock, and its repetition completes it",
    async (world) => {
      const pods = install(world, network("pods"));
      await warmUp(world, pods);
      const red = await world.pod("red");
      const before = await snapshot(world);
      await add(world, pods, red);
      const rules = await ruleLines(world);
      const holder = await hold(world, LEASES);
      const refusal = mustFail(await plugin(world, "DEL", { network: pods, pod: red }));
      expect(await ruleLines(world)).toEqual(rules);
      expect(refusal.code).toBe(11);
      expect(refusal.details).toContain(LEASES);
      await holder.stop("SIGKILL");
      mustSucceed(await plugin(world, "DEL", { network: pods, pod: red }));
      expect((await snapshot(world)).minus(before).lines).toEqual([]);
    },
    60_000,
  );

  scene(
    "a GC with several stale pods, and a DEL that needs both locks, wait 10 s in all and not for each",
    async (world) => {
      const { pods, red } = await redAndBlue(world);
      await world.host.must("nft flush ruleset");
      const holders = await Promise.all([hold(world, LEASES), hold(world, NODE)]);
      const more = {
        runtimeConfig: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] },
      };
      const calls = [
        collect(world, pods, []),
        plugin(world, "DEL", { network: pods, pod: red, more }),
        plugin(world, "ADD", { network: pods, pod: await world.pod("late") }),
      ];
      for (const call of calls) {
        const start = performance.now();
        expect(mustFail(await call).code).toBe(11);
        expect(performance.now() - start).toBeLessThan(13_000);
      }
      await Promise.all(holders.map((holder) => holder.stop("SIGKILL")));
      mustSucceed(await collect(world, pods, []));
    },
    90_000,
  );

  scene(
    "an ADD says nothing of an ingress policy that it could not begin",
    async (world) => {
      await world.host.must("iptables -P FORWARD DROP");
      const pods = install(world, network("pods", { ingressPolicy: "open" }));
      await world.host.must(`mkdir -p ${NODE.slice(0, NODE.lastIndexOf("/"))}`);
      const before = await snapshot(world);
      const holder = await hold(world, NODE);
      const refusal = mustFail(
        await plugin(world, "ADD", {
          network: pods,
          pod: await world.pod("red"),
          env: { PATH: "/usr/sbin" },
        }),
      );
      expect(refusal.code).toBe(11);
      expect(refusal.details).not.toContain("Not undone");
      await holder.stop("SIGKILL");
      const after = await snapshot(world);
      expect([after.leases.minus(before.leases).lines, after.intents.lines]).toEqual([[], []]);
    },
    60_000,
  );

  scene(
    "a GC says so as well, takes no rule away without the lock, and its repetition completes it",
    async (world) => {
      const { pods, blue, onlyBlue } = await redAndBlue(world);
      // A GC waits for the lock once more for each record.
      await world.host.must("rm -r /var/lib/cni/pontoon");
      const rules = await ruleLines(world);
      const holder = await hold(world, LEASES);
      const refusal = mustFail(await collect(world, pods, [blue]));
      expect(await ruleLines(world)).toEqual(rules);
      expect(refusal.code).toBe(11);
      expect(refusal.details).toContain(LEASES);
      await holder.stop("SIGKILL");
      mustSucceed(await collect(world, pods, [blue]));
      const difference = (await snapshot(world)).minus(onlyBlue);
      expect(difference.outside((all) => all.below("/var/lib/cni/pontoon")).lines).toEqual([]);
    },
    60_000,
  );
});

/** The rules of nftables, elements and all. */
async function ruleLines(world: World): Promise<string[]> {
  return (await snapshot(world)).nftables.lines;
}

/** A process that holds the lock until it is stopped. */
async function hold(world: World, path: string): Promise<BackgroundProcess> {
  const holder = world.host.start(["flock", path, "sh", "-c", "echo held; exec cat"], { timeoutMs: 60_000 });
  await holder.says("held");
  return holder;
}
