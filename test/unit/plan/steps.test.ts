// From an attachment to its steps. What is asked for as a configuration goes through `describe` first.
import { expect, test } from "vitest";
import type { Attachment } from "../../../src/attachment/attachment.ts";
import { hostInterfaceName } from "../../../src/attachment/name.ts";
import { formatPrefix } from "../../../src/ip/prefix.ts";
import { isDoneAgain, STEP_NAMES } from "../../../src/plan/order.ts";
import type { StepName } from "../../../src/plan/step.ts";
import { stepOf, stepsOf } from "../../../src/plan/steps.ts";
import { attachmentWithEverything } from "../../support/everything.ts";
import { address } from "../../support/ip.ts";
import { anyAttachmentOf, attachmentOf, KEY, kindsOf, theStep, V4, V6, type Wishes } from "./input.ts";

test("the steps stand in the order that they are done in", () => {
  expect(kindsOf(attachmentOf({ ipMasq: true }, [V4, V6]))).toEqual([
    "bridge",
    "gateway",
    "forwarding",
    "veth",
    "pod",
    "masquerade",
    "announce",
  ]);
});

test.each<[string, Wishes, string[], StepName[]]>([
  [
    "the MAC spoof check comes before the wire that frames could come from",
    { macspoofchk: true, ipMasq: true },
    [V4],
    ["bridge", "gateway", "forwarding", "spoofCheck", "veth", "portMac", "pod", "masquerade", "announce"],
  ],
  ["no masquerade without ipMasq", {}, [V4], ["bridge", "gateway", "forwarding", "veth", "pod", "announce"]],
  [
    "no gateway and no forwarding without isGateway",
    { isGateway: false, ipMasq: true },
    [V4],
    ["bridge", "veth", "pod", "masquerade", "announce"],
  ],
  [
    "layer 2 only: the bridge and the wire",
    { ipam: undefined, ipMasq: true },
    [],
    ["bridge", "veth", "pod", "announce"],
  ],
])("%s", (_, wishes, addresses, wanted) => {
  expect(kindsOf(attachmentOf(wishes, addresses))).toEqual(wanted);
});

const NOTHING = {
  ...attachmentOf({ ipam: undefined, isGateway: false }, []),
  pod: undefined,
  leaseDirectory: undefined,
};
/** Masquerading is that by nftables. */
const NOT_ON_A_BRIDGE: StepName[] = [
  "nodeSpoofCheck",
  "arpCheck",
  "iptablesMasquerade",
  "hostRoute",
  "wire",
  "wireCarrier",
  "device",
];
const EVERYTHING = attachmentWithEverything();
const { link } = EVERYTHING;

test.each<[string, Partial<Attachment>, StepName[]]>([
  ["the gateway", { gateway: undefined }, ["vlanGateway", "gateway", "forwarding"]],
  ["the VLANs", { link: { ...link, vlans: undefined } }, ["vlanGateway", "portVlan"]],
  ["the gateway's interface", { link: { ...link, gatewayInterface: "br0" } }, ["vlanGateway"]],
  ["the ingress policy", { ingressPolicy: undefined }, ["ingressPolicy"]],
  ["the MAC spoof check", { spoofCheck: false }, ["spoofCheck"]],
  ["the entry for its MAC", { link: { ...link, hasFixedMac: false } }, ["portMac"]],
  ["the limits of bandwidth", { bandwidth: undefined }, ["bandwidth"]],
  ["source based routing", { sourceRouting: false }, ["sourceRouting"]],
  ["the settings in the pod", { tuning: undefined }, ["tuning"]],
  ["masquerading", { masquerade: undefined }, ["masquerade"]],
  ["the host ports", { hostPorts: undefined }, ["hostPorts"]],
  ["the addresses", { addresses: [] }, ["vlanGateway", "gateway", "forwarding", "sourceRouting"]],
  [
    "the way up of the pod's end",
    { link: { ...link, pod: { ...link.pod, isRaised: false } } },
    ["pod", "sourceRouting", "announce"],
  ],
])("an attachment with everything but %s has all steps but those of that", (_, without, missing) => {
  const attachment = { ...EVERYTHING, ...without };
  const wanted = kindsOf(EVERYTHING).filter((kind) => !missing.includes(kind));
  expect(wanted).toHaveLength(STEP_NAMES.length - NOT_ON_A_BRIDGE.length - missing.length);
  expect(kindsOf(attachment)).toEqual(wanted);
});

