// The keys of a wire: what makes no sense is refused with a reason, and all addresses of a range are pods'.
import { expect, test } from "vitest";
import { parseNetconf } from "../../../src/cni/config.ts";
import { formatAddress } from "../../../src/ip/address.ts";
import { failureOf } from "./failure.ts";

const parse = (more: object, ipam?: object) =>
  parseNetconf(
    JSON.stringify({ cniVersion: "1.0.0", name: "lab", type: "pontoon", attach: "wire", ipam, ...more }),
    "ADD",
  );

const REFUSED: [string, object][] = [
  ["bridge", { bridge: "cni0" }],
  ["isGateway", { isGateway: true }],
  ["isDefaultGateway", { isDefaultGateway: true }],
  ["forceAddress", { forceAddress: true }],
  ["ipMasq", { ipMasq: true }],
  ["ipMasqBackend", { ipMasqBackend: "nftables" }],
  ["hairpinMode", { hairpinMode: true }],
  ["promiscMode", { promiscMode: true }],
  ["portIsolation", { portIsolation: true }],
  ["macspoofchk", { macspoofchk: true }],
  ["ipspoofchk", { ipspoofchk: true }],
  ["ingressPolicy", { ingressPolicy: "open" }],
  ["enabledad", { enabledad: true }],
  ["vlan", { vlan: 5 }],
  ["vlanTrunk", { vlanTrunk: [{ id: 5 }] }],
  ["preserveDefaultVlan", { preserveDefaultVlan: true }],
  ["ingressRate", { ingressRate: 1_000_000, ingressBurst: 100_000 }],
  ["egressRate", { egressRate: 1_000_000, egressBurst: 100_000 }],
  ["egressInPod", { egressInPod: true, egressRate: 1_000_000 }],
  ["snat", { snat: true }],
  ["masqAll", { masqAll: true }],
  ["markMasqBit", { markMasqBit: 5 }],
  ["externalSetMarkChain", { externalSetMarkChain: "KUBE-MARK-MASQ" }],
  ["conditionsV4", { conditionsV4: ["-s", "10.0.0.0/8"] }],
  ["conditionsV6", { conditionsV6: ["-s", "fd00::/8"] }],
  ["allowListening", { allowListening: true }],
  ["compat", { compat: { iptablesHostPortChains: true } }],
  ["runtimeConfig.bandwidth", { runtimeConfig: { bandwidth: { ingressRate: 1000, ingressBurst: 8000 } } }],
  [
    "runtimeConfig.portMappings",
    { runtimeConfig: { portMappings: [{ hostPort: 80, containerPort: 80, protocol: "tcp" }] } },
  ],
];

test.each(REFUSED)("the key %s is refused with a reason", (key, config) => {
  const { code, msg, details } = failureOf(() => parse(config, { type: "" }));
  expect(code).toBe(7);
  const sentences = `${msg} ${details}`;
  expect(sentences).toMatch(new RegExp(`${key} .*: makes no sense with "attach": "wire": [a-z]`));
});

test("requests of a runtime that ask for nothing are taken", () => {
  const runtimeConfig = { bandwidth: { ingressRate: 0, egressRate: 0 }, portMappings: [] };
  expect(parse({ runtimeConfig, isGateway: false, hairpinMode: false }).attach).toBe("wire");
});

test("what is not about the link is taken", () => {
  const more = { mtu: 1400, mac: "02:00:00:00:00:07", sysctl: {}, promisc: true, sourceBasedRouting: true };
  expect(parse({ ...more, dns: { nameservers: ["10.1.0.1"] } }).mac).toBe(more.mac);
});

const range = (subnet: string) => {
  const [[first] = []] = parse({}, { type: "host-local", ranges: [[{ subnet }]] }).ipam?.rangeSets ?? [];
  return first && [formatAddress(first.first), formatAddress(first.last), first.gateway];
};

test.each([
  ["10.7.0.0/31", "10.7.0.0", "10.7.0.1"],
  ["10.7.0.0/30", "10.7.0.1", "10.7.0.2"],
  ["fd07::/127", "fd07::", "fd07::1"],
  ["fd07::/64", "fd07::1", "fd07::ffff:ffff:ffff:ffff"],
])("in %s the addresses from %s to %s are for pods, and none is a gateway's", (subnet, first, last) => {
  expect(range(subnet)).toEqual([first, last, undefined]);
});

test.each(["10.7.0.0/32", "fd07::/128"])("%s has no two addresses", (subnet) => {
  expect(failureOf(() => range(subnet)).msg).toContain("too small to allocate from");
});

test("a gateway of a range is refused", () => {
  const ranges = [[{ subnet: "10.7.0.0/30", gateway: "10.7.0.1" }]];
  expect(failureOf(() => parse({}, { type: "host-local", ranges })).msg).toContain(
    'ipam.ranges[0][0].gateway "10.7.0.1": makes no sense with "attach": "wire"',
  );
});

test("dhcp is refused, and any other foreign plugin is taken", () => {
  expect(failureOf(() => parse({}, { type: "dhcp" })).msg).toContain('ipam.type "dhcp": makes no sense');
  expect(parse({}, { type: "static" }).foreignIpam).toBe("static");
});

test("on a bridge a /31 is still too small", () => {
  const ranges = [[{ subnet: "10.7.0.0/31" }]];
  expect(failureOf(() => parse({ attach: "bridge" }, { type: "host-local", ranges })).msg).toContain(
    "its prefix length may be 30 at most",
  );
});
