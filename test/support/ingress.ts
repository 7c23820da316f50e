// Who reaches whom on a node with two networks of pods and a neighbour on the wire: a connection from each to
// each, in both families, direct and by a host port.
import { isDeepStrictEqual } from "node:util";
import { addressesOf, type CniResult } from "./cni.ts";
import { addNeighbour } from "./neighbour.ts";
import type { Place } from "./place.ts";
import { iptablesVariants } from "./reference.ts";
import { toolPath } from "./tool.ts";
import { connect, serve } from "./traffic.ts";
import type { Pod, World } from "./world.ts";

/** Which iptables drop what no rule of theirs lets through. */
export type Dropping = "nft" | "legacy" | undefined;

export const SUBNETS = { pods: ["10.1.0.0/24", "fd01::/64"], others: ["10.2.0.0/24", "fd02::/64"] };

const PORT = 8080;
const ATTEMPTS = 3;
export const HOST_PORT = 8081;

/** Blue's host port. */
export const PORT_ARGS = {
  CAP_ARGS: JSON.stringify({ portMappings: [{ hostPort: HOST_PORT, containerPort: PORT, protocol: "tcp" }] }),
};

/** A node with three pods to be: red and blue on one network, green on another one. */
export interface Stage {
  world: World;
  red: Pod;
  blue: Pod;
  green: Pod;
  neighbour: Place;
  /** An environment in which the programs of iptables are those of the variant. */
  env: Record<string, string>;
}

export async function openStage(world: World, dropping: Dropping, seesBridges: boolean): Promise<Stage> {
  const { place: neighbour } = await addNeighbour(world);
  for (const family of ["ip", "ip6"])
    await world.host.must(`sysctl -q -w net.bridge.bridge-nf-call-${family}tables=${seesBridges ? 1 : 0}`);
  for (const [four, six] of [SUBNETS.pods, SUBNETS.others]) {
    await neighbour.must(`ip route add ${four} via 192.168.50.1`);
    await neighbour.must(`ip route add ${six} via fd50::1`);
  }
  const env = iptablesVariants(world).find(({ name }) => name === (dropping ?? "nft"))!.env;
  if (dropping !== undefined)
    for (const program of ["iptables", "ip6tables"])
      await world.host.must(`${toolPath(`${program}-${dropping}`)} -P FORWARD DROP`);
  return {
    world,
    neighbour,
    env,
    red: await world.pod("red"),
    blue: await world.pod("blue"),
    green: await world.pod("green"),
  };
}

type Results = { blue: CniResult; green: CniResult };

/**
 * Looks again when it is not as expected: a node that is busy with namespaces of others may take seconds for
 * an answer.
 */
export async function reachTable(
  stage: Stage,
  results: Results,
  expected: Record<string, string>,
): Promise<Record<string, string>> {
  let table = await tryAll(stage, results);
  for (let attempt = 1; attempt < ATTEMPTS && !isDeepStrictEqual(table, expected); attempt++)
    table = await tryAll(stage, results);
  return table;
}

/** Each row with "yes" or "no", or what each family says. */
async function tryAll(
  { world, red, blue, green, neighbour }: Stage,
  results: Results,
): Promise<Record<string, string>> {
  const [blues, greens] = [addressesOf(results.blue), addressesOf(results.green)];
  const wire = { theirs: ["192.168.50.2", "fd50::2"], ours: ["192.168.50.1", "fd50::1"] };
  const servers = await Promise.all([
    ...[blue, green, neighbour].map((place) => serve(place, "tcp", "::", PORT)),
  ]);
  const rows: [string, Place, string[], number][] = [
    ["red to the neighbour", red, wire.theirs, PORT],
    ["the neighbour to blue", neighbour, blues, PORT],
    ["the neighbour to blue's host port", neighbour, wire.ours, HOST_PORT],
    ["the node to blue", world.host, blues, PORT],
    ["the node to blue's host port", world.host, wire.ours, HOST_PORT],
    ["red to blue", red, blues, PORT],
    ["red to blue's host port", red, wire.ours, HOST_PORT],
    ["red to green", red, greens, PORT],
    ["green to blue", green, blues, PORT],
    ["green to blue's host port", green, wire.ours, HOST_PORT],
  ];
  try {
    const answers = await Promise.all(
      rows.map(async ([what, from, targets, port]) => {
        const [four, six] = await Promise.all(
          targets.map(async (target) => ((await connect(from, target, port)) === undefined ? "no" : "yes")),
        );
        return [what, four === six ? four! : `4 ${four}, 6 ${six}`] as const;
      }),
    );
    return Object.fromEntries(answers);
  } finally {
    for (const server of servers) await server[Symbol.asyncDispose]();
  }
}

/** What these policies of the two networks mean, on a node that drops what it forwards or does not. */
export function expectedTable(
  pods: string | undefined,
  others: string | undefined,
  drops: boolean,
): Record<string, string> {
  const isKept = (policy: string | undefined) => policy === "same-bridge" || policy === "isolated";
  const [inside, between] = [
    pods === "isolated" ? "no" : "yes",
    isKept(pods) && isKept(others) ? "no" : "yes",
  ];
  return {
    "red to the neighbour": "yes",
    // Who drops what nobody asked for means it; a host port was asked for.
    "the neighbour to blue": drops ? "no" : "yes",
    "the neighbour to blue's host port": "yes",
    "the node to blue": "yes",
    "the node to blue's host port": "yes",
    "red to blue": inside,
    "red to blue's host port": inside,
    "red to green": between,
    "green to blue": between,
    "green to blue's host port": between,
  };
}

/**
 * All rules of table filter, by both variants of iptables and both families, and chains of others than
 * iptables itself.
 */
export async function filterLines(world: World): Promise<string[]> {
  const saves = ["iptables-nft-save", "ip6tables-nft-save", "iptables-legacy-save", "ip6tables-legacy-save"];
  const texts = await Promise.all(saves.map((save) => world.host.must(`${toolPath(save)} -t filter`)));
  return texts.flatMap((text, index) =>
    text
      .split("\n")
      .filter((line) => /^(-A|:)/.test(line))
      .map((line) => `${saves[index]}: ${line.replace(/ \[\d+:\d+\]$/, "")}`),
  );
}
