// ingressPolicy: who reaches whose pods, and pods that get out although the node's iptables drop what is forwarded.
import { expect } from "vitest";
import { add, check, type CniResult, del } from "../support/cni.ts";
import { type Dropping, filterLines, openStage, PORT_ARGS, reachTable, type Stage, SUBNETS } from "../support/ingress.ts";
import { install, type Network, network } from "../support/network.ts";
import { scene } from "../support/scene.ts";
import { snapshot } from "../support/snapshot.ts";
import type { World } from "../support/world.ts";

const POLICIES = ["open", "same-bridge", "isolated"] as const;
type Policy = (typeof POLICIES)[number];

const MAPS = { capabilities: { portMappings: true } };

/** A network of the stage; without a policy when none is named. */
function policed(world: World, name: keyof typeof SUBNETS, ingressPolicy: string | undefined): Network {
  return install(world, network(name, { ...MAPS, subnets: SUBNETS[name], ...(ingressPolicy === undefined ? {} : { ingressPolicy }) }));
}

interface Networks {
  pods: Network;
  others: Network;
}

async function addAll({ world, red, blue, green, env }: Stage, { pods, others }: Networks): Promise<{ blue: CniResult; green: CniResult }> {
  await add(world, pods, red, env);
  return { blue: await add(world, pods, blue, { ...env, ...PORT_ARGS }), green: await add(world, others, green, env) };
}

/** What every policy allows, and the rest by policy. */
const TABLE: Record<Policy, Record<string, string>> = {
  "open": { "red to blue": "yes", "red to blue's host port": "yes", "red to green": "yes", "green to blue": "yes", "green to blue's host port": "yes" },
  "same-bridge": { "red to blue": "yes", "red to blue's host port": "yes", "red to green": "no", "green to blue": "no", "green to blue's host port": "no" },
  "isolated": { "red to blue": "no", "red to blue's host port": "no", "red to green": "no", "green to blue": "no", "green to blue's host port": "no" },
};

function expected(policy: Policy, dropping: Dropping): Record<string, string> {
  return {
    "red to the neighbour": "yes",
    // Who drops what nobody asked for means it; a host port was asked for.
    "the neighbour to blue": dropping === undefined ? "yes" : "no",
    "the neighbour to blue's host port": "yes", "the node to blue": "yes", "the node to blue's host port": "yes",
    ...TABLE[policy],
  };
}

for (const dropping of [undefined, "nft", "legacy"] as const) {
  for (const policy of POLICIES) {
    for (const seesBridges of [true, false]) {
      scene(`${policy}, forwarding ${dropping === undefined ? "not dropped" : `dropped by iptables-${dropping}`}, bridge-nf-call ${seesBridges ? "on" : "off"}: who reaches whom; nothing is left after`, async (world) => {
        const stage = await openStage(world, dropping, seesBridges);
        const networks = { pods: policed(world, "pods", policy), others: policed(world, "others", policy) };
        const before = [await filterLines(world), (await snapshot(world)).filter((line) => line.includes("pontoon-ingress"))];
        const results = await addAll(stage, networks);
        expect(await reachTable(stage, results)).toEqual(expected(policy, dropping));
        for (const [pods, pod] of [[networks.pods, stage.red], [networks.pods, stage.blue], [networks.others, stage.green]] as const) expect(await check(world, pods, pod)).toBeUndefined();
        await del(world, networks.pods, stage.red, stage.env);
        await del(world, networks.pods, stage.blue, { ...stage.env, ...PORT_ARGS });
        await del(world, networks.others, stage.green, stage.env);
        expect([await filterLines(world), (await snapshot(world)).filter((line) => line.includes("pontoon-ingress"))]).toEqual(before);
      }, 60_000);
    }
  }
}
