// A call that cannot come back from the pod's namespace to the host's. It must not go on: whatever it did
// from there, the removal of its own work too, would hit the pod.
import { expect } from "vitest";
import { mustSucceed, plugin } from "../support/cni.ts";
import { hostForAllSteps } from "../support/every-step.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { failingAt, TRACE } from "../support/strace.ts";

for (const verb of ["ADD", "DEL"] as const) {
  scene(
    `${verb}: a call that cannot leave the pod's namespace says so and ends at once; the next DEL clears all away`,
    async (world) => {
      const { call, baseline } = await hostForAllSteps(world);
      const wrong: unknown[] = [];
      let ways = 0;
      for (let wasHurt = true; wasHurt; ways += 1) {
        if (verb === "DEL") mustSucceed(await plugin(world, "ADD", call));
        // The thread enters and leaves by turns, so each second one is the way back.
        const count = 2 * ways + 2;
        const through = failingAt({ kind: "setns", count }, "ENOMEM");
        const { status, stdout, stderr } = await plugin(world, verb, { ...call, through });
        const trace = world.read(TRACE);
        wasHurt = trace.includes("(INJECTED)");
        const isSaid = stderr.includes("refused the way back to the host's: ENOMEM");
        const isLast = trace.match(/^setns/gm)?.length === count;
        if (wasHurt && !(status === undefined && stdout === "" && isSaid && isLast))
          wrong.push({ count, status, stdout, stderr, trace });
        mustSucceed(await plugin(world, "DEL", call));
        const left = (await snapshot(world)).minus(baseline);
        if (!left.isEmpty) wrong.push({ count, left: left.lines });
      }
      expect(wrong).toEqual([]);
      expect(ways).toBeGreaterThan(1);
    },
    60_000,
  );
}
