// An address is free when nobody has it any more, and not before: DEL gives it back when the pod's interface
// has gone.
import { expect } from "vitest";
import { add, addressOf, del, mustSucceed } from "../support/cni.ts";
import { holdAtOrEnd } from "../support/held.ts";
import { hostLinkOf } from "../support/link.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { atEveryMoment } from "../support/strace.ts";
import type { World } from "../support/world.ts";

const LEASES = "/var/lib/cni/networks/pods";
/** Two addresses, which are given in turn. */
const POOL = {
  type: "host-local",
  ranges: [[{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.2", rangeEnd: "10.1.0.3" }]],
};

/**
 * Of the kinds of system call that a DEL makes before the veth has gone: requests to the kernel, and locks.
 */
for (const kind of ["sendto", "flock"]) {
  scene(
    `as long as the veth is there its pod has the lease, and another ADD gets another address, before any ${kind} of DEL`,
    async (world) => {
      const pods = install(world, network("pods", { ipam: POOL }));
      const [red, blue] = [await world.pod("red"), await world.pod("blue")];
      const wrong: string[] = [];
      let [held, asked] = [0, 0];
      await atEveryMoment(
        async (moment) => {
          const address = addressOf(await add(world, pods, red));
          // Red's address is the next in turn.
          await add(world, pods, blue);
          await del(world, pods, blue);
          const link = await hostLinkOf(world, red);
          await using deleting = await holdAtOrEnd(world, "DEL", { network: pods, pod: red }, moment);
          if (deleting.isOver) {
            mustSucceed(await deleting.outcome);
            return false;
          }
          if (await hasLink(world, link)) {
            held++;
            if (!world.has(`${LEASES}/${address}`)) wrong.push(`no lease before ${kind} ${moment.count}`);
            if (await isFree(world, `${LEASES}/lock`)) {
              asked++;
              if (addressOf(await add(world, pods, blue)) === address)
                wrong.push(`given away before ${kind} ${moment.count}`);
            }
          }
          mustSucceed(await deleting.goOn());
          await del(world, pods, blue);
          return true;
        },
        [kind],
      );
      expect(wrong).toEqual([]);
      expect(held).toBeGreaterThan(0);
      expect(asked).toBeGreaterThan(0);
    },
    60_000,
  );
}

async function hasLink(world: World, name: string): Promise<boolean> {
  return (await world.host.exec(`ip link show ${name}`)).status === 0;
}

/** True when nobody holds the lock: a DEL that stands still with it keeps everybody waiting. */
async function isFree(world: World, lock: string): Promise<boolean> {
  return (await world.host.exec(`flock --nonblock ${lock} true`)).status === 0;
}
