// A call that cannot come back from the pod's namespace to the host's. It must not go on: whatever it did from
// there on, the removal of its own work too, would hit the pod.
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
      let count = 0;
      for (;;) {
        if (verb === "DEL") mustSucceed(await plugin(world, "ADD", call));
        // The thread enters and leaves by turns, so each second one is the way back.
        const through = failingAt({ kind: "setns", count: (count += 2) }, "ENOMEM");
        const { status, stdout, stderr } = await plugin(world, verb, { ...call, through });
        const trace = world.read(TRACE);
        if (trace.includes("INJECTED")) {
          expect([status, stdout]).toEqual([undefined, ""]);
          expect(stderr).toContain("refused the way back to the host's: ENOMEM");
          expect(trace.match(/^setns/gm)).toHaveLength(count);
        }
        mustSucceed(await plugin(world, "DEL", call));
        expect((await snapshot(world)).minus(baseline).lines).toEqual([]);
        if (!trace.includes("INJECTED")) break;
      }
      expect(count).toBeGreaterThan(2);
    },
    60_000,
  );
}
