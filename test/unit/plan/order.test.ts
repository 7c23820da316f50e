// The order of the steps stands in one list, which docs/architecture.md quotes. A kind that has no maker
// (MAKERS in src/plan/steps.ts) or nothing that does it (KINDS in src/host/kinds.ts) needs no test: it does
// not compile.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ORDER, STEP_NAMES, traitsOf } from "../../../src/plan/order.ts";
import type { StepName } from "../../../src/plan/step.ts";
import { stepsOf } from "../../../src/plan/steps.ts";
import { attachmentWithEverything } from "../../support/everything.ts";
import { REPOSITORY } from "../../support/tool.ts";

/** The rows of the page's table: a kind in backquotes, what it makes, its traits. */
function quotedRows(): { name: string; makes: string; traits: string }[] {
  const page = readFileSync(join(REPOSITORY, "docs/architecture.md"), "utf8");
  const [, section = ""] = page.split("\n## The order of the steps\n");
  const [text = ""] = section.split("\n## ");
  return [...text.matchAll(/^\| `(\w+)` \| (.+?) \|(?: (.+?))? \|$/gm)].map(
    ([, name = "", makes = "", traits = ""]) => ({ name, makes, traits }),
  );
}

function traitsInWords(name: StepName): string {
  const { stays, isRule, needsAddress } = traitsOf(name);
  return [stays && "stays", isRule && "rule", needsAddress && "needs an address"].filter(Boolean).join(", ");
}

test("the order of steps that docs/architecture.md quotes is that of the list, and so are their traits", () => {
  expect(quotedRows().map(({ name }) => name)).toEqual(Object.keys(ORDER));
  for (const { name, traits } of quotedRows())
    expect(`${name}: ${traits}`).toBe(`${name}: ${traitsInWords(name as StepName)}`);
});

/** The steps of other ways of attaching than a bridge. */
const OF_OTHER_WAYS: StepName[] = [
  "nodeSpoofCheck",
  "arpCheck",
  "hostRoute",
  "wire",
  "wireCarrier",
  "device",
];

test.each([
  ["nftables", "iptablesMasquerade"],
  ["iptables", "masquerade"],
] as const)(
  "an attachment with everything on a bridge, masqueraded by %s, has a step of every kind but %s, in that order",
  (backend, excluded) => {
    const attachment = attachmentWithEverything();
    attachment.masquerade = { backend, subnets: [] };
    const kinds = stepsOf(attachment).map(({ kind }) => kind);
    expect(kinds).toEqual(STEP_NAMES.filter((name) => name !== excluded && !OF_OTHER_WAYS.includes(name)));
  },
);
