import { expect, test } from "vitest";
import { aboutText, helpText, versionAnswer } from "../../../src/cni/about.ts";
import { parseNetconf } from "../../../src/cni/config.ts";

test("VERSION names the newest version and all supported ones, on one line", () => {
  expect(versionAnswer()).toBe(
    '{"cniVersion":"1.1.0","supportedVersions":["0.1.0","0.2.0","0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}\n',
  );
});

test("the about text has the form that programs look for", () => {
  const [first, second] = aboutText().split("\n");
  expect(first).toMatch(/^CNI pontoon plugin v\d+\.\d+\.\d+(-\w+)?$/);
  expect(second).toBe("CNI protocol versions supported: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0");
});

test("the configuration in the help text works", () => {
  const text = helpText();
  const list = JSON.parse(text.slice(text.indexOf("     {"), text.lastIndexOf("     }") + 6)) as {
    cniVersion: string;
    name: string;
    plugins: object[];
  };
  expect(
    parseNetconf(JSON.stringify({ ...list.plugins[0], cniVersion: list.cniVersion, name: list.name }), "ADD")
      .isGateway,
  ).toBe(true);
  expect(text).toContain("/etc/cni/net.d/");
  expect(text).toContain("docs/configuration.md");
});
