// Every row of the table with the reference plugins and with ours: equal, or different as the table says.
import { afterAll, describe, expect, test } from "vitest";
import { compare, report } from "./compare.ts";
import type { Facts } from "./facts.ts";
import { ON_PURPOSE, ON_PURPOSE_BESIDE, ON_REFUSAL } from "./on-purpose.ts";
import { play } from "./play.ts";
import type { Difference } from "./row.ts";
import { TABLE } from "./table.ts";

/** What many rows share, wherever they refuse nothing. */
const SHARED = [...ON_PURPOSE, ...Object.values(ON_PURPOSE_BESIDE).flat()];
const count = { equal: 0, better: 0, different: 0 };
const used = new Set<Difference>();

describe.for(Object.entries(TABLE))("%s", ([, rows]) => {
  test.concurrent.for(rows)("$name", { timeout: 60_000 }, async (row) => {
    const [ours, reference] = [await play(row, "ours"), await play(row, "reference")];
    const areRefused = [ours, reference].every(({ facts }) => facts.get("ADD") === "refused");
    const shared = [
      ...ON_PURPOSE,
      ...ON_PURPOSE_BESIDE[row.reference ?? "bridge"],
      ...(areRefused ? ON_REFUSAL : []),
    ];
    const comparison = compare(...comparable(ours.facts, reference.facts), row.differences ?? [], shared);
    for (const entry of comparison.used) used.add(entry);
    const lines = [
      ...report(comparison),
      ...(row.errorOfOthers === true ? [] : rulesOfRefusal(ours.facts, reference.facts)),
    ];
    count[lines.length > 0 ? "different" : isBetter(comparison.used) ? "better" : "equal"] += 1;
    if (lines.length === 0) return;
    console.error(`What was called for "${row.name}":\n${[...ours.diary, ...reference.diary].join("\n")}`);
    throw new Error(lines.join("\n"));
  });
});

test("no two rows of a subject have one name", () => {
  const names = Object.entries(TABLE).flatMap(([subject, rows]) =>
    rows.map(({ name }) => `${subject}: ${name}`),
  );
  expect(names.length).toBeGreaterThanOrEqual(60);
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
});

afterAll(() => {
  console.log(
    `${count.equal} netconfs equal, ${count.better} better on purpose, ${count.different} different`,
  );
  const hasRunWhole = count.equal + count.better === Object.values(TABLE).flat().length;
  const idle = [...SHARED, ...ON_REFUSAL]
    .filter((entry) => !used.has(entry))
    .map(({ where, why }) => `${where} (${why})`);
  expect(hasRunWhole ? idle : [], "differences of no row, so take them out of on-purpose.ts").toEqual([]);
});

/**
 * Where only one side has an attached pod there is nothing else to compare it with; a refusal of ours still
 * leaves nothing.
 */
function comparable(ours: Facts, reference: Facts): [Facts, Facts] {
  if (ours.get("ADD") === reference.get("ADD")) return [ours, reference];
  const kept = (facts: Facts, paths: RegExp): Facts =>
    new Map([...facts].filter(([path]) => paths.test(path)));
  return [
    kept(ours, ours.get("ADD") === "refused" ? /^(ADD|DEL|left .*)$/ : /^(ADD|DEL)$/),
    kept(reference, /^(ADD|DEL)$/),
  ];
}

/** A refusal of ours has a code that says something, and a hint, or the very wording of the reference. */
function rulesOfRefusal(ours: Facts, reference: Facts): string[] {
  if (ours.get("ADD") !== "refused") return [];
  return [
    ...(ours.get("code") === "999" ? ["our code is 999, which means a bug"] : []),
    ...(ours.get("hint") === "no" && ours.get("code") !== reference.get("code")
      ? ["our error has no hint"]
      : []),
  ];
}

/** A difference of the row's own, or one that mends a defect. */
function isBetter(usedHere: Difference[]): boolean {
  return usedHere.some((entry) => !SHARED.includes(entry) || /^[DL]\d/.test(entry.why));
}
