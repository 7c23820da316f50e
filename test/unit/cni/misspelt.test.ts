import { expect, test } from "vitest";
import { normaliseKeys } from "../../../src/cni/keys.ts";
import { misspeltKeys, UnreadKeys } from "../../../src/cni/misspelt.ts";
import { BRIDGE, NETCONF, NETCONF_KEYS } from "../../../src/cni/netconf-keys.ts";

function said(configuration: unknown, hasForeignIpam = false): string[] {
  const unread = new UnreadKeys();
  normaliseKeys(configuration, NETCONF_KEYS, unread.note);
  return misspeltKeys(unread, hasForeignIpam).map(({ text }) => text);
}
const RANGE = { subnet: "10.1.0.0/24" };

test.each<[object, string]>([
  [{ ipMask: true }, 'key "ipMask" is not read; did you mean "ipMasq"?'],
  [{ isGatway: true }, 'key "isGatway" is not read; did you mean "isGateway"?'],
  [{ isDefaultGatway: true }, 'key "isDefaultGatway" is not read; did you mean "isDefaultGateway"?'],
  [{ ingresPolicy: "open" }, 'key "ingresPolicy" is not read; did you mean "ingressPolicy"?'],
  [{ INGRESPOLICY: "open" }, 'key "INGRESPOLICY" is not read; did you mean "ingressPolicy"?'],
  [{ capabilites: {} }, 'key "capabilites" is not read; did you mean "capabilities"?'],
  [{ subnets: "x" }, 'key "subnets" is not read; did you mean "subnet" in "ipam"?'],
  [{ subnet: "x" }, 'key "subnet" is not read; did you mean "subnet" in "ipam"?'],
  [{ ranges: [] }, 'key "ranges" is not read; did you mean "ranges" in "ipam"?'],
  [{ portMappings: [] }, 'key "portMappings" is not read; did you mean "portMappings" in "capabilities"?'],
  [
    { capabilities: { portMapping: true } },
    'key "portMapping" in "capabilities" is not read; did you mean "portMappings"?',
  ],
  [{ ipam: { range: [] } }, 'key "range" in "ipam" is not read; did you mean "ranges"?'],
  [{ ipam: { subnets: [] } }, 'key "subnets" in "ipam" is not read; did you mean "subnet"?'],
  [{ ipam: { mtu: 1400 } }, 'key "mtu" in "ipam" is not read; did you mean "mtu" outside of "ipam"?'],
  [
    { ipam: { ranges: [[{ ...RANGE, gatway: "x" }]] } },
    'key "gatway" in "ipam.ranges" is not read; did you mean "gateway"?',
  ],
  [
    { ipam: { ranges: [{ ...RANGE, rangeBegin: "x", rangStart: "x" }] } },
    'key "rangStart" in "ipam.ranges" is not read; did you mean "rangeStart"?',
  ],
  [
    { ipam: { routes: [{ dest: "x", prio: 1, gateway: "x" }] } },
    'key "gateway" in "ipam.routes" is not read; did you mean "gateway" in "ipam"?',
  ],
  [{ dns: { nameserver: [] } }, 'key "nameserver" in "dns" is not read; did you mean "nameservers"?'],
  [{ cniVersoin: "1.0.0" }, 'key "cniVersoin" is not read; did you mean "cniVersion"?'],
  [{ nane: "pods" }, 'key "nane" is not read; did you mean "name"?'],
  [
    { vlanTrunk: [{ minid: 1, minIDs: 2 }] },
    'key "minIDs" in "vlanTrunk" is not read; did you mean "minID"?',
  ],
  [{ "ipMasq\n": 1 }, 'key "ipMasq\\n" is not read; did you mean "ipMasq"?'],
])("%j: %s", (configuration, sentence) => {
  expect(said(configuration)).toEqual([sentence]);
});

test("keys that are read, in any case, and keys that look like none say nothing", () => {
  const keys = Object.keys(BRIDGE).map((key) => [key.toUpperCase(), true]);
  const others = [
    "addIf",
    "delegate",
    "comment",
    "_ipMasq_",
    "io.kubernetes.cri",
    "firewallBackend",
    "log_level",
    "id",
    "mut",
    "",
    "__proto__",
    "vrf",
    "backend",
    "iptablesAdminChainName",
    "keepAlive",
    "nerdctlID",
    "plugin",
  ];
  expect(said(Object.fromEntries([...keys, ...others.map((key) => [key, 1])]))).toEqual([]);
  expect(
    said({ ...NETCONF, cniVersion: "1.0.0", name: "a", type: "pontoon", prevResult: { ipMask: 1 } }),
  ).toEqual([]);
});

test("keys of the protocol are missed at the top alone: other objects may have a name and a type", () => {
  const theirs = { name: "a", cniVersion: "1.0.0", prevResult: {}, plugins: [] };
  expect(said({ ipam: theirs, dns: theirs, compat: theirs })).toEqual([]);
});

test("what the runtime writes, free values and a foreign IPAM plugin's section are not looked at", () => {
  const ours = { ipMask: 1, subnets: 1 };
  expect(said({ runtimeConfig: { portMapping: [], mca: "x" }, args: { cni: { isp: [] }, ips: 1 } })).toEqual(
    [],
  );
  expect(said({ sysctl: ours })).toEqual([]);
  expect(said({ ipam: { type: "static", ...ours, ranges: [[ours]], addresses: [] } }, true)).toEqual([]);
});

test.each([
  [undefined],
  [null],
  [5],
  [[{ ipMask: 1 }]],
  [{ ipam: [[{ ipMask: 1 }]], dns: 5, vlanTrunk: "x", capabilities: [] }],
])("%j is no configuration, or none with keys there", (configuration) => {
  expect(said(configuration)).toEqual([]);
});

test("a hostile configuration costs little: 50 keys are looked at, of 40 letters at most", () => {
  const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`ipMask${at % 7}${at}`, 1]));
  expect(said(many).length).toBeLessThanOrEqual(50);
  expect(said({ [`ipMask${"k".repeat(1_000_000)}`]: 1 })).toEqual([]);
});
