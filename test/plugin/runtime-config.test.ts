// What a runtime puts into runtimeConfig: libcni's own shapes by way of cnitool, and the PascalCase of
// containerd's go-cni.
import { expect } from "vitest";
import { add, addDirectly, addressesOf, cnitool, mustSucceed, plugin } from "../support/cni.ts";
import { install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { pings } from "../support/traffic.ts";

scene(
  "ranges of the runtime come first: the pod has an address of each, and the network works for pods without them",
  async (world) => {
    const red = await world.pod("red");
    const blue = await world.pod("blue");
    const pods = install(world, network("pods", { capabilities: { ipRanges: true } }));
    const ranges = {
      CAP_ARGS: JSON.stringify({
        ipRanges: [[{ subnet: "10.9.0.0/24", rangeStart: "10.9.0.7" }], [{ subnet: "fd09::/64" }]],
      }),
    };
    expect(addressesOf(await add(world, pods, red, ranges))).toEqual(["10.9.0.7", "fd09::2", "10.1.0.2"]);
    expect(addressesOf(await add(world, pods, blue))).toEqual(["10.1.0.3"]);
    for (const address of ["10.9.0.7", "10.1.0.2", "10.9.0.1"]) expect(await pings(blue, address)).toBe(true);
    for (const address of ["10.1.0.3", "fd09::1"]) expect(await pings(red, address)).toBe(true);
    mustSucceed(await cnitool(world, "check", "pods", red, ranges));
    mustSucceed(await cnitool(world, "check", "pods", blue));
    mustSucceed(await cnitool(world, "del", "pods", red, ranges));
    mustSucceed(await cnitool(world, "check", "pods", blue));
    mustSucceed(await cnitool(world, "del", "pods", blue));
    expect((await snapshot(world)).attachments.lines).toEqual([]);
  },
);

scene("go-cni's spelling: ranges in a flat list, name servers instead of the network's", async (world) => {
  const red = await world.pod("red");
  const pods = network("pods", {
    dns: { nameservers: ["192.0.2.1"], domain: "example" },
    ipam: { type: "host-local" },
  });
  const range = (Subnet: string) => ({ Subnet, RangeStart: "", RangeEnd: "", Gateway: "" });
  const more = {
    runtimeConfig: {
      ipRanges: [range("10.9.0.0/24"), range("fd09::/64"), range("10.8.0.0/24")],
      dns: { Servers: ["192.0.2.2"], Searches: ["a.example"], Options: null },
      portMappings: [{ HostPort: 80, ContainerPort: 80, Protocol: "tcp", HostIP: "" }],
    },
  };
  const result = await addDirectly(world, { network: pods, pod: red, more });
  expect(addressesOf(result)).toEqual(["10.9.0.2", "fd09::2"]);
  expect(result.dns).toEqual({ nameservers: ["192.0.2.2"], search: ["a.example"] });
  mustSucceed(
    await plugin(world, "CHECK", { network: pods, pod: red, more: { ...more, prevResult: result } }),
  );
  mustSucceed(await plugin(world, "DEL", { network: pods, pod: red, more }));
});
