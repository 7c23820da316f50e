import { expect, test } from "vitest";
import { answerVersion } from "../../../src/cni/version.ts";

const CASES: [string, string][] = [
  ['{"cniVersion":"0.4.0","name":7}', "0.4.0"],
  ['{"CNIVERSION":"1.0.0"}', "1.0.0"],
  ['{"name":"pods"}', "0.1.0"],
  ['{"cniVersion":""}', "0.1.0"],
  ['{"cniVersion":null}', "0.1.0"],
  ['{"cniVersion":"9.9.9"}', "1.1.0"],
  ['{"cniVersion":1}', "1.1.0"],
  ["[]", "1.1.0"],
  ["null", "1.1.0"],
  ["{", "1.1.0"],
  ["", "1.1.0"],
];

for (const [config, version] of CASES) {
  test(`an error about ${JSON.stringify(config)} is said in version ${version}`, () => {
    expect(answerVersion(config)).toBe(version);
  });
}