test.each<[string, Partial<Attachment>, StepName[]]>([
  ["nothing", {}, []],
  ["a gateway", { gateway: EVERYTHING.gateway, addresses: EVERYTHING.addresses }, ["gateway", "forwarding"]],
  ["VLANs", { link: { ...NOTHING.link, vlans: link.vlans } }, ["portVlan"]],
  ["an ingress policy", { ingressPolicy: "open" }, ["ingressPolicy"]],
  ["a MAC spoof check", { spoofCheck: true }, ["spoofCheck"]],
  ["an entry for its MAC", { link: { ...NOTHING.link, hasFixedMac: true } }, ["portMac"]],
  ["limits of bandwidth", { bandwidth: EVERYTHING.bandwidth }, ["bandwidth"]],
  ["source based routing", { sourceRouting: true, addresses: EVERYTHING.addresses }, ["sourceRouting"]],
  ["settings in the pod", { tuning: EVERYTHING.tuning }, ["tuning"]],
  ["masquerading by nftables", { masquerade: { backend: "nftables", subnets: [] } }, ["masquerade"]],
  ["masquerading by iptables", { masquerade: { backend: "iptables", subnets: [] } }, ["iptablesMasquerade"]],
  ["host ports", { hostPorts: EVERYTHING.hostPorts }, ["hostPorts"]],
])("an attachment with %s beside bridge and wire has the step of that and no more", (_, more, added) => {
  const least: StepName[] = ["bridge", "veth", "pod", "announce"];
  const wanted = STEP_NAMES.filter((name) => least.includes(name) || added.includes(name));
  expect(kindsOf({ ...NOTHING, ...more })).toEqual(wanted);
});

test("the steps of some kinds alone are those of all kinds with these names", () => {
  const all = stepsOf(EVERYTHING);
  for (const name of STEP_NAMES) {
    expect(stepsOf(EVERYTHING, [name])).toEqual(all.filter(({ kind }) => kind === name));
    expect(stepOf(name, EVERYTHING)).toEqual(all.find(({ kind }) => kind === name));
  }
  expect(stepsOf(EVERYTHING, []).length).toBe(0);
});

test("making steps changes nothing of the attachment", () => {
  const attachment = attachmentWithEverything();
  stepsOf(attachment);
  expect(attachment).toEqual(EVERYTHING);
});

test("the spoof check lets the pod's own MAC through, at the host's end that the pod gets", () => {
  const attachment = attachmentOf({ macspoofchk: true });
  const { host, pod } = theStep("veth", attachment);
  expect(theStep("spoofCheck", attachment)).toEqual({
    kind: "spoofCheck",
    key: KEY,
    hostInterface: host.name,
    mac: pod.mac,
    addresses: undefined,
  });
});

test("ipspoofchk names the pod's addresses, and whether it may ask a DHCP server", () => {
  const own = [V4, V6].map((text) => address(text.split(/[/ ]/)[0]!));
  const step = (wishes: Wishes, addresses?: string[]) =>
    theStep("spoofCheck", attachmentOf({ macspoofchk: true, ipspoofchk: true, ...wishes }, addresses));
  expect(step({}, [V4, V6]).addresses).toEqual({ own, asksDhcp: false });
  for (const [foreignIpam, asksDhcp] of [
    ["dhcp", true],
    ["static", false],
  ] as const) {
    const early = step({ ipam: undefined, foreignIpam }, []);
    expect(early.addresses).toEqual({ own: [], asksDhcp });
    expect(isDoneAgain(early)).toBe(true);
  }
  expect(isDoneAgain(theStep("spoofCheck", attachmentOf({ macspoofchk: true })))).toBe(false);
});

