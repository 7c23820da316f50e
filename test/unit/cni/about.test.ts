import { expect, test } from "vitest";
import { aboutText, versionAnswer } from "../../../src/cni/about.ts";

test("VERSION names the newest version and all supported ones, on one line", () => {
  expect(versionAnswer()).toBe(
    '{"cniVersion":"1.1.0","supportedVersions":["0.1.0","0.2.0","0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}\n',
  );
});

test("the about text has the form that programs look for", () => {
  const [first, second] = aboutText("pontoon").split("\n");
  expect(first).toMatch(/^CNI pontoon plugin v\d+\.\d+\.\d+(-\w+)?$/);
  expect(second).toBe("CNI protocol versions supported: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0");
});
