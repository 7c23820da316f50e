// enabledad: ADD waits until nobody else has answered for the pod's IPv6 addresses.
import { expect } from "vitest";
import { add, addDirectly, addressesOf, check } from "../support/cni.ts";
import { hostLinkOf } from "../support/link.ts";
import { install, network } from "../support/network.ts";
import { busyHost, refused } from "../support/refusal.ts";
import { scene } from "../support/scene.ts";
import { pings } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";
import type { Pod, World } from "../support/world.ts";

const DUAL = ["10.1.0.0/24", "fd01::/64"];

scene(
  "with enabledad every address is checked for duplicates and in use when ADD returns, the link-local one too",
  async (world) => {
    const red = await world.pod("red");
    const pods = install(world, network("pods", { subnets: DUAL, enabledad: true }));
    const [v4, v6] = addressesOf(await add(world, pods, red));
    const found = await addresses6(red);
    expect(found.map(({ local, scope }) => (scope === "global" ? local : scope)).sort()).toEqual([
      v6,
      "link",
    ]);
    for (const each of found)
      expect([each.tentative, each.dadfailed, each.nodad], each.local).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
    expect(await red.must("sysctl -n net.ipv6.conf.eth0.accept_dad net.ipv6.conf.eth0.enhanced_dad")).toBe(
      "1\n1\n",
    );
    for (const address of ["10.1.0.1", "fd01::1"]) expect(await pings(red, address)).toBe(true);
    for (const address of [v4!, v6!]) expect(await pings(world.host, address)).toBe(true);
    expect(await check(world, pods, red)).toBeUndefined();
  },
);

scene(
  "a question that the bridge sends back to its port is known as the pod's own, whatever the pod's namespace says of that",
  async (world) => {
    const red = await world.pod("red");
    for (const which of ["all", "default"])
      await red.must(`sysctl -q -w net.ipv6.conf.${which}.enhanced_dad=0`);
    const [v6] = addressesOf(
      await addDirectly(world, {
        network: network("pods", { subnets: ["fd01::/64"], enabledad: true, hairpinMode: true }),
        pod: red,
      }),
    );
    expect(await red.must("sysctl -n net.ipv6.conf.eth0.enhanced_dad")).toBe("1\n");
    expect(await pings(world.host, v6!)).toBe(true);
  },
);

scene(
  "an address that somebody else has fails the ADD, which says so and takes everything back; the next one gets another",
  async (world) => {
    const { blue, pods } = await busyHost(world, network("pods", { subnets: DUAL, enabledad: true }));
    const thief = await nodeOn(world, "pods0", "fd01::4/64");
    const error = await refused(world, { network: pods, pod: blue });
    expect(error).toMatchObject({
      code: 122,
      msg: 'address cannot be set: failed to settle addresses for "eth0": link eth0 has address fd01::4 in DADFAILED state',
    });
    expect(error.details).toMatch(/another interface on pods0.*Hint: Find it with "ping fd01::4"/);
    const [, v6] = addressesOf(await addDirectly(world, { network: pods, pod: blue }));
    expect(v6).toBe("fd01::5");
    expect(await pings(thief, v6!)).toBe(true);
  },
);

scene(
  "a port that does not forward yet is waited for: a question that got lost would find no duplicate",
  async (world) => {
    const { blue, pods } = await busyHost(world, network("pods", { subnets: DUAL, enabledad: true }));
    await nodeOn(world, "pods0", "fd01::4/64");
    await world.host.must("ip link set pods0 type bridge stp_state 1 forward_delay 200");
    expect((await refused(world, { network: pods, pod: blue })).msg).toContain("fd01::4 in DADFAILED state");
  },
  60_000,
);

scene(
  "without enabledad addresses are used at once, and a network without IPv6 waits for nothing with it",
  async (world) => {
    const pods = network("pods", { subnets: DUAL });
    const red = await world.pod("red");
    const [, v6] = addressesOf(await addDirectly(world, { network: pods, pod: red }));
    expect((await addresses6(red)).find(({ local }) => local === v6)?.nodad).toBe(true);
    const blue = await world.pod("blue");
    await addDirectly(world, {
      network: network("four", { subnets: ["10.4.0.0/24"], enabledad: true }),
      pod: blue,
    });
    // Its link-local address has only just come.
    expect((await addresses6(blue)).every(({ tentative }) => tentative === true)).toBe(true);
  },
);

scene("CHECK says when an address turned out to be somebody else's", async (world) => {
  const pods = install(world, network("pods", { subnets: ["fd01::/64"], enabledad: true }));
  const red = await world.pod("red");
  await add(world, pods, red);
  const link = await hostLinkOf(world, red);
  await nodeOn(world, "pods0", "fd01::2/64");
  await red.must("ip address del fd01::2/64 dev eth0");
  await red.must("ip address add fd01::2/64 dev eth0");
  await waitFor("the address is found to be somebody else's", async () =>
    (await addresses6(red)).some(({ local, dadfailed }) => local === "fd01::2" && dadfailed === true),
  );
  expect(await check(world, pods, red), link).toContain(
    "address fd01::2/64 of eth0 in the pod is in DADFAILED state",
  );
});

interface Address6 {
  local: string;
  scope: string;
  tentative?: boolean;
  dadfailed?: boolean;
  nodad?: boolean;
}

async function addresses6(pod: Pod): Promise<Address6[]> {
  const [link] = await pod.json<{ addr_info: Address6[] }[]>("ip -6 -j address show dev eth0");
  return link?.addr_info ?? [];
}

/** A machine on the bridge that took an address without asking anybody. */
async function nodeOn(world: World, bridge: string, address: string): Promise<Pod> {
  const node = await world.pod("node");
  await world.host.must(`ip link add name port master ${bridge} type veth peer name eth0 netns node`);
  await world.host.must("ip link set port up");
  await node.must(`ip address add ${address} dev eth0 nodad`);
  await node.must("ip link set eth0 up");
  return node;
}
