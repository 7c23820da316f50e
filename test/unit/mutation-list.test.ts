// The list of small changes that tests have to notice (scripts/test --mutate) is played rarely; here it is
// kept in step with the sources.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MUTATIONS } from "../mutation/all.ts";
import { piecesAround } from "../mutation/mutation.ts";
import { REPOSITORY } from "../support/tool.ts";

/** How often a piece of text stands in a file of the repository; undefined when there is no such file. */
function occurrences(file: string, text: string): number | undefined {
  const path = join(REPOSITORY, file);
  return existsSync(path) ? piecesAround(readFileSync(path, "utf8"), text).length - 1 : undefined;
}

test("every small change finds its place: the text that it replaces occurs once in its file", () => {
  const lost = MUTATIONS.flatMap(({ name, file, find }) =>
    occurrences(file, find) === 1 ? [] : [`${name}: ${occurrences(file, find) ?? "no file"} in ${file}`],
  );
  expect(lost).toEqual([]);
});

test("every small change names a test file that exists, and no name stands for two changes", () => {
  expect(MUTATIONS.filter(({ test }) => !existsSync(join(REPOSITORY, test)))).toEqual([]);
  expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length);
});

test("the list has rows from every folder of src", () => {
  const folders = new Set(
    MUTATIONS.filter(({ file }) => file.startsWith("src/")).map(({ file }) => file.split("/")[1]),
  );
  expect([...folders].sort()).toEqual([
    "attachment",
    "cluster",
    "cni",
    "command",
    "doctor",
    "failure",
    "host",
    "ip",
    "ipam",
    "iptables",
    "look",
    "loopback",
    "main.ts",
    "net",
    "netlink",
    "nft",
    "picture",
    "plan",
    "record",
    "ruleset",
    "runtime",
    "script",
    "survey",
    "sys",
    "teardown",
    "terminal",
    "tool",
    "trial",
    "verb",
  ]);
});
