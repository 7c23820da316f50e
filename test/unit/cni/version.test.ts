import { describe, expect, test } from "vitest";
import {
  checkVersionGate,
  compareVersions,
  SUPPORTED_VERSIONS,
  similarVersion,
} from "../../../src/cni/version.ts";
import { failureOf } from "./failure.ts";

const SUPPORTED = '["0.1.0" "0.2.0" "0.3.0" "0.3.1" "0.4.0" "1.0.0" "1.1.0"]';

test("exactly the seven released versions are accepted for ADD and DEL", () => {
  expect(SUPPORTED_VERSIONS).toEqual(["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"]);
  for (const version of SUPPORTED_VERSIONS) {
    expect(checkVersionGate("ADD", version)).toBe(version);
    expect(checkVersionGate("DEL", version)).toBe(version);
  }
});

test.each([
  ["0.3", "0.3.0"],
  ["0.5.0", "0.4.0"],
  ["1.1", "1.1.0"],
  ["1", "1.0.0"],
  ["v1.0.0", "1.0.0"],
  ["1.2.0", "1.1.0"],
  ["1.1.0 ", "1.1.0"],
  ["99.0.0", undefined],
  ["abc", undefined],
  ["01.1.0", undefined],
  ["__proto__", undefined],
  ["toString", undefined],
])(
  "ADD refuses version %j with the versions that would do, and the one that was meant: %s",
  (version, meant) => {
    const question = meant === undefined ? "" : `; did you mean "${meant}"?`;
    expect(failureOf(() => checkVersionGate("ADD", version))).toEqual({
      code: 1,
      msg: "incompatible CNI versions",
      details: `config is ${JSON.stringify(version)}, plugin supports ${SUPPORTED}${question}`,
    });
  },
);

test.each([
  [1, "1.0.0"],
  [1.1, "1.1.0"],
  [0.4, "0.4.0"],
  [7, undefined],
  [true, undefined],
  [{}, undefined],
])("the version that %j stands for is %s", (value, meant) => {
  expect(similarVersion(value)).toBe(meant);
});

describe("verbs that came later", () => {
  test.each([
    ["CHECK", ["0.1.0", "0.2.0", "0.3.0", "0.3.1"]],
    ["GC", ["0.1.0", "0.4.0", "1.0.0", "0"]],
    ["STATUS", ["0.1.0", "0.4.0", "1.0.0"]],
  ])("%s is not allowed below its first version", (verb, versions) => {
    for (const version of versions) {
      expect(failureOf(() => checkVersionGate(verb, version))).toMatchObject({
        code: 1,
        msg: `config version does not allow ${verb}`,
      });
    }
  });

  test.each(["CHECK", "GC", "STATUS"])("%s is allowed from its first version on", (verb) => {
    expect(checkVersionGate(verb, "1.1.0")).toBe("1.1.0");
  });

  test("CHECK is allowed from 0.4.0 on", () => {
    expect(["0.4.0", "1.0.0"].map((version) => checkVersionGate("CHECK", version))).toEqual([
      "0.4.0",
      "1.0.0",
    ]);
  });

  test.each(["CHECK", "GC", "STATUS"])("%s with a version that is none has code 6", (verb) => {
    for (const version of ["abc", "1.1.0.0", "1.x", "1.1.0-rc1"])
      expect(failureOf(() => checkVersionGate(verb, version)).code).toBe(6);
  });

  test.each(["CHECK", "GC", "STATUS"])(
    "%s with a version above ours says that the plugin is too old",
    (verb) => {
      for (const version of ["2.0.0", "1.1.1", "1.2"]) {
        expect(failureOf(() => checkVersionGate(verb, version))).toMatchObject({
          code: 1,
          msg: `plugin version does not allow ${verb}`,
        });
      }
    },
  );

  test.each(["0.5.0", "1"])("CHECK with %j, in range but never released, is incompatible", (version) => {
    expect(failureOf(() => checkVersionGate("CHECK", version))).toMatchObject({
      code: 1,
      msg: "incompatible CNI versions",
    });
  });
});

test("versions compare by age", () => {
  expect(compareVersions("0.3.1", "0.4.0")).toBeLessThan(0);
  expect(compareVersions("1.1.0", "1.0.0")).toBeGreaterThan(0);
  expect(compareVersions("0.2.0", "0.2.0")).toBe(0);
});
