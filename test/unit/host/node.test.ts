// What a record tells of an attachment's packet rules, which a lost table has to get back.
import { expect, test } from "vitest";
import { hostInterfaceName } from "../../../src/attachment/name.ts";
import { parseRecord } from "../../../src/attachment/text.ts";
import { formatAddress } from "../../../src/ip/address.ts";
import { formatPrefix } from "../../../src/ip/prefix.ts";
import type { StepName, StepOf } from "../../../src/plan/step.ts";
import { stepOf } from "../../../src/plan/steps.ts";

const KEY = { network: "net", containerId: "c1", interfaceName: "eth0" };

/** A record of version 1. */
const RECORD = {
  version: 1,
  key: KEY,
  host: { bootId: "boot", hostCookie: "1" },
  namespace: { path: "/run/netns/c1", cookie: "2" },
  bridge: "br0",
  hostInterface: hostInterfaceName(KEY),
  hostMac: "0a:00:00:00:00:02",
  mac: "0a:00:00:00:00:03",
  mtu: 1500,
  addresses: ["10.1.0.2/24", "fd01::2/64"],
  masqueradeSubnets: ["10.1.0.0/24", "fd01::/64"],
  spoofCheck: true,
};

/** The step of a kind that the record's attachment has. */
function stepOfRecord<Name extends StepName>(
  name: Name,
  more: Record<string, unknown> = {},
): StepOf<Name> | undefined {
  const parsed = parseRecord(JSON.stringify({ ...RECORD, ...more }));
  if (parsed.state !== "record") throw new Error(`The record is ${parsed.state}.`);
  return stepOf(name, parsed.attachment);
}

test("a record tells how its attachment was masqueraded", () => {
  const step = stepOfRecord("masquerade");
  expect(step).toMatchObject({ kind: "masquerade", key: KEY, gatewayInterface: "br0" });
  expect(step?.addresses.map(formatAddress)).toEqual(["10.1.0.2", "fd01::2"]);
  expect(step?.subnets.map(formatPrefix)).toEqual(["10.1.0.0/24", "fd01::/64"]);
});

test("a record tells who masquerades: a table of ours, or iptables", () => {
  expect([stepOfRecord("masquerade")?.kind, stepOfRecord("iptablesMasquerade")]).toEqual([
    "masquerade",
    undefined,
  ]);
  const byIptables = { masqueradeBackend: "iptables" };
  expect(stepOfRecord("masquerade", byIptables)).toBeUndefined();
  expect(stepOfRecord("iptablesMasquerade", byIptables)).toMatchObject({ key: KEY, bridge: "br0" });
});

test("a record tells which MAC its attachment may send with", () => {
  expect(stepOfRecord("spoofCheck")).toEqual({
    kind: "spoofCheck",
    key: KEY,
    hostInterface: hostInterfaceName(KEY),
    mac: RECORD.mac,
  });
});

test("a record says nothing of what its attachment never had", () => {
  expect(stepOfRecord("masquerade", { masqueradeSubnets: undefined })).toBeUndefined();
  expect(stepOfRecord("iptablesMasquerade", { masqueradeSubnets: undefined })).toBeUndefined();
  // Before there were such checks the record had no word for it.
  for (const spoofCheck of [undefined, false])
    expect(stepOfRecord("spoofCheck", { spoofCheck })).toBeUndefined();
});

test("what cannot be read in a record is left out, and the rest counts", () => {
  const step = stepOfRecord("masquerade", {
    addresses: ["rubbish", "10.1.0.2/24"],
    masqueradeSubnets: ["", "10.1.0.0/24"],
  });
  expect([step?.addresses.length, step?.subnets.length]).toEqual([1, 1]);
});
