import { expect, test } from "vitest";
import * as z from "zod/mini";
import { type Fields, normaliseKeys } from "../../../src/cni/keys.ts";
import { NETCONF_KEYS } from "../../../src/cni/netconf-keys.ts";
import { buildSchema, explainShape } from "../../../src/cni/netconf-schema.ts";
import { parseShape } from "../../../src/cni/netconf-shape.ts";
import { Problems } from "../../../src/cni/problems.ts";
import { keysOf } from "./key-path.ts";

/** One value of every kind that JSON has. */
const VALUES: unknown[] = [
  "x",
  "",
  true,
  0,
  5,
  1.5,
  -1,
  2 ** 53,
  Infinity,
  null,
  {},
  [],
  [[]],
  [[{}]],
  [{}],
  [["x"]],
  [[{ subnet: "x" }]],
  [[{ subnet: 5 }]],
  [[{ gateway: [] }], 5],
  ["x", 5],
  [{ dst: 5 }],
  [{ mtu: "x" }],
  [{ mtu: 1400 }],
  [{ id: 5 }],
  [{ minID: "x" }],
];
/** Paths of all keys that the schema knows. Those of a list's items are reached by the kinds of values. */
const PATHS = pathsOf(z.toJSONSchema(buildSchema(), { io: "input" }) as Described);

interface Described {
  properties?: { [key: string]: Described };
  items?: Described;
}

function pathsOf({ properties = {} }: Described): string[][] {
  return Object.entries(properties).flatMap(([key, below]) => [
    [key],
    ...pathsOf(below).map((path) => [key, ...path]),
  ]);
}

/** The same with the keys of items of lists. */
function allPathsOf({ properties = {}, items }: Described): string[] {
  const below = Object.entries(properties).flatMap(([key, field]) => [
    key,
    ...allPathsOf(field).map((path) => `${key}.${path}`),
  ]);
  return items === undefined ? below : allPathsOf(items);
}

/** A configuration with one value at a path, read as far as the check of types gets it. */
function withValue(path: string[], value: unknown): Fields {
  return normaliseKeys(
    path.reduceRight((inner: unknown, key) => ({ [key]: inner }), value),
    NETCONF_KEYS,
  ) as Fields;
}

test("the short check and the schema agree about every key and kind of value", () => {
  const cases = VALUES.flatMap((value) => PATHS.map((path) => withValue(path, value)));
  expect(PATHS.length).toBeGreaterThan(40);
  for (const fields of cases) {
    const short = new Problems();
    const explained = new Problems();
    expect(parseShape(fields, short), JSON.stringify(fields)).toEqual(explainShape(fields, explained));
    expect(short.texts).toEqual(explained.texts);
    const isPlain = explained.isEmpty;
    // A plain configuration is handed on without a copy: that is how one sees that the schema was not asked.
    expect(parseShape(fields, new Problems()) === fields, JSON.stringify(fields)).toBe(isPlain);
  }
});

test("the wrong value that is left out of runtimeConfig costs no other", () => {
  const problems = new Problems();
  expect(parseShape({ runtimeConfig: { mac: 5, ips: ["10.1.0.5"] } }, problems)).toEqual({
    runtimeConfig: { ips: ["10.1.0.5"] },
  });
  expect(problems.texts).toEqual(["runtimeConfig.mac 5: must be text in quotes"]);
});

test("a wrong value is left out, and what stands beside it is kept", () => {
  const problems = new Problems();
  const shape = parseShape(
    { bridge: 5, mtu: 1400, ipam: { type: "host-local", ranges: 5, dataDir: "/x" } },
    problems,
  );
  expect(shape).toEqual({ mtu: 1400, ipam: { type: "host-local", dataDir: "/x" } });
  expect(problems.texts).toHaveLength(2);
});

test("every key of the schema is read, and every key that is read has its type in the schema", () => {
  const unchecked = new Set([
    "cniVersion",
    "name",
    "prevResult",
    "capabilities",
    "capabilities.ipRanges",
    "plugins",
  ]);
  const read = keysOf(NETCONF_KEYS).filter((key) => !unchecked.has(key));
  expect(read.sort()).toEqual(allPathsOf(z.toJSONSchema(buildSchema(), { io: "input" }) as Described).sort());
});
