// Every protocol version is spoken as its own specification says, and the pod works the same under all of
// them. The shapes are read here independently: cni-contract.md 7 and the specifications of each version.
import { expect } from "vitest";
import { add, check, del, gatewayOf, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { hostLinkOf, linkOf } from "../support/link.ts";
import { CNI_VERSIONS, install, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";
import { pings } from "../support/traffic.ts";
import type { Pod, World } from "../support/world.ts";

const SUBNETS = ["10.1.0.0/24", "fd01::/64"];

for (const cniVersion of CNI_VERSIONS) {
  scene(`${cniVersion}: ADD, ping the gateway, CHECK where the version has it, DEL`, async (world) => {
    const pods = install(world, network("pods", { cniVersion, subnets: SUBNETS }));
    const baseline = await warmUp(world, pods);
    const red = await world.pod("red");
    const withPod = await snapshot(world);
    const result = await add(world, pods, red);
    expect(result.cniVersion).toBe(cniVersion);
    expect(await pings(red, "10.1.0.1")).toBe(true);
    expect(await pings(red, "fd01::1")).toBe(true);
    // Versions before 0.3.0 have one address of each family, and those before 0.4.0 no CHECK.
    const { ip4 } = result as { ip4?: { gateway: string } };
    expect(cniVersion < "0.3.0" ? ip4?.gateway : gatewayOf(result)).toBe("10.1.0.1");
    expect(await check(world, pods, red)).toEqual(
      cniVersion < "0.4.0"
        ? expect.stringContaining(`configuration version "${cniVersion}" does no`)
        : undefined,
    );
    await del(world, pods, red);
    expect((await snapshot(world)).minus(withPod).lines).toEqual([]);
    expect(withPod.minus(baseline).exceptAdded((all) => all.in(red)).lines).toEqual([]);
  });

  scene(`${cniVersion}: the result has the shape of its version`, async (world) => {
    const red = await world.pod("red");
    const pods = network("pods", { cniVersion, subnets: SUBNETS, dns: {} });
    const { stdout } = mustSucceed(await plugin(world, "ADD", { network: pods, pod: red }));
    expect(JSON.parse(stdout)).toEqual(await expectedResult(world, cniVersion, red));
  });
}

scene("no cniVersion means 0.1.0", async (world) => {
  const red = await world.pod("red");
  const { cniVersion: _, ...rest } = { ...network("pods").plugins[0], name: "pods", cniVersion: "" };
  const { stdout } = mustSucceed(
    await plugin(world, "ADD", { network: network("pods"), pod: red, stdin: JSON.stringify(rest) }),
  );
  expect(JSON.parse(stdout)).toMatchObject({ cniVersion: "0.1.0", ip4: { ip: "10.1.0.2/24" } });
});

scene(
  "a version nobody knows is refused with code 1 by all but DEL, and so are CHECK, GC and STATUS before they existed",
  async (world) => {
    const red = await world.pod("red");
    const refused = [
      ["ADD", "1.2.0"],
      ["CHECK", "0.3.1"],
      ["GC", "1.0.0"],
      ["STATUS", "1.0.0"],
      ["CHECK", "2.0.0"],
    ] as const;
    for (const [verb, cniVersion] of refused) {
      const outcome = await plugin(world, verb, { network: network("pods", { cniVersion }), pod: red });
      expect(mustFail(outcome).code, `${verb} ${cniVersion}`).toBe(1);
    }
    mustSucceed(await plugin(world, "DEL", { network: network("pods", { cniVersion: "0.3" }), pod: red }));
  },
);

scene("VERSION names all seven versions and does not wait for stdin", async (world) => {
  const { stdout } = mustSucceed(await plugin(world, "VERSION", { network: network("pods"), stdin: "" }));
  expect(JSON.parse(stdout)).toEqual({ cniVersion: "1.1.0", supportedVersions: [...CNI_VERSIONS] });
});

async function expectedResult(world: World, cniVersion: string, red: Pod): Promise<unknown> {
  const routes = { v4: { dst: "0.0.0.0/0" }, v6: { dst: "::/0" } };
  if (cniVersion < "0.3.0") {
    return {
      cniVersion,
      ip4: { ip: "10.1.0.2/24", gateway: "10.1.0.1", routes: [routes.v4] },
      ip6: { ip: "fd01::2/64", gateway: "fd01::1", routes: [routes.v6] },
      dns: {},
    };
  }
  const old = cniVersion < "1.0.0";
  const ips = [
    { ...(old ? { version: "4" } : {}), interface: 2, address: "10.1.0.2/24", gateway: "10.1.0.1" },
    { ...(old ? { version: "6" } : {}), interface: 2, address: "fd01::2/64", gateway: "fd01::1" },
  ];
  const interfaces = await expectedInterfaces(world, red, !old);
  return { cniVersion, interfaces, ips, routes: [routes.v4, routes.v6], ...(old ? { dns: {} } : {}) };
}

/** Bridge, host end and pod end in this order, with the MACs and MTUs that `ip` shows. */
async function expectedInterfaces(world: World, red: Pod, withMtu: boolean): Promise<unknown[]> {
  const veth = await hostLinkOf(world, red);
  const places = [
    ["pods0", world.host],
    [veth, world.host],
    ["eth0", red],
  ] as const;
  return Promise.all(
    places.map(async ([name, place]) => {
      const { address, mtu } = await linkOf(place, name);
      return {
        name,
        mac: address,
        ...(withMtu ? { mtu } : {}),
        ...(place === red ? { sandbox: red.namespace } : {}),
      };
    }),
  );
}
