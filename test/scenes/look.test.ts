// What people look at in a namespace and on the host: the loopback of each, and the two ends of a pair.
import { symlinkSync } from "node:fs";
import { expect } from "vitest";
import { add, addressOf } from "../support/cni.ts";
import { type Link, linkOf } from "../support/link.ts";
import { freshPod, isUp, LOOPBACK } from "../support/loopback.ts";
import { install, type Network, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { connect, pings, serve } from "../support/traffic.ts";

const LO: Network = { cniVersion: "1.0.0", name: "lo", plugins: [{ type: "loopback" }] };

scene(
  "loopback isolation: each namespace has a lo of its own, and 127.0.0.1 is nobody else",
  async (world) => {
    symlinkSync("pontoon", world.outside(LOOPBACK));
    const [lo, lab] = [install(world, LO), install(world, network("lab"))];
    const [red, blue] = [await freshPod(world, "red"), await freshPod(world, "blue")];
    expect(await pings(red, "127.0.0.1")).toBe(false);
    expect(addressOf(await add(world, lo, red, { CNI_IFNAME: "lo" }))).toBe("127.0.0.1");
    expect(await pings(red, "127.0.0.1")).toBe(true);
    expect(await isUp(blue)).toBe(false);
    await add(world, lo, blue, { CNI_IFNAME: "lo" });

    const redAddress = addressOf(await add(world, lab, red));
    await add(world, lab, blue);
    await using _red = await serve(red, "tcp", "127.0.0.1", 8080);
    expect(await connect(red, "127.0.0.1", 8080)).toBe("red saw 127.0.0.1");
    for (const other of [blue, world.host]) {
      expect(await connect(other, "127.0.0.1", 8080)).toBeUndefined();
      expect(await connect(other, redAddress, 8080)).toBeUndefined();
    }
    // The same port of the same address is free everywhere else.
    await using _blue = await serve(blue, "tcp", "127.0.0.1", 8080);
    expect(await connect(blue, "127.0.0.1", 8080)).toBe("blue saw 127.0.0.1");
    expect(await connect(red, "127.0.0.1", 8080)).toBe("red saw 127.0.0.1");
  },
);

scene("which veth belongs to whom: from the host's end to the pod, and back", async (world) => {
  const lab = install(world, network("lab", { bridge: "br0" }));
  const pods = [await world.pod("web"), await world.pod("db")];
  for (const pod of pods)
    await add(world, lab, pod, { CNI_ARGS: `K8S_POD_NAMESPACE=default;K8S_POD_NAME=${pod.name}` });

  const links = await world.host.json<Link[]>("ip -j -d link show type veth");
  expect(links).toHaveLength(2);
  for (const pod of pods) {
    // From the host: the alias says network, container, pod and interface.
    const outside = links.find(({ ifalias = "" }) => ifalias.includes(` default/${pod.name} `));
    expect(outside?.ifalias).toBe(`pontoon lab ${pod.containerId} default/${pod.name} eth0`);
    // And back: the pod's end names the number of the host's end, and the host's end that of the pod's.
    const inside = await linkOf(pod, "eth0");
    expect([inside.link_index, outside?.link_index]).toEqual([outside?.ifindex, inside.ifindex]);
  }
});
