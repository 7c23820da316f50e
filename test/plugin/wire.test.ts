// Two pods that are joined directly (attach: wire): what they reach, who may join, and what stays when one
// goes.
import { expect } from "vitest";
import { add, addDirectly, addressesOf, check, del, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { linkOf } from "../support/link.ts";
import { CNI_VERSIONS, install } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { warmUp } from "../support/steady.ts";
import { pings } from "../support/traffic.ts";
import { hostLinks, wireNetwork } from "../support/wire.ts";

scene(
  "two pods reach each other by IPv4 and IPv6 at the first packet, and no link is on the node",
  async (world) => {
    const lab = install(world, wireNetwork("lab"));
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    await add(world, lab, red);
    const result = await add(world, lab, blue);
    expect(addressesOf(result)).toEqual(["10.7.0.1", "fd07::1"]);
    for (const address of ["10.7.0.1", "fd07::1"]) expect(await pings(red, address)).toBe(true);
    for (const address of ["10.7.0.0", "fd07::"]) expect(await pings(blue, address)).toBe(true);
    expect(await hostLinks(world)).toEqual([]);
    expect(await check(world, lab, red)).toBeUndefined();
    expect(await check(world, lab, blue)).toBeUndefined();
  },
);

for (const cniVersion of CNI_VERSIONS)
  scene(`${cniVersion}: ADD, CHECK where the version has it, DEL, and nothing is left`, async (world) => {
    const lab = install(world, wireNetwork("lab", { cniVersion }));
    const baseline = await warmUp(world, lab);
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    const before = await snapshot(world);
    for (const pod of [red, blue]) expect((await add(world, lab, pod)).cniVersion).toBe(cniVersion);
    expect(await pings(red, "10.7.0.1")).toBe(true);
    for (const pod of [red, blue])
      expect(await check(world, lab, pod)).toEqual(
        cniVersion < "0.4.0" ? expect.stringContaining("does no") : undefined,
      );
    for (const pod of [red, blue]) await del(world, lab, pod);
    expect((await snapshot(world)).minus(before).lines).toEqual([]);
    expect(
      before
        .minus(baseline)
        .exceptAdded((all) => all.in(red))
        .exceptAdded((all) => all.in(blue)).lines,
    ).toEqual([]);
  });
