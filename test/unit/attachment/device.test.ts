// Devices in records, and their aliases.
import { expect, test } from "vitest";
import {
  deviceAlias,
  type FormerDevice,
  isDeviceAliasIn,
  isDeviceAliasOf,
  isSameHardware,
  readDeviceAlias,
} from "../../../src/attachment/device.ts";
import { keyOfAlias } from "../../../src/attachment/name.ts";
import { formatRecord, parseRecord } from "../../../src/attachment/text.ts";
import { address, prefix } from "../../support/ip.ts";
import { recordOf } from "../record/sample.ts";

const FORMER: FormerDevice = {
  name: "eth1",
  mac: "02:00:00:00:00:01",
  mtu: 1400,
  up: true,
  promiscuous: false,
  allMulticast: true,
  arp: false,
  multicast: true,
  group: 5,
  txQueueLength: 1000,
  alias: "uplink",
  addresses: [
    { prefix: prefix("192.0.2.7/24"), broadcast: address("192.0.2.255"), scope: 0, flags: 0, metric: 7 },
    {
      prefix: prefix("192.0.2.9/32"),
      peer: address("192.0.2.8"),
      scope: 253,
      label: "eth1:p2p",
      flags: 0x200,
    },
    { prefix: prefix("2001:db8::7/64"), scope: 0, flags: 2 },
  ],
  altNames: ["enp0s3", "uplink-to-the-lan"],
  permanentMac: "52:54:00:00:00:01",
  busPath: "pci/0000:00:03.0",
};
const record = {
  ...recordOf("c1"),
  link: {
    kind: "device" as const,
    pod: { name: "eth0", mac: "02:00:00:00:00:02", isRaised: true },
    mtu: 1300,
    former: FORMER,
  },
};

test("a record keeps all that is needed to give the device back", () => {
  expect(parseRecord(formatRecord(record))).toEqual({ state: "record", attachment: record });
});

const without = (change: object): string => {
  const fields = JSON.parse(formatRecord(record)) as { link: { former: object } };
  return JSON.stringify({
    ...fields,
    link: { ...fields.link, former: { ...fields.link.former, ...change } },
  });
};

test.each<[string, object]>([
  ["a name that no interface has", { name: "a/b" }],
  ["no MAC", { mac: undefined }],
  ["an MTU that is no number", { mtu: "1500" }],
  ["addresses that are no list", { addresses: {} }],
  ["an address that is none", { addresses: [{ address: "eth1", scope: 0, flags: 0 }] }],
  ["a state that is no flag", { up: "yes" }],
  ["a place on a bus that is no text", { busPath: 3 }],
  ["a word in the place of a flag", { arp: "off" }],
  ["a link group that is none", { group: -1 }],
  ["alternative names that are no list", { altNames: "enp0s3" }],
  ["an alternative name that is none", { altNames: [""] }],
  ["an alternative name that is too long", { altNames: ["x".repeat(128)] }],
])("a record that was altered to %s is damaged", (_, change) => {
  expect(parseRecord(without(change)).state).toBe("damaged");
});

const KEY = { network: "lan", containerId: "c1", interfaceName: "net1" };

test("the alias tells the former name and the attachment, and no alias of a veth is taken for one", () => {
  const alias = deviceAlias(KEY, "eth1");
  expect(alias).toBe("pontoon-device eth1 lan c1 net1");
  expect(readDeviceAlias(alias)).toEqual({ formerName: "eth1", key: KEY });
  expect(keyOfAlias(alias)).toBeUndefined();
  for (const other of ["", "eth1", "pontoon lan c1 eth0", "pontoon-device", "pontoon-device a/b lan c1 net1"])
    expect(readDeviceAlias(other)).toBeUndefined();
});

test("an alias that has no room for the attachment still tells the former name", () => {
  const alias = deviceAlias({ ...KEY, containerId: "c".repeat(300) }, "eth1");
  expect(alias).toHaveLength(255);
  expect(readDeviceAlias(alias)).toEqual({ formerName: "eth1", key: undefined });
});

test.each<[string, Partial<typeof KEY>]>([
  ["was cut within the last word", { containerId: "c".repeat(228) }],
  ["was cut right behind the last word", { containerId: "c".repeat(226) }],
  ["stands for a name with other letters", { interfaceName: "nét1" }],
  ["has a network that would lead elsewhere", { network: "../lan" }],
  ["has a container id that is none", { containerId: "a/b" }],
])("an alias that %s tells no attachment, and is known as that of its own alone", (_, change) => {
  const key = { ...KEY, ...change };
  const alias = deviceAlias(key, "eth1");
  expect(readDeviceAlias(alias)).toEqual({ formerName: "eth1", key: undefined });
  expect(isDeviceAliasOf(alias, key)).toBe(true);
  expect(isDeviceAliasOf(alias, KEY)).toBe(false);
});

test("the network of an alias is known where the rest was cut, and no other network is taken for it", () => {
  const alias = deviceAlias({ ...KEY, containerId: "c".repeat(300) }, "eth1");
  expect(isDeviceAliasIn(alias, "lan")).toBe(true);
  for (const network of ["la", "lan2", "c1", ""]) expect(isDeviceAliasIn(alias, network)).toBe(false);
});

test("hardware is known by its own MAC and its place; virtual devices are not known again", () => {
  expect(isSameHardware({ ...FORMER }, FORMER)).toBe(true);
  expect(isSameHardware({ ...FORMER, permanentMac: "52:54:00:00:00:02" }, FORMER)).toBe(false);
  expect(isSameHardware({ ...FORMER, busPath: "pci/0000:00:04.0" }, FORMER)).toBe(false);
  const virtual = { permanentMac: undefined, busPath: undefined };
  expect(isSameHardware(virtual, virtual)).toBe(false);
});
