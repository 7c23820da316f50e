// DEL succeeds and is complete, whatever has happened since the ADD.
import { expect } from "vitest";
import { add, type CniResult, mustFail, mustSucceed, type PluginCall, plugin } from "../support/cni.ts";
import { install, type Network, network } from "../support/network.ts";
import { type NetworkOf, ptpNetwork, WAYS } from "../support/ptp.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import type { Part, Snapshot } from "../support/snapshot-part.ts";
import { warmUp } from "../support/steady.ts";
import { pings } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";
import type { Pod, World } from "../support/world.ts";

const SUBNETS = ["10.1.0.0/24", "fd01::/64"];

interface Stage {
  world: World;
  pods: Network;
  red: Pod;
  result: CniResult;
  networkOf: NetworkOf;
}

interface Case {
  name: string;
  /** What happens between ADD and DEL; gives what is different in the DEL's call. */
  meanwhile?: (stage: Stage) => Promise<Partial<PluginCall> | void>;
  /** What went by that; all else of the host and of others has to be there after the DEL. */
  went?: Part[];
  /** The one maker of networks that the case is about. */
  only?: NetworkOf;
}

/** What the host loses with the namespace of the pod, its ruleset, our records, the leases, the bridge. */
const NAMESPACE: Part = (all) => all.in({ name: "red" });
const RULESET: Part = ({ nftables }) => nftables;
const RECORDS: Part = (all) => all.below("/var/lib/cni/pontoon");
const LEASES: Part = (all) => all.below("/var/lib/cni/networks");
const BRIDGE: Part = (all) => all.on("pods0");

const CASES: Case[] = [
  {
    name: "with the prevResult of the ADD",
    meanwhile: async ({ result }) => ({ more: { prevResult: result } }),
  },
  { name: "without prevResult" },
  {
    name: "with a prevResult that is no result at all",
    meanwhile: async () => ({ more: { prevResult: { ips: "none" } } }),
  },
  { name: "with an empty CNI_NETNS", meanwhile: async () => ({ netns: "" }) },
  { name: "with a CNI_NETNS that never existed", meanwhile: async () => ({ netns: "/run/netns/nobody" }) },
  {
    name: "with a plain file as CNI_NETNS",
    meanwhile: async ({ world }) => {
      await world.host.must("touch /run/netns/fake");
      return { netns: "/run/netns/fake" };
    },
  },
  {
    name: "with the namespace gone",
    went: [NAMESPACE],
    meanwhile: async ({ world, red }) => world.removePod(red),
  },
  {
    name: "with the pod's link gone",
    meanwhile: async ({ red }) => void (await red.must("ip link del eth0")),
  },
  {
    name: "with another subnet in the config",
    meanwhile: async ({ networkOf }) => ({ network: networkOf("pods", { subnets: ["10.77.0.0/24"] }) }),
  },
  {
    name: "with another bridge in the config",
    meanwhile: async () => ({ network: network("pods", { subnets: SUBNETS, bridge: "other0" }) }),
  },
  {
    name: "with masquerade switched off in the config",
    meanwhile: async ({ networkOf }) => ({ network: networkOf("pods", { subnets: SUBNETS, ipMasq: false }) }),
  },
  {
    name: "with ranges in the config that are invalid by now",
    meanwhile: async ({ networkOf }) => ({
      network: networkOf("pods", { subnets: ["10.1.0.300/24", "nonsense"] }),
    }),
  },
  {
    name: "with values in the config that became nonsense",
    meanwhile: async ({ networkOf }) => ({
      network: networkOf("pods", { mtu: "many" as never, bridge: 5 as never }),
    }),
  },
  {
    name: "with a feature in the config that is not supported",
    meanwhile: async ({ networkOf }) => ({ network: networkOf("pods", { vlan: 5 }) }),
  },
  {
    name: "with the records removed",
    went: [RECORDS],
    meanwhile: async ({ world }) => void (await world.host.must("rm -r /var/lib/cni/pontoon")),
  },
  {
    name: "with the leases removed",
    meanwhile: async ({ world }) =>
      void (await world.host.must([
        "sh",
        "-c",
        "rm /var/lib/cni/networks/pods/10.* /var/lib/cni/networks/pods/fd*",
      ])),
  },
  {
    name: "with all state removed",
    went: [RECORDS, LEASES],
    meanwhile: async ({ world }) =>
      void (await world.host.must("rm -r /var/lib/cni/pontoon /var/lib/cni/networks")),
  },
  {
    name: "with the ruleset flushed",
    went: [RULESET],
    meanwhile: async ({ world }) => void (await world.host.must("nft flush ruleset")),
  },
  {
    name: "with the bridge deleted",
    only: network,
    went: [BRIDGE],
    meanwhile: async ({ world }) => void (await world.host.must("ip link del pods0")),
  },
  {
    name: "with namespace, ruleset, bridge and records gone",
    only: network,
    went: [NAMESPACE, RULESET, BRIDGE, RECORDS],
    meanwhile: async ({ world, red }) => {
      await world.removePod(red);
      await world.host.must("nft flush ruleset");
      await world.host.must("ip link del pods0");
      await world.host.must("rm -r /var/lib/cni/pontoon");
    },
  },
  {
    name: "with namespace, ruleset and records gone",
    only: ptpNetwork,
    went: [NAMESPACE, RULESET, RECORDS],
    meanwhile: async ({ world, red }) => {
      await world.removePod(red);
      await world.host.must("nft flush ruleset");
      await world.host.must("rm -r /var/lib/cni/pontoon");
    },
  },
  {
    name: "with another way in the config, and no record",
    only: ptpNetwork,
    went: [RECORDS],
    meanwhile: async ({ world }) => {
      await world.host.must("rm -r /var/lib/cni/pontoon");
      return { network: network("pods", { subnets: SUBNETS }) };
    },
  },
];

