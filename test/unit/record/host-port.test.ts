// The host ports in a record: one that was altered by hand, to anything that is none, is damaged.
import { expect, test } from "vitest";
import { formatRecord, parseRecord } from "../../../src/record/format.ts";
import { recordOf } from "./sample.ts";

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

test("host ports come back as they were written", () => {
  const whole = {
    ...recordOf("c1"),
    hostPorts: {
      ...PORTS,
      mappings: [MAPPING, { ...MAPPING, hostAddress: "127.0.0.1" }],
      subnets: ["10.1.0.0/24"],
    },
  };
  expect(parseRecord(formatRecord(whole))).toEqual({ state: "record", record: whole });
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
  ...[
    { protocol: "icmp" },
    { hostPort: 0 },
    { hostPortEnd: 65536 },
    { containerPort: "80" },
    { address: 1 },
    { hostAddress: 1 },
  ].map((wrong) => ({ ...PORTS, mappings: [{ ...MAPPING, ...wrong }] })),
])("%j is no list of host ports", (hostPorts) => {
  expect(parseRecord(JSON.stringify({ ...recordOf("c1"), hostPorts }))).toEqual({ state: "damaged" });
});
