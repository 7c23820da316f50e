// docs/configuration.md says what is so: every key has its row with its type, every default is the real one,
// every answer is given.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { WORDS, type Words } from "../../../scripts/schema-words.ts";
import { parseNetconf } from "../../../src/cni/config.ts";
import { isList, type Kind } from "../../../src/cni/keys.ts";
import { NETCONF } from "../../../src/cni/netconf-keys.ts";
import { failureOf } from "./failure.ts";
import { isPlain, kindsOf } from "./key-path.ts";

const page = readFileSync(new URL("../../../docs/configuration.md", import.meta.url), "utf8");

function rowsBelow(head: string): string[] {
  const [, ...tables] = page.split(`${head}\n|---|---|---|---|\n`);
  return tables.flatMap((text) => (text.split("\n\n")[0] ?? "").split("\n"));
}

/** The tables of keys: the names in the first column, the type and the default of each row. */
const keyRows = rowsBelow("| Key | Type | Default | Effect |").map((text) => {
  const [, names = "", type = "", fallback = ""] = text.split("|").map((cell) => cell.trim());
  return { names: names.split(", "), type, fallback, text };
});
const requests = rowsBelow(
  "| Asked for | Capability and `runtimeConfig` | In the configuration | In CNI_ARGS |",
);

/** What the column "Type" may say. */
function typesOf(kind: Kind): RegExp {
  if (isList(kind)) return /^list\b/;
  if (kind === "flag") return /^boolean$/;
  if (kind === "whole") return /^integer$/;
  return kind === "fields" ? /^object$/ : /^(string|prefix|address|)$/;
}

/**
 * A key has a row by its own name, one of `compat` by its path. An object has none: its keys have one each.
 */
function rowsOf(path: string) {
  const own = [`\`${path}\``, `\`${path.split(".").at(-1)}\``];
  return keyRows.filter(({ names }) => names.some((name) => own.includes(name)));
}

/** A key below another one may stand in the row of that one, or in the table of what is asked for. */
function isTold(path: string): boolean {
  const [key, ...above] = path.split(".").reverse();
  if (above.length === 0) return false;
  const rows = [...rowsOf(above.reverse().join(".")).map(({ text }) => text), ...requests];
  return rows.some((row) => new RegExp(`[\`".]${key}[\`"]`).test(row));
}

test.each(kindsOf(NETCONF).filter(([, kind]) => isPlain(kind) || isList(kind)))(
  "%s is in a table with its type",
  (path, kind) => {
    if (rowsOf(path).length === 0)
      expect(isTold(path), `docs/configuration.md has no row for ${path}`).toBe(true);
    else expect(rowsOf(path).map(({ type }) => type)).toContainEqual(expect.stringMatching(typesOf(kind)));
  },
);

const defaults = Object.entries<Words>(WORDS).flatMap(([path, words]) =>
  "default" in words ? [[path.replace("ipam.", ""), words["default"]] as const] : [],
);

test.each(defaults)("%s has the default that counts: %j", (path, value) => {
  const found = keyRows.find(({ names }) => names.includes(`\`${path}\``));
  expect(found?.fallback).toBe(`\`${String(value)}\``);
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