const CASES_BY_WAY = WAYS.flatMap((each) =>
  CASES.filter(({ only = each.networkOf }) => only === each.networkOf).map((one) => ({ ...one, ...each })),
);

for (const { way, networkOf, name, meanwhile, went = [] } of CASES_BY_WAY) {
  scene(`${way}: DEL ${name} succeeds, leaves nothing behind, and takes nothing of others`, async (world) => {
    const pods = install(world, networkOf("pods", { subnets: SUBNETS }));
    await warmUp(world, pods);
    const [red, blue] = [await world.pod("red"), await world.pod("blue")];
    // An interface of somebody else's in the pod, and a pod of another network.
    await red.must("ip link add other0 type veth peer name other1");
    await add(
      world,
      install(
        world,
        network("others", { subnets: ["10.9.0.0/24", "fd09::/64"], ipMasq: true, macspoofchk: true }),
      ),
      blue,
    );
    const before = await snapshot(world);
    const result = await add(world, pods, red);
    const call = { network: pods, pod: red, ...(await meanwhile?.({ world, pods, red, result, networkOf })) };
    for (const time of ["first", "second"]) {
      const { stdout } = mustSucceed(await plugin(world, "DEL", call));
      expect(stdout, `${time} DEL`).toBe("");
      await waitFor(
        "a link of a vanished namespace is gone",
        async () => (await snapshot(world)).hostEnds.links.count <= 1,
      );
      const difference = (await snapshot(world)).minus(before);
      expect(difference.exceptLost(...went).lines, `${time} DEL`).toEqual([]);
    }
  });
}

scene(
  "DEL of an attachment that never was succeeds and changes nothing, on a fresh host and on a used one",
  async (world) => {
    const pods = install(world, network("pods", { subnets: SUBNETS }));
    const red = await world.pod("red");
    const fresh = await snapshot(world);
    mustSucceed(await plugin(world, "DEL", { network: pods, pod: red }));
    const difference = (await snapshot(world)).minus(fresh);
    expect(difference.outside((all) => all.below("/var/lib/cni")).lines).toEqual([]);
    await add(world, pods, red);
    const used = await snapshot(world);
    mustSucceed(await plugin(world, "DEL", { network: pods, pod: red, containerId: "someone-else" }));
    mustSucceed(await plugin(world, "DEL", { network: pods, pod: red, interfaceName: "eth1" }));
    expect((await snapshot(world)).minus(used).lines).toEqual([]);
  },
);

/** What DEL may know of the pod's MAC. */
const KNOWN: Case[] = [
  { name: "a record" },
  {
    name: "no record and a prevResult",
    meanwhile: async ({ world, result }) => {
      await world.host.must("rm -r /var/lib/cni/pontoon");
      return { more: { prevResult: result } };
    },
  },
  {
    name: "no record and no prevResult",
    meanwhile: async ({ world }) => void (await world.host.must("rm -r /var/lib/cni/pontoon")),
  },
];
for (const { name, meanwhile } of KNOWN)
  for (const whose of ["another network", "another program"] as const) {
    scene(
      `DEL with ${name}, whose link has gone and whose name in the pod ${whose} has taken, leaves that interface`,
      async (world) => {
        const pods = install(world, network("pods", { subnets: SUBNETS }));
        const others = install(world, network("others", { subnets: ["10.2.0.0/24"] }));
        const red = await world.pod("red");
        const result = await add(world, pods, red);
        await red.must("ip link del eth0");
        if (whose === "another network") await add(world, others, red);
        else await world.host.must("ip link add wire type veth peer name eth0 netns red");
        const before = await snapshot(world);
        const call = {
          network: pods,
          pod: red,
          ...(await meanwhile?.({ world, pods, red, result, networkOf: network })),
        };
        for (const time of ["first", "second"]) {
          mustSucceed(await plugin(world, "DEL", call));
          expect(linksOf(await snapshot(world)), `${time} DEL`).toEqual(linksOf(before));
        }
        expect(await pings(red, "10.2.0.1")).toBe(whose === "another network");
      },
    );
  }

scene(
  "DEL with the host's own namespace as CNI_NETNS releases what is ours, touches no link there, and says code 8",
  async (world) => {
    const pods = install(world, network("pods", { subnets: SUBNETS }));
    await warmUp(world, pods);
    const red = await world.pod("red");
    await world.host.must("ip link add eth0 type veth peer name wire");
    await add(world, pods, red);
    await world.removePod(red);
    await waitFor("the pod's link is gone", async () => (await snapshot(world)).hostEnds.isEmpty);
    const error = mustFail(
      await plugin(world, "DEL", { network: pods, pod: red, netns: world.hostNamespace }),
    );
    expect(error.code).toBe(8);
    const after = await snapshot(world);
    expect(after.links.named("eth0").lines).toHaveLength(1);
    expect(after.attachments.lines).toEqual([]);
  },
);

/** All links, the pod's own too, with their addresses. */
function linksOf({ links, addresses }: Snapshot): string[] {
  return links.plus(addresses).lines;
}
