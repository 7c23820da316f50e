// What is asked for one pod: addresses and a MAC, by runtimeConfig, args.cni and CNI_ARGS.
import { expect } from "vitest";
import {
  add,
  addDirectly,
  addressesOf,
  check,
  cnitool,
  del,
  mustFail,
  mustSucceed,
  type PluginCall,
  plugin,
} from "../support/cni.ts";
import { dies, linkOf } from "../support/link.ts";
import { install, network } from "../support/network.ts";
import { busyHost, refused } from "../support/refusal.ts";
import { scene } from "../support/scene.ts";
import { snapshotOfFiles } from "../support/snapshot.ts";
import { pings } from "../support/traffic.ts";
import type { Pod, World } from "../support/world.ts";

const DUAL = ["10.1.0.0/24", "fd01::/64"];
const MACS = { runtime: "02:58:0a:01:00:05", config: "02:58:0a:01:00:06", args: "02:58:0a:01:00:07" };

/** What asks for addresses, in each of the places. */
const ips = (...addresses: string[]) => ({ runtimeConfig: { ips: addresses } });
const configured = (...addresses: string[]) => ({ args: { cni: { ips: addresses } } });
const argument = (address: string) => ({ CNI_ARGS: `IgnoreUnknown=1;IP=${address}` });

scene(
  "addresses by the capability ips, through cnitool: the pod has them, of both families, with the length of their subnets",
  async (world) => {
    const pods = install(world, network("pods", { subnets: DUAL, capabilities: { ips: true } }));
    const red = await world.pod("red");
    const asked = { CAP_ARGS: JSON.stringify({ ips: ["10.1.0.77", "fd01::77/128"] }) };
    const result = await add(world, pods, red, asked);
    expect(result.ips?.map(({ address }) => address)).toEqual(["10.1.0.77/24", "fd01::77/64"]);
    expect(await red.must("ip -brief address show eth0")).toMatch(/10\.1\.0\.77\/24.*fd01::77\/64/);
    for (const address of addressesOf(result)) expect(await pings(world.host, address), address).toBe(true);
    expect(await check(world, pods, red)).toBeUndefined();
    await del(world, pods, red);
    expect(world.has("/var/lib/cni/networks/pods/10.1.0.77")).toBe(false);
    // The walk goes on behind an address that was asked for, as with the reference.
    expect(addressesOf(await add(world, pods, red))).toEqual(["10.1.0.78", "fd01::78"]);
  },
);

scene(
  "an address in IP of CNI_ARGS, through cnitool, and the other family is chosen as ever",
  async (world) => {
    const pods = install(world, network("pods", { subnets: DUAL }));
    expect(addressesOf(await add(world, pods, await world.pod("red"), argument("10.1.0.77")))).toEqual([
      "10.1.0.77",
      "fd01::2",
    ]);
    expect(addressesOf(await add(world, pods, await world.pod("blue"), argument("fd01::77")))).toEqual([
      "10.1.0.78",
      "fd01::77",
    ]);
  },
);

scene("the three places add up, and one address in all of them is one", async (world) => {
  const pods = network("pods", { subnets: [...DUAL, "10.3.0.0/24"], ...configured("10.1.0.9") });
  const result = await addDirectly(world, {
    network: pods,
    pod: await world.pod("red"),
    more: ips("fd01::9", "10.1.0.9/16"),
    env: argument("10.3.0.9"),
  });
  expect(addressesOf(result)).toEqual(["10.1.0.9", "fd01::9", "10.3.0.9"]);
});

scene("what cannot be had fails the ADD, says why, and costs no other address", async (world) => {
  const { red, blue, pods } = await busyHost(world, network("pods", { subnets: DUAL }));
  const [held] = await leases(world);
  const fails = async (call: Partial<PluginCall>) => {
    const { code, msg, details } = await refused(world, { network: pods, pod: blue, ...call });
    return { code, text: `${msg} ${details}` };
  };
  expect(await fails({ more: ips("10.1.0.1") })).toMatchObject({
    code: 7,
    text: expect.stringContaining("requested ip 10.1.0.1 is subnet's gateway"),
  });
  expect(await fails({ more: ips("fd01::9", "10.9.0.9") })).toMatchObject({
    code: 7,
    text: expect.stringContaining("failed to allocate all requested IPs: 10.9.0.9"),
  });
  expect(await fails({ more: ips("10.1.0.8"), env: argument("10.1.0.9") })).toMatchObject({
    code: 7,
    text: expect.stringContaining("failed to allocate all requested IPs: 10.1.0.9"),
  });
  const taken = await fails({ more: ips("fd01::9", held!) });
  expect(taken.code).toBe(100);
  expect(taken.text).toContain(
    `requested IP address ${held} is not available in range set 10.1.0.1-10.1.0.254`,
  );
  expect(taken.text).toContain(`container ${red.containerId} (network pods, eth0) has it`);
  expect(taken.text).toContain(`cat /var/lib/cni/networks/pods/${held}`);
  expect(
    addressesOf(await addDirectly(world, { network: pods, pod: blue, more: ips("10.1.0.9", "fd01::9") })),
  ).toEqual(["10.1.0.9", "fd01::9"]);
});

