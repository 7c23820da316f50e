import { expect, test } from "vitest";
import { type Fields, isList, type Kind, normaliseKeys } from "../../../src/cni/keys.ts";
import { NETCONF, NETCONF_KEYS } from "../../../src/cni/netconf-keys.ts";
import { explainShape } from "../../../src/cni/netconf-schema.ts";
import { Problems } from "../../../src/cni/problems.ts";
import { parseShape } from "../../../src/cni/shape.ts";
import { isPlain } from "./key-path.ts";

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
/** A way to put a value somewhere into a configuration. */
type Place = (value: unknown) => unknown;

/** Every place of a tree: that of each key, of each item of a list, and of the whole. */
function placesOf(kind: Kind): Place[] {
  const itself: Place = (value) => value;
  if (isPlain(kind)) return [itself];
  const below = isList(kind)
    ? placesOf(kind[0]).map(
        (place): Place =>
          (value) => [place(value)],
      )
    : Object.entries(kind).flatMap(([key, each]) =>
        placesOf(each).map(
          (place): Place =>
            (value) => ({ [key]: place(value) }),
        ),
      );
  return [itself, ...below];
}

/** Every place below the top, which is an object by then. */
const PLACES = placesOf(NETCONF).slice(1);

test("the short check and the schema agree about every key and kind of value", () => {
  const cases = VALUES.flatMap((value) =>
    PLACES.map((place) => normaliseKeys(place(value), NETCONF_KEYS) as Fields),
  );
  expect(PLACES.length).toBeGreaterThan(100);
  for (const fields of cases) {
    const short = new Problems();
    const explained = new Problems();
    expect(parseShape(fields, NETCONF, short), JSON.stringify(fields)).toEqual(
      explainShape(fields, NETCONF, explained),
    );
    expect(short.texts).toEqual(explained.texts);
    const isPlain = explained.isEmpty;
    // A plain configuration is handed on without a copy: that is how one sees that the schema was not asked.
    expect(parseShape(fields, NETCONF, new Problems()) === fields, JSON.stringify(fields)).toBe(isPlain);
  }
});

test("the wrong value that is left out of runtimeConfig costs no other", () => {
  const problems = new Problems();
  expect(parseShape({ runtimeConfig: { mac: 5, ips: ["10.1.0.5"] } }, NETCONF, problems)).toEqual({
    runtimeConfig: { ips: ["10.1.0.5"] },
  });
  expect(problems.texts).toEqual(["runtimeConfig.mac 5: must be text in quotes"]);
});

test("a wrong value is left out, and what stands beside it is kept", () => {
  const problems = new Problems();
  const shape = parseShape(
    { bridge: 5, mtu: 1400, ipam: { type: "host-local", ranges: 5, dataDir: "/x" } },
    NETCONF,
    problems,
  );
  expect(shape).toEqual({ mtu: 1400, ipam: { type: "host-local", dataDir: "/x" } });
  expect(problems.texts).toHaveLength(2);
});
