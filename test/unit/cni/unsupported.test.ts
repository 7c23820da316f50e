import { expect, test } from "vitest";
import { parseNetconf } from "../../../src/cni/config.ts";
import { failureOf } from "./failure.ts";

const IPAM = { type: "host-local", subnet: "10.1.0.0/16" };
const parse = (fields: object) =>
  parseNetconf(JSON.stringify({ cniVersion: "1.0.0", name: "pods", ipam: IPAM, ...fields }), "ADD");

test.each<[object, string]>([
  [{ externalSetMarkChain: "KUBE-MARK-MASQ" }, 'externalSetMarkChain = "KUBE-MARK-MASQ"'],
])("%j is refused with code 2, key and value, and what to do", (fields, shown) => {
  const error = failureOf(() => parse(fields));
  expect(error).toMatchObject({ code: 2, msg: `unsupported field in network configuration: ${shown}` });
  expect(error.details).toMatch(/^Hint: [A-Z]/);
});

test.each([{ externalSetMarkChain: null }, { externalSetMarkChain: "" }])(
  "what is switched off is fine: %j",
  (fields) => {
    expect(parse(fields)).toEqual(parse({}));
  },
);
