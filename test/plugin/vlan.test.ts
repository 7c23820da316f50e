// Networks in VLANs. On a kernel that can filter by them test/vlan/scenes.sh is played; on one that cannot,
// every ADD is refused with the name of what is missing in the kernel.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { Netns } from "../support/netns.ts";
import { install, network } from "../support/network.ts";
import { busyHost, refused } from "../support/refusal.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { REPOSITORY, toolPath } from "../support/tool.ts";
import { pluginBinary } from "../support/world.ts";

const TRUNK = [{ id: 200 }, { minID: 300, maxID: 310 }];

if (kernelFilters()) {
  test("the scenes of test/vlan, with the reference beside", { timeout: 300_000 }, () => {
    const env = { ...process.env, REFERENCE: dirname(toolPath("host-local")) };
    const { status, stdout, stderr } = spawnSync(join(REPOSITORY, "test/vlan/scenes.sh"), [pluginBinary()], {
      encoding: "utf8",
      env,
      timeout: 280_000,
    });
    expect(status, stdout + stderr).toBe(0);
    console.log(stdout);
  });
} else {
  scene(
    "this kernel cannot filter by VLANs: the first ADD of such a network says so and leaves nothing, and DEL succeeds",
    async (world) => {
      const red = await world.pod("red");
      for (const wishes of [
        { vlan: 100 },
        { vlanTrunk: TRUNK },
        { vlan: 100, vlanTrunk: TRUNK, preserveDefaultVlan: true, isGateway: false },
      ]) {
        const pods = install(world, network("pods", wishes));
        const before = await snapshot(world);
        const error = mustFail(await plugin(world, "ADD", { network: pods, pod: red }));
        expect(error).toMatchObject({ code: 110, msg: "bridge cannot be used: pods0" });
        expect(error.details).toMatch(
          /^Tried to create bridge pods0\. Cause: EOPNOTSUPP\. Hint: Use a kernel that was built with CONFIG_BRIDGE_VLAN_FILTERING/,
        );
        expect((await snapshot(world)).minus(before).lines).toEqual([]);
        mustSucceed(await plugin(world, "DEL", { network: pods, pod: red }));
      }
    },
  );

  scene(
    "this kernel cannot filter by VLANs: on a bridge that is in use such a network is refused before anything changes",
    async (world) => {
      const { blue } = await busyHost(world);
      const error = await refused(world, {
        network: network("others", { bridge: "pods0", subnets: ["10.2.0.0/24"], vlan: 100 }),
        pod: blue,
      });
      expect(error).toMatchObject({
        code: 110,
        msg: 'bridge cannot be used: "pods0" cannot filter by VLANs',
      });
      expect(error.details).toMatch(
        /Cause: the kernel was built without CONFIG_BRIDGE_VLAN_FILTERING\. Hint: Use a kernel/,
      );
    },
  );
}

/** By the word of `ip`: it is refused a bridge that filters. */
function kernelFilters(): boolean {
  using host = Netns.open();
  const [file = "", ...args] = host.command([
    "ip",
    "link",
    "add",
    "name",
    "probe",
    "type",
    "bridge",
    "vlan_filtering",
    "1",
  ]);
  return spawnSync(file, args, { timeout: 10_000 }).status === 0;
}
