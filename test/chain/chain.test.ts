// Every scene with the reference chain (bridge, portmap, firewall, bandwidth, tuning) and with our one entry:
// equal, or different as the scene says.
import { afterAll, expect, test } from "vitest";
import { compare, report } from "../differential/compare.ts";
import type { Difference } from "../differential/row.ts";
import { ON_PURPOSE } from "./on-purpose.ts";
import { play } from "./play.ts";
import { SCENES } from "./scene.ts";

const count = { facts: 0, equal: 0, different: 0 };
const used = new Set<Difference>();

/** They wait more than they work, but ten of them at once are too much for a small machine. */
const LANES = 4;
const lanes: Promise<unknown>[] = [];

test.concurrent.for(SCENES)("$name", { timeout: 120_000 }, async (scene) => {
  const lane = SCENES.indexOf(scene) % LANES;
  const played = (lanes[lane] ?? Promise.resolve()).then(
    async () => [await play(scene, "ours"), await play(scene, "reference")] as const,
  );
  lanes[lane] = Promise.allSettled([played]);
  const [ours, reference] = await played;
  const comparison = compare(ours.facts, reference.facts, scene.differences ?? [], ON_PURPOSE);
  for (const entry of comparison.used) used.add(entry);
  const lines = report(comparison);
  count.facts += ours.facts.size;
  count[lines.length === 0 ? "equal" : "different"] += 1;
  if (lines.length === 0) return;
  console.error(`What was called in "${scene.name}":\n${[...ours.diary, ...reference.diary].join("\n")}`);
  throw new Error(lines.join("\n"));
});

afterAll(() => {
  console.log(
    `one entry beside the reference chain: ${count.equal} scenes as they should be, ${count.different} different, ${count.facts} facts compared`,
  );
  const idle = ON_PURPOSE.filter((entry) => !used.has(entry)).map(({ where, why }) => `${where} (${why})`);
  expect(
    count.equal === SCENES.length ? idle : [],
    "differences of no scene, so take them out of on-purpose.ts",
  ).toEqual([]);
});
