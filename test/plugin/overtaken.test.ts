// A DEL for an ADD that still runs: its runtime died and was started again, the plugin lived on. Nothing of it may stay, and
// an address must not be free while somebody still sets it up.
import { expect } from "vitest";
import { mustSucceed, plugin } from "../support/cni.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { changes, snapshot } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";
import { delayedAt, type Moment } from "../support/strace.ts";
import { waitFor } from "../support/wait.ts";

const PAUSE_MS = 400;

scene("a DEL at any moment of an ADD leaves nothing, whichever of the two is the slower one", async (world) => {
  const pods = install(world, network("pods"));
  await warmUp(world, pods);
  const red = await world.pod("red");
  const baseline = await snapshot(world);
  const call = { network: pods, pod: red };
  const records = async (): Promise<string> => world.host.must("ls /var/lib/cni/pontoon/pods");
  // Netlink requests of an ADD after its intent is written, up to the last one.
  for (const count of [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) {
    for (const slowDel of [false, true]) {
      const moment: Moment = { kind: "sendto", count };
      const adding = plugin(world, "ADD", { ...call, through: delayedAt(moment, PAUSE_MS) });
      await waitFor("the ADD has written its intent", async () => /intent|json/.test(await records()));
      const through = slowDel ? delayedAt({ kind: "flock", count: 2 }, 2 * PAUSE_MS) : [];
      mustSucceed(await plugin(world, "DEL", { ...call, through }));
      await adding;
      const left = changes(baseline, await snapshot(world)).filter((line) => line.startsWith("+ ") && !line.includes("last_reserved_ip"));
      expect(left, `${count}, ${slowDel ? "slow" : "fast"} DEL`).toEqual([]);
    }
  }
}, 120_000);
