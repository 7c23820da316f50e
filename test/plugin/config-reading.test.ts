// How a configuration is read: what is let through, and what is refused by name.
import { expect } from "vitest";
import { addDirectly, addressOf, mustFail, mustSucceed, plugin } from "../support/cni.ts";
import { network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { pings } from "../support/traffic.ts";

scene("key names count in any case, null means absent, and junk is let through", async (world) => {
  const red = await world.pod("red");
  const { type, bridge, ipam } = network("pods").plugins[0];
  const stdin = JSON.stringify({
    NAME: "pods",
    CniVersion: "1.1.0",
    Type: type,
    BRIDGE: bridge,
    isgateway: true,
    IPMASQ: true,
    ipam,
    mtu: null,
    dns: null,
    runtimeConfig: null,
    prevResult: null,
    args: { labels: [1] },
    addIf: "true",
    capabilities: { portMappings: false },
  });
  const result = await addDirectly(world, { network: network("pods"), pod: red, stdin });
  expect(addressOf(result)).toBe("10.1.0.2");
  expect(await pings(red, "10.1.0.1")).toBe(true);
});

scene(
  "what is not supported is refused with code 2 that names it, and DEL does not mind it",
  async (world) => {
    const red = await world.pod("red");
    const wishes = [{ externalSetMarkChain: "KUBE-MARK-MASQ" }];
    const before = await snapshot(world);
    for (const wish of wishes) {
      const call = { network: network("pods", wish), pod: red };
      const { code, msg } = mustFail(await plugin(world, "ADD", call));
      expect(code).toBe(2);
      expect(msg).toContain(Object.keys(wish)[0]!);
      mustSucceed(await plugin(world, "DEL", call));
    }
    const difference = (await snapshot(world)).minus(before);
    expect(difference.outside((all) => all.below("/var/lib/cni")).lines).toEqual([]);
  },
);
