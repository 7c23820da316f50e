// docs/configuration.md says what is so: every key has its row, every default is the real one, every answer
// is given.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { WORDS } from "../../../scripts/schema-words.ts";
import { parseNetconf } from "../../../src/cni/config.ts";
import { failureOf } from "./failure.ts";

const page = readFileSync(new URL("../../../docs/configuration.md", import.meta.url), "utf8");
const rows = page.split("\n").filter((line) => line.startsWith("| "));

test("every key is in a table", () => {
  for (const path of Object.keys(WORDS)) {
    const key = path.split(".").at(-1) ?? "";
    expect(
      rows.some((row) => new RegExp(`[\`".]${key}[\`"]`).test(row)),
      path,
    ).toBe(true);
  }
});

test("every default is the one that counts", () => {
  const defaults = Object.entries(WORDS).flatMap(([path, words]) =>
    "default" in words ? [[path.replace("ipam.", ""), words["default"]] as const] : [],
  );
  expect(defaults.length).toBeGreaterThan(15);
  for (const [key, value] of defaults) {
    const cells =
      rows
        .find((row) => row.startsWith(`| \`${key}\` |`))
        ?.split("|")
        .map((cell) => cell.trim()) ?? [];
    expect(cells[3], key).toBe(`\`${String(value)}\``);
  }
});

/** The two columns of the table with this head. */
function table(head: string): string[][] {
  const [, below = ""] = page.split(`${head}\n|---|---|\n`);
  const found = [...(below.split("\n\n")[0] ?? "").matchAll(/^\| `(.*)` \| `(.*)` \|$/gm)].map(
    ([, left = "", right = ""]) => [left, right],
  );
  if (found.length === 0) throw new Error(`docs/configuration.md has no table with the head ${head}`);
  return found;
}

test.each(table("| In the entry | Answer |"))("the answer to %s is %s", (entry, answer) => {
  const error = failureOf(() => parseNetconf(`{"cniVersion":"1.0.0","name":"pods",${entry}}`, "ADD"));
  expect(error).toMatchObject({ code: 7, msg: `invalid network config: ${answer}` });
});

test.each(table("| CNI_ARGS | Answer |"))("the answer to CNI_ARGS %s is %s", (argument, answer) => {
  const [key = "", value = ""] = argument.split("=") ?? [];
  const error = failureOf(() =>
    parseNetconf('{"cniVersion":"1.0.0","name":"pods"}', "ADD", new Map([[key, value]])),
  );
  expect(error).toMatchObject({ code: 4, msg: `invalid environment: ${answer}` });
});
