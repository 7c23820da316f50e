// The device that a configuration names (attach: device), and the keys that make no sense beside it.
import { expect, test } from "vitest";
import { parseNetconf } from "../../../src/cni/config.ts";
import { failureOf } from "./failure.ts";

const text = (fields: object): string =>
  JSON.stringify({ cniVersion: "1.1.0", name: "lan", type: "pontoon", attach: "device", ...fields });
const parse = (fields: object) => parseNetconf(text(fields), "ADD").device;
const refusalOf = (fields: object): string => failureOf(() => parse(fields)).msg;

test.each<[object, object]>([
  [{ device: "eth1" }, { by: "name", name: "eth1" }],
  [
    { DEVICE: "eth1", hwaddr: "", devices: [] },
    { by: "name", name: "eth1" },
  ],
  [{ devices: ["eth1", "ens*"] }, { by: "names", patterns: ["eth1", "ens*"] }],
  [{ hwaddr: "02-00-00-00-00-0A" }, { by: "mac", mac: "02:00:00:00:00:0a" }],
  [
    { kernelpath: "/sys/devices/pci0000:00/0000:00:03.0" },
    { by: "path", path: "/sys/devices/pci0000:00/0000:00:03.0" },
  ],
  [{ pciBusID: "0000:00:1f.6" }, { by: "pci", address: "0000:00:1f.6" }],
  [{ runtimeConfig: { deviceID: "mlx5_core.sf.2" } }, { by: "id", id: "mlx5_core.sf.2" }],
  [
    { pciBusID: "0000:00:1f.6", runtimeConfig: { deviceID: "0000:00:1f.7" } },
    { by: "id", id: "0000:00:1f.7" },
  ],
])("%j names a device", (fields, choice) => {
  expect(parse(fields)).toEqual({ choice, force: false });
  expect(parse({ ...fields, force: true })?.force).toBe(true);
});

test.each<[object, string]>([
  [
    {},
    'attach: "device" needs the name of one: set one of device, devices, hwaddr, kernelpath, pciBusID, runtimeConfig.deviceID',
  ],
  [
    { device: "eth1", pciBusID: "0000:00:1f.6" },
    "device: names the device, and so does pciBusID; keep one of them",
  ],
  [{ device: "eth1", pciBusID: "0000:00:1f.6", runtimeConfig: { deviceID: "0000:00:1f.6" } }, "and so does"],
  [{ device: "eth1", runtimeConfig: { deviceID: "0000:00:1f.6" } }, "and so does runtimeConfig.deviceID"],
  [{ hwaddr: "eth1" }, 'hwaddr "eth1": invalid MAC address'],
  [{ kernelpath: "/sys/class/net/eth1" }, "must be the path of a device below /sys/devices/"],
  [{ kernelpath: "/sys/devices/../class/net/eth1" }, "must be the path of a device below /sys/devices/"],
  [{ pciBusID: "../eth1" }, "must be an address on the PCI bus"],
  [{ runtimeConfig: { deviceID: "a/b" } }, "must be an address on the PCI or the auxiliary bus"],
])("%j is refused in one sentence", (fields, sentence) => {
  expect(refusalOf(fields)).toContain(sentence);
});

const PORT = { hostPort: 8080, containerPort: 80 };

test.each<[object, string]>([
  [{ bridge: "br0" }, "bridge"],
  [{ isGateway: true }, "isGateway"],
  [{ isDefaultGateway: true }, "isDefaultGateway"],
  [{ ipMasq: true }, "ipMasq"],
  [{ hairpinMode: true }, "hairpinMode"],
  [{ ingressPolicy: "open" }, "ingressPolicy"],
  [{ ingressRate: 1_000_000 }, "ingressRate"],
  [{ macspoofchk: true }, "macspoofchk"],
  [{ ipspoofchk: true }, "ipspoofchk"],
  [{ vlan: 5 }, "vlan"],
  [{ vlanTrunk: [{ id: 5 }] }, "vlanTrunk"],
  [{ allowListening: true }, "allowListening"],
  [{ compat: { iptablesHostPortChains: true } }, "compat"],
  [{ runtimeConfig: { portMappings: [PORT] } }, "runtimeConfig.portMappings"],
  [{ runtimeConfig: { bandwidth: { egressRate: 1_000_000 } } }, "runtimeConfig.bandwidth"],
])("%j makes no sense with a device", (fields, path) => {
  const { msg: message, details } = failureOf(() => parse({ device: "eth1", ...fields }));
  expect(`${message} ${details}`).toMatch(
    new RegExp(`${path} .*: makes no sense with "attach": "device": .*; take one`),
  );
});

test("defaults, and empty requests that a runtime sends for all pods, are no problem", () => {
  const requests = { portMappings: [], bandwidth: { ingressRate: 0, egressRate: 0 } };
  const flags = { isGateway: false, ipMasq: false, hairpinMode: false, vlan: 0, vlanTrunk: [] };
  expect(parse({ device: "eth1", ...flags, runtimeConfig: requests })).toBeDefined();
});

test.each(["bridge", "ptp", "wire"])(
  "a device is refused with attach %s, also one that the runtime chose: it would stay on the node unseen",
  (attach) => {
    const ipam = { type: "host-local", ranges: [[{ subnet: "10.1.0.0/24" }]] };
    for (const named of [{ device: "eth1" }, { runtimeConfig: { deviceID: "0000:00:1f.6" } }])
      expect(refusalOf({ attach, ipam, ...named })).toContain('"attach": "device" moves one into the pod');
    expect(() => parse({ attach, ipam, runtimeConfig: { deviceID: "" } })).not.toThrow();
  },
);

test("STATUS takes a network whose device the runtime names at each ADD, and CHECK one that names none", () => {
  const declared = text({ capabilities: { deviceID: true } });
  expect(parseNetconf(declared, "STATUS").device).toBeUndefined();
  expect(failureOf(() => parseNetconf(text({}), "STATUS")).code).toBe(7);
  expect(failureOf(() => parseNetconf(declared, "ADD")).code).toBe(7);
});
