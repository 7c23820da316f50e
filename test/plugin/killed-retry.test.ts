// An ADD that was killed may be tried again without a DEL between, in the same pod.
import { expect } from "vitest";
import { addressesOf, type CniResult, mustSucceed, plugin } from "../support/cni.ts";
import { dieAt } from "../support/hurt.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { atEveryMoment } from "../support/strace.ts";

scene(
  "an ADD that dies before any one of its steps may be repeated at once, and works",
  async (world) => {
    const pods = install(
      world,
      network("pods", { subnets: ["10.1.0.0/24", "fd01::/64"], macspoofchk: true }),
    );
    const red = await world.pod("red");
    const call = { network: pods, pod: red };
    await atEveryMoment(
      async (moment) => {
        const died = await dieAt(world, "ADD", call, moment);
        if (!died) mustSucceed(await plugin(world, "DEL", call));
        const added = mustSucceed(await plugin(world, "ADD", call));
        expect(
          addressesOf(JSON.parse(added.stdout) as CniResult),
          `killed before ${moment.kind} ${moment.count}`,
        ).toHaveLength(2);
        // The MAC of the killed ADD is not let through.
        expect((await world.host.must("nft list set bridge pontoon source")).match(/"veth/g)).toHaveLength(1);
        mustSucceed(await plugin(world, "DEL", call));
        return died;
      },
      ["sendto", "renameat2"],
    );
  },
  120_000,
);
