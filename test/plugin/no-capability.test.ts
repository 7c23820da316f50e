// Calls of a runtime that has lost CAP_NET_ADMIN: the kernel refuses, each call says so, and none waits for
// an answer that does not come.
import { expect } from "vitest";
import { add, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { install, type NetworkWishes } from "../support/network.ts";
import { WAYS } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { toolPath } from "../support/tool.ts";

const WISHES: NetworkWishes = {
  subnets: ["10.1.0.0/24", "fd01::/64"],
  ipspoofchk: true,
  ingressPolicy: "same-bridge",
};

for (const { way, networkOf } of WAYS)
  scene(
    `by ${way}: without CAP_NET_ADMIN a DEL tells of the refusal alone, and the next one makes all good`,
    async (world) => {
      const pods = install(world, networkOf("pods", WISHES));
      const red = await world.pod("red");
      const before = await snapshot(world);
      await add(world, pods, red);
      const through = [toolPath("setpriv"), "--bounding-set=-net_admin"];
      const { code, details } = mustFail(await plugin(world, "DEL", { network: pods, pod: red, through }));
      expect(code).toBe(160);
      expect(details).toContain("Cause: EPERM. Hint: Run the runtime as root with CAP_NET_ADMIN");
      expect(details).not.toContain("ETIMEDOUT");
      mustSucceed(await plugin(world, "DEL", { network: pods, pod: red }));
      expect((await snapshot(world)).attachments.minus(before.attachments).lines).toEqual([]);
    },
  );