test("without a bridge what the pod sends is checked in the node, and its ARP with ipspoofchk alone", () => {
  const ptp = { attach: "ptp", macspoofchk: true } as const;
  const checks = (wishes: Wishes) =>
    stepsOf(anyAttachmentOf({ ...ptp, ...wishes })).flatMap(({ kind }) =>
      /Check$/.test(kind) ? [kind] : [],
    );
  expect(checks({})).toEqual(["nodeSpoofCheck"]);
  expect(checks({ ipspoofchk: true })).toEqual(["nodeSpoofCheck", "arpCheck"]);
  const attachment = anyAttachmentOf({ ...ptp, ipspoofchk: true });
  const { kind: _, ...check } = theStep("nodeSpoofCheck", attachment);
  expect(theStep("arpCheck", attachment)).toEqual({ kind: "arpCheck", ...check });
  expect(isDoneAgain(theStep("arpCheck", attachment))).toBe(true);
});

test("without a bridge a link group stands for the network and its policy; a bridge has its name", () => {
  const groupOf = (wishes: Wishes) => {
    const attachment = anyAttachmentOf({ attach: "ptp", ...wishes });
    const { group } = theStep("veth", attachment);
    expect(stepOf("ingressPolicy", attachment)?.group).toBe(group);
    return group;
  };
  expect([groupOf({}), groupOf({ attach: "bridge", ingressPolicy: "open" })]).toEqual([undefined, undefined]);
  const groups = (["open", "same-bridge", "isolated"] as const).map((ingressPolicy) =>
    groupOf({ ingressPolicy }),
  );
  expect(new Set(groups).size).toBe(3);
  for (const group of groups) expect(group! >= 2 ** 30 && group! < 2 ** 31, String(group)).toBe(true);
});

test("with macspoofchk the bridge learns from no link-local frame, and nothing from the port, whose MAC it knows", () => {
  const attachment = attachmentOf({ macspoofchk: true, vlan: 100 });
  expect(theStep("bridge", attachment).ignoresLinkLocal).toBe(true);
  const { port, host, pod } = theStep("veth", attachment);
  expect(port?.learns).toBe(false);
  const entry = { kind: "portMac", bridge: "br0", hostInterface: host.name, mac: pod.mac };
  expect(theStep("portMac", attachment)).toEqual({ ...entry, vlan: 100 });
  expect(theStep("portMac", attachmentOf({ macspoofchk: true }))).toEqual({ ...entry, vlan: 0 });
});

test("the gateway addresses of the bridge have the length of their subnets, and forwarding is asked for each family once", () => {
  const attachment = attachmentOf({ forceAddress: true }, [V4, "10.2.0.2/16 10.2.0.1", V6]);
  const gateway = theStep("gateway", attachment);
  expect(gateway.addresses.map(formatPrefix)).toEqual(["10.1.0.1/24", "10.2.0.1/16", "fd01::1/64"]);
  expect(gateway.force).toBe(true);
  expect(theStep("forwarding", attachment).families).toEqual([4, 6]);
});

test("bridge and veth get what was decided for them", () => {
  const attachment = attachmentOf({ promiscMode: true, mtu: 1400 }, [V4], { bridgeMtu: 9000 });
  expect(theStep("bridge", attachment)).toEqual({
    kind: "bridge",
    name: "br0",
    promiscuous: true,
    filtersVlans: false,
    ignoresLinkLocal: false,
  });
  expect(theStep("veth", attachment)).toMatchObject({
    host: { name: hostInterfaceName(KEY), mac: "0a:00:00:00:00:02" },
    pod: { name: "eth0", mac: "0a:58:0a:01:00:02" },
    mtu: 1400,
    port: { bridge: "br0", hairpin: false },
  });
  expect(theStep("veth", attachmentOf({}, [V6])).pod.mac).toBe("0a:00:00:00:00:03");
  expect(theStep("veth", attachmentOf({ hairpinMode: true })).port?.hairpin).toBe(true);
});

