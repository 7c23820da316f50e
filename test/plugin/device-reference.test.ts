// A device in a pod beside the reference host-device: the result of each version, what the pod reaches, what
// is there after DEL.
import { symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import { type CniResult, mustSucceed, plugin } from "../support/cni.ts";
import { deviceNetwork, LAN_RANGES, plugIn } from "../support/device.ts";
import { linkOf } from "../support/link.ts";
import { CNI_VERSIONS, type Network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { toolPath } from "../support/tool.ts";
import { pings } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";
import { PLUGIN_FOLDER, type Pod, type World } from "../support/world.ts";

/** What a runtime and a pod see of an attachment. */
async function played(world: World, network: Network, pod: Pod): Promise<object> {
  const { type } = network.plugins[0];
  const through = type === "pontoon" ? [] : ["sh", "-c", `exec ${PLUGIN_FOLDER}/${type}`];
  const call = { network, pod, through };
  const result = JSON.parse(mustSucceed(await plugin(world, "ADD", call)).stdout) as CniResult;
  // The far end takes a moment to notice that its cable is plugged in again.
  for (const address of ["10.5.0.1", "fd05::1", "10.9.0.1"])
    await waitFor(`${type}: ${address} answers`, () => pings(pod, address));
  const seen = {
    result: withoutChance(result, pod),
    routes: await pod.json<object[]>("ip -j route show dev eth0"),
    mtu: (await linkOf(pod, "eth0")).mtu,
  };
  mustSucceed(await plugin(world, "DEL", { ...call, more: { prevResult: result } }));
  return { ...seen, after: (await linkOf(world.host, "eth7")).mtu };
}

/** The result without what the two draw or count by themselves. */
function withoutChance(result: CniResult, { namespace }: Pod): unknown {
  const text = JSON.stringify({
    ...result,
    interfaces: result.interfaces?.map(({ mtu: _, ...link }) => link),
  });
  return JSON.parse(text.replaceAll(namespace, "NAMESPACE"));
}

for (const cniVersion of CNI_VERSIONS)
  scene(
    `${cniVersion}: result, routes, reach and end are those of the reference host-device`,
    async (world) => {
      for (const name of ["host-device", "host-local"])
        symlinkSync(join(dirname(toolPath("host-local")), name), world.outside(`${PLUGIN_FOLDER}/${name}`));
      const { lan } = await plugIn(world);
      await lan.must("ip address add 10.9.0.1/32 dev lo");
      await lan.must("ip link set lo up");
      const routes = [{ dst: "10.9.0.0/16", gw: "10.5.0.1" }, { dst: "0.0.0.0/0" }];
      const ipam = { type: "host-local", ranges: LAN_RANGES, routes };
      const ours = deviceNetwork("ours", { cniVersion, device: "eth7", ipam });
      const reference = deviceNetwork("reference", { cniVersion, device: "eth7", ipam, type: "host-device" });
      const [red, blue] = [await world.pod("red"), await world.pod("blue")];
      expect(await played(world, ours, red)).toEqual(await played(world, reference, blue));
    },
  );