// The reference skips its own check for duplicates when an address is asked for.
scene("a container does not collect addresses by asking for one after the other", async (world) => {
  const pods = network("pods");
  const red = await world.pod("red");
  const blue = await world.pod("blue");
  await addDirectly(world, { network: pods, pod: red, more: ips("10.1.0.50") });
  // In another namespace no interface stands in the way.
  const again = mustFail(
    await plugin(world, "ADD", {
      network: pods,
      pod: blue,
      containerId: red.containerId,
      more: ips("10.1.0.51"),
    }),
  );
  expect(again.code).toBe(101);
  expect(await leases(world)).toEqual(["10.1.0.50"]);
});

scene("a container that died without DEL does not keep its successor from the address", async (world) => {
  const { red, blue, pods } = await busyHost(world);
  const [address] = await leases(world);
  await dies(world, red);
  expect(addressesOf(await addDirectly(world, { network: pods, pod: blue, more: ips(address!) }))).toEqual([
    address,
  ]);
  expect(await pings(blue, "10.1.0.1")).toBe(true);
});

scene("a network without addresses takes no notice of a request for one", async (world) => {
  const plain = network("pods", { isGateway: false, ipMasq: false });
  delete plain.plugins[0].ipam;
  const { ips: given = [] } = await addDirectly(world, {
    network: plain,
    pod: await world.pod("red"),
    env: argument("10.1.0.9"),
  });
  expect(given).toEqual([]);
});

scene(
  "a MAC by the capability mac, through cnitool: the pod has it, the result says it, and CHECK holds to it",
  async (world) => {
    const pods = install(world, network("pods", { subnets: DUAL, capabilities: { mac: true } }));
    const red = await world.pod("red");
    const asked = { CAP_ARGS: JSON.stringify({ mac: "02-58-0A-01-00-05" }) };
    const result = await add(world, pods, red, asked);
    expect(await macs(red, result)).toEqual([MACS.runtime, MACS.runtime]);
    for (const address of addressesOf(result)) expect(await pings(world.host, address), address).toBe(true);
    mustSucceed(await cnitool(world, "check", "pods", red, asked));
    await red.must("ip link set eth0 address 0a:00:00:00:00:01");
    expect((await cnitool(world, "check", "pods", red, asked)).stderr).toContain(
      `has the MAC 0a:00:00:00:00:01 instead of ${MACS.runtime}`,
    );
  },
);

scene("of several MACs that of runtimeConfig counts, then args.cni, then CNI_ARGS", async (world) => {
  const args = { CNI_ARGS: `IgnoreUnknown=1;MAC=${MACS.args}` };
  const config = { args: { cni: { mac: MACS.config } } };
  const runtime = { runtimeConfig: { mac: MACS.runtime } };
  const asked: [string, object, string][] = [
    ["a", { ...config, ...runtime }, MACS.runtime],
    ["b", config, MACS.config],
    ["c", {}, MACS.args],
  ];
  for (const [name, more, mac] of asked) {
    const pod = await world.pod(name);
    const result = await addDirectly(world, {
      network: network(name, { subnets: [`10.${name.charCodeAt(0)}.0.0/24`] }),
      pod,
      more: more as Record<string, unknown>,
      env: args,
    });
    expect(await macs(pod, result), name).toEqual([mac, mac]);
  }
});

scene("with macspoofchk the MAC that was asked for is the one that passes", async (world) => {
  const { red, pods } = await busyHost(
    world,
    network("pods", { macspoofchk: true, args: { cni: { mac: MACS.config } } }),
  );
  expect(await pings(red, "10.1.0.1")).toBe(true);
  expect(await check(world, pods, red)).toBeUndefined();
});

/** The MAC that the pod's interface has, and the one that the result says. */
async function macs(
  pod: Pod,
  { interfaces }: Awaited<ReturnType<typeof add>>,
): Promise<(string | undefined)[]> {
  return [(await linkOf(pod, "eth0")).address, interfaces?.[2]?.mac];
}

/** The addresses that are leased. */
async function leases(world: World): Promise<string[]> {
  return (await snapshotOfFiles(world)).leases.names;
}
