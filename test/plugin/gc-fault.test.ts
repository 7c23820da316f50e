// A GC that the kernel refuses something: an address is free only when nothing points at it.
import { expect } from "vitest";
import { addDirectly, addressesOf, mustSucceed, plugin } from "../support/cni.ts";
import { collect, listed } from "../support/collection.ts";
import { complaintAbout, freedTooEarly } from "../support/complaint.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";
import { atEveryMoment, failingFrom, TRACE } from "../support/strace.ts";

/** The ways by which a GC knows a stale attachment. */
const WAYS = [
  { name: "by its record", before: "true" },
  { name: "by its traces alone", before: "rm -r /var/lib/cni/pontoon" },
];

for (const { name, before } of WAYS) {
  scene(
    `${name}: a GC that is refused all netlink from any request on leases no address that a rule names; the next one completes it`,
    async (world) => {
      const pods = install(world, network("pods"));
      await warmUp(world, pods);
      const call = { network: pods, pod: await world.pod("red") };
      const baseline = await snapshot(world);
      const wrong: Record<string, string> = {};
      let kept = 0;
      await atEveryMoment(
        async (moment) => {
          const addresses = addressesOf(await addDirectly(world, call));
          await world.host.must(before);
          const through = failingFrom(moment, "ENOMEM");
          const more = { "cni.dev/valid-attachments": listed([]) };
          const outcome = await plugin(world, "GC", { network: pods, more, through });
          const wasHurt = world.read(TRACE).includes("(INJECTED)");
          const complaint = outcome.status === 0 ? undefined : complaintAbout(outcome);
          const freed = complaint ?? (await freedTooEarly(world, addresses));
          if (freed !== undefined) wrong[`${moment.kind} ${moment.count}`] = freed;
          if (addresses.every((address) => world.has(`/var/lib/cni/networks/pods/${address}`))) kept += 1;
          mustSucceed(await collect(world, pods, []));
          const left = (await snapshot(world)).minus(baseline).added.attachments.lines;
          expect([moment, left]).toEqual([moment, []]);
          return wasHurt;
        },
        ["sendto"],
      );
      expect(wrong).toEqual({});
      expect(kept).toBeGreaterThan(0);
    },
    120_000,
  );
}
