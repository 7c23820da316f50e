// A namespace that cannot be opened is not one that has gone: its pod keeps its address, its rules and its
// record.
import { expect } from "vitest";
import { add, addressOf, mustFail, plugin } from "../support/cni.ts";
import { dies, hostLinkOf } from "../support/link.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";
import { toolPath } from "../support/tool.ts";

/** One address. */
const POOL = {
  type: "host-local",
  ranges: [[{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.2", rangeEnd: "10.1.0.2" }]],
};
const TRACE = "/run/world/strace";

for (const errno of ["EACCES", "EPERM", "EMFILE", "ENFILE"]) {
  scene(
    `${errno}: an ADD on a full pool is refused, although the pod that holds the address has no veth any more`,
    async (world) => {
      const pods = install(world, network("pods", { ipam: POOL }));
      await warmUp(world, pods);
      const [red, blue] = [await world.pod("red"), await world.pod("blue")];
      await add(world, pods, red);
      await world.host.must(`ip link del ${await hostLinkOf(world, red)}`);
      const before = await snapshot(world);
      const through = [
        toolPath("strace"),
        "-qq",
        "-o",
        TRACE,
        "-P",
        red.namespace,
        "-e",
        "trace=openat",
        "-e",
        `inject=openat:error=${errno}`,
      ];
      const error = mustFail(await plugin(world, "ADD", { network: pods, pod: blue, through }));
      expect(world.read(TRACE)).toContain(`"${red.namespace}", `);
      expect(error).toMatchObject({
        code: 100,
        details: expect.stringContaining(
          `container ${red.containerId} (network pods, eth0): open ${red.namespace}: ${errno}`,
        ) as string,
      });
      expect((await snapshot(world)).minus(before).lines).toEqual([]);
    },
  );
}

scene("the same pod is dead when its namespace has gone, and an ADD gets its address", async (world) => {
  const pods = install(world, network("pods", { ipam: POOL }));
  const [red, blue] = [await world.pod("red"), await world.pod("blue")];
  const address = addressOf(await add(world, pods, red));
  await dies(world, red);
  expect(addressOf(await add(world, pods, blue))).toBe(address);
});
