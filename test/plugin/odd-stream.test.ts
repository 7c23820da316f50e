// Streams and files that are not as usual: closed, or a pipe in the place of a file.
import { expect } from "vitest";
import { mustFail, type PluginCall, plugin } from "../support/cni.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";
import type { World } from "../support/world.ts";

async function stage(world: World) {
  const pods = install(world, network("pods"));
  await warmUp(world, pods);
  const call: PluginCall = { network: pods, pod: await world.pod("red") };
  return { call, baseline: await snapshot(world) };
}

scene("an ADD whose stdout is closed from the start fails and leaves nothing", async (world) => {
  const { call, baseline } = await stage(world);
  const outcome = await plugin(world, "ADD", { ...call, through: ["sh", "-c", 'exec "$@" >&-', "sh"] });
  expect([outcome.status, outcome.stdout]).toEqual([1, ""]);
  expect(outcome.stderr).toContain("the result could not be printed");
  expect((await snapshot(world)).minus(baseline).lines).toEqual([]);
});

scene(
  "a pipe or a device in the place of resolvConf or of the allow list is refused at once",
  async (world) => {
    const { call, baseline } = await stage(world);
    const [plain] = call.network.plugins;
    await world.host.must("mkdir -p /etc/cni/tuning");
    for (const path of ["/run/world/pipe", "/dev/zero"]) {
      if (path !== "/dev/zero") await world.host.must(`mkfifo ${path}`);
      const network = {
        ...call.network,
        plugins: [{ ...plain, ipam: { ...plain.ipam!, resolvConf: path } }],
      };
      const refusal = mustFail(await plugin(world, "ADD", { ...call, network: network as never }));
      expect(refusal.code).toBe(7);
      expect(refusal.details).toContain("it is no file");
    }
    expect((await snapshot(world)).minus(baseline).lines).toEqual([]);
  },
);
