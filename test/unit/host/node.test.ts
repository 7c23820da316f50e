import { expect, test } from "vitest";
import { masqueradeOfRecord, spoofCheckOfRecord } from "../../../src/host/node.ts";
import { formatAddress } from "../../../src/ip/address.ts";
import { formatPrefix } from "../../../src/ip/prefix.ts";
import type { AttachmentRecord } from "../../../src/record/attachment.ts";
import { attachmentDigest, hostInterfaceName } from "../../../src/record/digest.ts";

const HOST = { bootId: "boot", hostCookie: "1" };
const RECORD: AttachmentRecord = {
  version: 1,
  key: { network: "net", containerId: "c1", interfaceName: "eth0" },
  host: HOST,
  namespace: { path: "/run/netns/c1", cookie: "2" },
  bridge: "br0",
  hostInterface: "veth1",
  hostMac: "0a:00:00:00:00:02",
  mac: "0a:00:00:00:00:03",
  mtu: 1500,
  addresses: ["10.1.0.2/24", "fd01::2/64"],
  masqueradeSubnets: ["10.1.0.0/24", "fd01::/64"],
  spoofCheck: true,
};

test("a record tells how its attachment was masqueraded", () => {
  const step = masqueradeOfRecord(RECORD);
  expect(step).toMatchObject({
    kind: "masquerade",
    network: "net",
    owner: attachmentDigest(RECORD.key),
    label: "net c1 eth0",
    bridge: "br0",
  });
  expect(step?.addresses.map(formatAddress)).toEqual(["10.1.0.2", "fd01::2"]);
  expect(step?.subnets.map(formatPrefix)).toEqual(["10.1.0.0/24", "fd01::/64"]);
});

test("a record tells who masquerades: a table of ours, or iptables", () => {
  expect(masqueradeOfRecord(RECORD)?.backend).toBe("nftables");
  expect(masqueradeOfRecord({ ...RECORD, masqueradeBackend: "iptables" })?.backend).toBe("iptables");
});

test("a record tells which MAC its attachment may send with", () => {
  expect(spoofCheckOfRecord(RECORD)).toEqual({
    kind: "spoofCheck",
    network: "net",
    owner: attachmentDigest(RECORD.key),
    label: "net c1 eth0",
    hostInterface: hostInterfaceName(RECORD.key),
    mac: RECORD.mac,
  });
});

test("a record says nothing of what its attachment never had", () => {
  expect(masqueradeOfRecord({ ...RECORD, masqueradeSubnets: undefined })).toBeUndefined();
  // Before there were such checks the record had no word for it.
  for (const spoofCheck of [undefined, false])
    expect(spoofCheckOfRecord({ ...RECORD, spoofCheck })).toBeUndefined();
});

test("what cannot be read in a record is left out, and the rest counts", () => {
  const step = masqueradeOfRecord({
    ...RECORD,
    addresses: ["rubbish", "10.1.0.2/24"],
    masqueradeSubnets: ["", "10.1.0.0/24"],
  });
  expect([step?.addresses.length, step?.subnets.length]).toEqual([1, 1]);
});
