// ingressPolicy: who reaches whose pods, and pods that get out although the node's iptables drop what is
// forwarded.
import { expect, test } from "vitest";
import { settle } from "../differential/stage.ts";
import { add, type CniResult, check, del } from "../support/cni.ts";
import {
  expectedTable,
  filterLines,
  openStage,
  PORT_ARGS,
  reachTable,
  type Stage,
  SUBNETS,
} from "../support/ingress.ts";
import { addPlugins } from "../support/ipam.ts";
import { install, type Network, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import { openWorld, type World } from "../support/world.ts";

const POLICIES = ["open", "same-bridge", "isolated"] as const;
const MAPS = { capabilities: { portMappings: true } };

/** A network of the stage; without a policy when none is named. */
function policed(world: World, name: keyof typeof SUBNETS, ingressPolicy: string | undefined): Network {
  return install(
    world,
    network(name, {
      ...MAPS,
      subnets: SUBNETS[name],
      ...(ingressPolicy === undefined ? {} : { ingressPolicy }),
    }),
  );
}

interface Networks {
  pods: Network;
  others: Network;
}

async function addAll(
  { world, red, blue, green, env }: Stage,
  { pods, others }: Networks,
): Promise<{ blue: CniResult; green: CniResult }> {
  await add(world, pods, red, env);
  return {
    blue: await add(world, pods, blue, { ...env, ...PORT_ARGS }),
    green: await add(world, others, green, env),
  };
}

for (const dropping of [undefined, "nft", "legacy"] as const) {
  for (const policy of POLICIES) {
    for (const seesBridges of [true, false]) {
      scene(
        `${policy}, forwarding ${dropping === undefined ? "not dropped" : `dropped by iptables-${dropping}`}, bridge-nf-call ${seesBridges ? "on" : "off"}: who reaches whom; nothing is left after`,
        async (world) => {
          const stage = await openStage(world, dropping, seesBridges);
          const networks = { pods: policed(world, "pods", policy), others: policed(world, "others", policy) };
          const before = [
            await filterLines(world),
            (await snapshot(world)).inTable("inet pontoon-ingress").lines,
          ];
          const results = await addAll(stage, networks);
          const table = expectedTable(policy, policy, dropping !== undefined);
          expect(await reachTable(stage, results, table)).toEqual(table);
          for (const [pods, pod] of [
            [networks.pods, stage.red],
            [networks.pods, stage.blue],
            [networks.others, stage.green],
          ] as const)
            expect(await check(world, pods, pod)).toBeUndefined();
          await del(world, networks.pods, stage.red, stage.env);
          await del(world, networks.pods, stage.blue, { ...stage.env, ...PORT_ARGS });
          await del(world, networks.others, stage.green, stage.env);
          expect([
            await filterLines(world),
            (await snapshot(world)).inTable("inet pontoon-ingress").lines,
          ]).toEqual(before);
        },
        60_000,
      );
    }
  }
}

/** The policies of the two networks; undefined: none at all. */
const PAIRS: [string | undefined, string | undefined][] = [
  ["open", "open"],
  ["same-bridge", "same-bridge"],
  ["isolated", "isolated"],
  ["same-bridge", "open"],
  ["same-bridge", undefined],
  ["open", "isolated"],
  ["isolated", "same-bridge"],
];

test.each(PAIRS)(
  "%s beside %s: who reaches whom is as with the reference's bridge, portmap and firewall",
  async (first, second) => {
    const table = expectedTable(first, second, false);
    expect(await playWith(byReference), "with the reference").toEqual(table);
    expect(await playWith(policed), "with ours").toEqual(table);

    async function playWith(
      networkOf: (world: World, name: keyof typeof SUBNETS, policy: string | undefined) => Network,
    ) {
      await using world = await openWorld();
      const stage = await openStage(world, undefined, true);
      const results = await addAll(stage, {
        pods: networkOf(world, "pods", first),
        others: networkOf(world, "others", second),
      });
      // The reference's gateways answer when the kernel has looked for duplicates.
      await settle(world);
      return await reachTable(stage, results, table);
    }
  },
  60_000,
);

/** The same network by a chain of reference plugins. */
function byReference(world: World, name: keyof typeof SUBNETS, policy: string | undefined): Network {
  if (!world.has("/run/world/bin/bridge")) addPlugins(world, "bridge", "host-local", "portmap", "firewall");
  const {
    plugins: [{ capabilities, ...bridge }],
    ...list
  } = network(name, { ...MAPS, subnets: SUBNETS[name] });
  const chain = [
    { ...bridge, type: "bridge" },
    { type: "portmap", capabilities },
    ...(policy === undefined ? [] : [{ type: "firewall", backend: "iptables", ingressPolicy: policy }]),
  ];
  return install(world, { ...list, plugins: chain as Network["plugins"] });
}
