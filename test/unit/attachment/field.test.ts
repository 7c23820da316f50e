// The host ports in a record: one that was altered by hand, to anything that is none, is damaged.
import { expect, test } from "vitest";
import { formatRecord, parseRecord } from "../../../src/attachment/text.ts";
import { recordOf } from "../record/sample.ts";
import { version1Of } from "./version-1.ts";

const MAPPING = {
  protocol: "tcp",
  hostPort: 8080,
  hostPortEnd: 8080,
  containerPort: 80,
  address: "10.1.0.2",
} as const;
const PORTS = {
  mappings: [MAPPING],
  masquerade: "own",
  subnets: ["10.1.0.0/24"],
  markBit: 13,
  gatewayInterface: "cni0",
  hairpin: true,
} as const;

/** A record with these host ports, in each version. */
const recordsWith = (hostPorts: unknown): string[] =>
  [JSON.parse(formatRecord(recordOf("c1"))) as object, version1Of(recordOf("c1"))].map((fields) =>
    JSON.stringify({ ...fields, hostPorts }),
  );

test("host ports come back as they were written", () => {
  const whole = {
    ...PORTS,
    mappings: [MAPPING, { ...MAPPING, hostAddress: "127.0.0.1" }],
    subnets: ["10.1.0.0/24"],
  };
  const attachment = { ...recordOf("c1"), hostPorts: whole };
  expect(parseRecord(formatRecord(attachment))).toEqual({ state: "record", attachment });
  const [, version1 = ""] = recordsWith(whole);
  expect(parseRecord(version1)).toMatchObject({
    state: "record",
    attachment: { version: 1, hostPorts: whole },
  });
});

test.each<unknown>([
  "x",
  5,
  { ...PORTS, mappings: undefined },
  { ...PORTS, mappings: [5] },
  { ...PORTS, masquerade: "some" },
  { ...PORTS, subnets: [1] },
  { ...PORTS, markBit: 32 },
  { ...PORTS, hairpin: "yes" },
  { ...PORTS, gatewayInterface: 1 },
  { ...PORTS, allowListening: 1 },
  { ...PORTS, iptablesChains: "yes" },
  { ...PORTS, conditions4: [{ field: "sport", not: false, value: "10.0.0.0/8" }] },
  { ...PORTS, conditions6: [{ field: "saddr", value: "fd00::/8" }] },
  ...[
    { protocol: "icmp" },
    { hostPort: 0 },
    { hostPortEnd: 65536 },
    { containerPort: "80" },
    { address: 1 },
    { hostAddress: 1 },
  ].map((wrong) => ({ ...PORTS, mappings: [{ ...MAPPING, ...wrong }] })),
])("%j is no list of host ports", (hostPorts) => {
  for (const text of recordsWith(hostPorts)) expect(parseRecord(text)).toEqual({ state: "damaged" });
});
