import { expect, test } from "vitest";
import { explainShape } from "../../../src/cni/netconf-schema.ts";
import { parseShape } from "../../../src/cni/netconf-shape.ts";
import { Problems } from "../../../src/cni/problems.ts";

/** One value of every kind that JSON has. */
const VALUES: unknown[] = ["x", "", true, 0, 5, 1.5, -1, 2 ** 53, Infinity, null, {}, [], [[]], [[{}]], [{}], [["x"]], [[{ subnet: "x" }]], [[{ subnet: 5 }]], [[{ gateway: [] }], 5]];
const KEYS = ["bridge", "isGateway", "isDefaultGateway", "forceAddress", "ipMasq", "mtu", "hairpinMode", "promiscMode", "ipam"];
const IPAM_KEYS = ["type", "ranges", "subnet", "rangeStart", "rangeEnd", "gateway", "routes", "dataDir", "resolvConf", "statusWhenFull"];

test("the short check and the schema agree about every key and kind of value", () => {
  const cases = VALUES.flatMap((value) => [...KEYS.map((key) => ({ [key]: value })), ...IPAM_KEYS.map((key) => ({ ipam: { [key]: value } }))]);
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

test("a wrong value is left out, and what stands beside it is kept", () => {
  const problems = new Problems();
  const shape = parseShape({ bridge: 5, mtu: 1400, ipam: { type: "host-local", ranges: 5, dataDir: "/x" } }, problems);
  expect(shape).toEqual({ mtu: 1400, ipam: { type: "host-local", dataDir: "/x" } });
  expect(problems.texts).toHaveLength(2);
});
