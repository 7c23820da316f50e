import { expect, test } from "vitest";
import { parseNetconf } from "../../../src/cni/config.ts";
import { parseTeardownConfig } from "../../../src/cni/teardown.ts";

const LIST = JSON.stringify({
  cniVersion: "1.0.0",
  name: "pods",
  plugins: [{ type: "pontoon", ipMasq: true }],
});

test("a whole network list on stdin is refused, and not taken for a network with all defaults", () => {
  expect(() => parseNetconf(LIST, "ADD")).toThrow(
    /invalid network config: plugins: this is a whole network list/,
  );
});

test("DEL does not mind", () => {
  expect(parseTeardownConfig(LIST, "DEL").name).toBe("pods");
});