test("a network in a VLAN: the bridge filters, the gateway is an interface of its own, the port is in the VLAN before the pod's end is up", () => {
  const attachment = attachmentOf({ vlan: 100, ipMasq: true, subnets: ["10.1.0.0/24"] });
  expect(kindsOf(attachment)).toEqual([
    "bridge",
    "vlanGateway",
    "gateway",
    "forwarding",
    "veth",
    "portVlan",
    "pod",
    "masquerade",
    "announce",
  ]);
  expect(theStep("bridge", attachment).filtersVlans).toBe(true);
  expect(theStep("vlanGateway", attachment)).toEqual({
    kind: "vlanGateway",
    bridge: "br0",
    gatewayInterface: "br0.100",
    vlan: 100,
    keepDefaultVlan: false,
  });
  expect([
    theStep("gateway", attachment).gatewayInterface,
    theStep("masquerade", attachment).gatewayInterface,
    theStep("veth", attachment).port?.bridge,
  ]).toEqual(["br0.100", "br0.100", "br0"]);
  expect(theStep("portVlan", attachment)).toEqual({
    kind: "portVlan",
    hostInterface: hostInterfaceName(KEY),
    native: 100,
    tagged: [],
    keepOthers: false,
  });
});

test("a trunk has VLAN 1 for packets without a tag, unless vlan says another, and no gateway of its own", () => {
  const trunk = { vlanTrunk: [{ first: 200, last: 299 }] };
  const alone = attachmentOf({ ...trunk, preserveDefaultVlan: true });
  expect(kindsOf(alone)).not.toContain("vlanGateway");
  expect(theStep("gateway", alone).gatewayInterface).toBe("br0");
  expect(theStep("portVlan", alone)).toMatchObject({
    native: 1,
    tagged: [{ first: 200, last: 299 }],
    keepOthers: true,
  });
  expect(theStep("portVlan", attachmentOf({ ...trunk, vlan: 7 }, []))).toMatchObject({
    native: 7,
    tagged: [{ first: 200, last: 299 }],
  });
});

test("an interface that stays down gets nothing in the pod, and nothing is waited for or announced", () => {
  const attachment = attachmentOf({ ipam: undefined, disableContainerInterface: true, vlan: 5 }, []);
  expect(kindsOf(attachment)).toEqual(["bridge", "veth", "portVlan"]);
  expect(theStep("veth", attachment).pod.isRaised).toBe(false);
});

test("settings in the pod name its interface where they have a place for it", () => {
  const { tuning } = EVERYTHING;
  expect(theStep("tuning", EVERYTHING)).toEqual({
    ...tuning,
    kind: "tuning",
    interfaceName: "eth0",
    sysctls: [
      { key: "net.core.somaxconn", name: "core/somaxconn", value: "500" },
      { key: "net.ipv4.conf.IFNAME.arp_filter", name: "ipv4/conf/eth0/arp_filter", value: "1" },
    ],
  });
});

test.each([
  [
    "dhcp, which sends by the pod's end before that is raised",
    { ipam: undefined, foreignIpam: "dhcp" },
    true,
  ],
  ["a pod that raises its end by itself", { ipam: undefined, disableContainerInterface: true }, true],
  ["addresses of the built-in IPAM", {}, false],
])("the host's end comes up first for %s: %j %j", (_, wishes, isRaisedFirst) => {
  expect(theStep("veth", attachmentOf(wishes, [])).host.isRaisedFirst).toBe(isRaisedFirst);
});

test("an ingress policy is for the bridge, the interface that the pod's packets come in by, and each family of the pod once", () => {
  const attachment = attachmentOf({ vlan: 100, ingressPolicy: "open" }, [V6, V4, "10.2.0.2/24"]);
  expect(theStep("ingressPolicy", attachment)).toEqual({
    kind: "ingressPolicy",
    key: KEY,
    policy: "open",
    bridge: "br0",
    gatewayInterface: "br0.100",
    families: [4, 6],
  });
});

test("addresses are announced to the network behind the bridge where the node is not the gateway", () => {
  const goesBeyond = (isGateway: boolean) => theStep("announce", attachmentOf({ isGateway })).goesBeyond;
  expect([goesBeyond(true), goesBeyond(false)]).toEqual([false, true]);
});

test("duplicate addresses are looked for through the pod's port, where that is asked for", () => {
  const port = { bridge: "br0", hostInterface: hostInterfaceName(KEY) };
  expect(theStep("pod", attachmentOf({ enabledad: true })).detection).toEqual({ port });
  expect(theStep("pod", attachmentOf()).detection).toBeUndefined();
});
