// A call lives for some milliseconds. A thread or process that prepares for a longer life would only take the
// processor away from it, and from the other calls of a busy node. And a namespace is entered by a thread, so
// there has to be one alone.
import { expect } from "vitest";
import { mustSucceed, plugin } from "../support/cni.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { toolPath } from "../support/tool.ts";

const TRACE = "/run/world/threads";

for (const verb of ["ADD", "DEL"] as const) {
  scene(`a ${verb} starts no thread and no process`, async (world) => {
    const pods = install(world, network("pods", { subnets: ["10.1.0.0/24", "fd01::/64"] }));
    const call = { network: pods, pod: await world.pod("red") };
    if (verb === "DEL") mustSucceed(await plugin(world, "ADD", call));
    mustSucceed(
      await plugin(world, verb, {
        ...call,
        through: [
          toolPath("strace"),
          "-f",
          "-qq",
          "-o",
          TRACE,
          "-e",
          "trace=clone,clone3,fork,vfork,exit_group",
        ],
      }),
    );
    const trace = (await world.host.exec(["cat", TRACE])).stdout;
    // The trace has seen the call to its end, so it would have seen a thread.
    expect(trace).toContain("exit_group(0)");
    expect(trace).not.toMatch(/clone|fork/);
  });
}
