// A row played with one plugin on a fresh node: what was said, seen, reached and left, as facts.
import { addressesOf, type CniError, type CniResult } from "../support/cni.ts";
import type { Outcome } from "../support/process.ts";
import { call } from "./call.ts";
import { addBelow, changedFacts, type Facts, flatten } from "./facts.ts";
import { type Look, look } from "./probe.ts";
import type { Names } from "./probe-network.ts";
import { reachFacts } from "./reach.ts";
import { resultFacts } from "./result-facts.ts";
import type { Plugin, Row } from "./row.ts";
import { type Stage, setStage, settle, tentativeAddresses } from "./stage.ts";

interface Scene extends Stage {
  row: Row;
  plugin: Plugin;
}

/** What became of it, and the calls for a person who wants to know why. */
export interface Played {
  facts: Facts;
  diary: string[];
}

export async function play(row: Row, plugin: Plugin): Promise<Played> {
  await using stage = await setStage(row.node);
  const scene = { ...stage, row, plugin };
  const facts: Facts = new Map();
  const before = await seenBefore(scene);
  const added = await call(stage.world, "ADD", { row, plugin, pod: stage.red, isFirst: true });
  if (added.status === 0) await attached(scene, JSON.parse(added.stdout) as CniResult, facts);
  else await refused(scene, added, before, facts);
  addBelow("left after DEL", changedFacts(before, await seen(scene)), facts);
  return { facts, diary: stage.world.diary };
}

/** The ADD failed: with what code, what it left, and how a DEL ends after it. */
async function refused(scene: Scene, added: Outcome, before: Facts, facts: Facts): Promise<void> {
  const { world, row, plugin, red } = scene;
  const { code, details } = JSON.parse(added.stdout) as CniError;
  facts.set("ADD", "refused");
  facts.set("code", String(code));
  facts.set("hint", /Hint: [A-Z]/.test(details ?? "") ? "yes" : "no");
  addBelow("left after the refusal", changedFacts(before, await seen(scene)), facts);
  facts.set("DEL", ending(await call(world, "DEL", { row, plugin, pod: red, isFirst: true })));
}

async function attached(scene: Scene, result: CniResult, facts: Facts): Promise<void> {
  const { world, row, plugin, red, blue } = scene;
  const tentative = tentativeAddresses(world);
  facts.set("ADD", "done");
  facts.set("addresses of the node that do not answer yet", String(tentative.length));
  const first = { row, plugin, pod: red, isFirst: true, prevResult: result };
  facts.set("CHECK", ending(await call(world, "CHECK", first)));
  await settle(world);
  const now = await look(world);
  const names = namesOf(row, now);
  for (const [path, value] of now.facts(names)) facts.set(path, value);
  resultFacts(result, now, names, facts);
  const second = { row, plugin, pod: blue, isFirst: false };
  const other = row.alone === true ? undefined : await call(world, "ADD", second);
  facts.set("ADD of blue", other === undefined ? "none" : other.status === 0 ? "done" : "refused");
  const otherResult = other?.status === 0 ? (JSON.parse(other.stdout) as CniResult) : undefined;
  flatten(otherResult?.ips ?? [], "result of blue.ips", facts);
  await settle(world);
  await reachFacts(world, endsOf(result, otherResult), facts);
  for (const { what, place, command } of row.acts ?? []) {
    const { status } = await (place === "red" ? red : world.host).exec(["sh", "-ec", command]);
    facts.set(`act.${what}`, status === 0 ? "yes" : "no");
  }
  if (other !== undefined)
    facts.set("DEL of blue", ending(await call(world, "DEL", { ...second, prevResult: otherResult })));
  facts.set("DEL", ending(await call(world, "DEL", first)));
}

function endsOf(red: CniResult, blue: CniResult | undefined) {
  const gateways = (red.ips ?? []).flatMap(({ gateway }) => gateway ?? []);
  return {
    red: addressesOf(red),
    blue: blue === undefined ? [] : addressesOf(blue),
    gateways: [...new Set(gateways)],
  };
}

/** "done" for a call that succeeded and printed nothing. */
function ending({ status, stdout }: Outcome): string {
  if (status === 0) return stdout === "" ? "done" : "done, with output";
  return "refused";
}

const fresh = new Map<string, Promise<Facts>>();

/** Nodes that were made in the same way are the same. */
function seenBefore(scene: Scene): Promise<Facts> {
  const key = (scene.row.node ?? []).join("\n");
  const known = fresh.get(key) ?? seen(scene);
  fresh.set(key, known);
  return known;
}

/** The node and pod red. */
async function seen({ world, row }: Scene): Promise<Facts> {
  const now = await look(world);
  return now.facts(namesOf(row, now));
}

function namesOf(row: Row, { node, red }: Look): Names {
  const text = JSON.stringify(row);
  const index = red.find(({ link_netnsid: elsewhere }) => elsewhere !== undefined)?.link_index;
  const port = node.find(
    ({ ifindex, link_netnsid: elsewhere }) => elsewhere !== undefined && ifindex === index,
  )?.ifname;
  return {
    of: (name) => (name === port ? "port" : name.replace(/^veth[0-9a-f]{8,}$/, "another veth")),
    mac: (address) => (text.includes(address) || address === "00:00:00:00:00:00" ? address : "some MAC"),
  };
}
