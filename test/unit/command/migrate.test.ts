// What `pontoon migrate` makes of configurations as people have them, and of odd ones.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseNetconf } from "../../../src/cni/config.ts";
import { migrate } from "../../../src/command/migrate/list.ts";
import { choices, fromMain } from "../../../src/command/migrate/main-entry.ts";
import { OF_HOST_DEVICE, OF_PTP } from "../../../src/command/migrate/main-plugin.ts";
import { REPLACEMENTS } from "../../../src/command/migrate/plugin.ts";
import { failureOf } from "../cni/failure.ts";

type Entry = Record<string, unknown>;

const IPAM = { type: "host-local", ranges: [[{ subnet: "10.1.0.0/16" }]] };
const BRIDGE = {
  type: "bridge",
  bridge: "cni0",
  mtu: 1500,
  isGateway: true,
  ipMasqBackend: "nftables",
  ipMasq: true,
  ipam: IPAM,
};
const PONTOON = { ...BRIDGE, type: "pontoon" };
const PORTMAP = { type: "portmap", backend: "nftables", capabilities: { portMappings: true } };
/** What is said of any firewall. */
const FIREWALL = /\.type "firewall": the rules are the network's/;

/** The plugins that come out, and the notes. */
function migrated(...plugins: Entry[]): { plugins: Entry[]; notes: string[] } {
  const { text, notes } = migrate(JSON.stringify({ cniVersion: "1.0.0", name: "pods", plugins }));
  return { plugins: (JSON.parse(text) as { plugins: Entry[] }).plugins, notes };
}

test("a whole list, as text: order, indentation, what belongs to the list, and a final newline stay", () => {
  const { text, notes } = migrate(
    '{"$schema":"x","disableCheck":true,"name":"pods","plugins":[{"ipam":{"type":"host-local","subnet":"10.1.0.0/16"},"type":"bridge","MTU":1500},{"type":"bandwidth","capabilities":{"bandwidth":true}}],"cniVersions":["0.4.0","1.0.0"],"cniVersion":"1.0.0"}',
  );
  expect(text).toBe(`{
  "$schema": "x",
  "disableCheck": true,
  "name": "pods",
  "plugins": [
    {
      "ipam": {
        "type": "host-local",
        "subnet": "10.1.0.0/16"
      },
      "type": "pontoon",
      "MTU": 1500,
      "capabilities": {
        "bandwidth": true,
        "ips": true,
        "mac": true
      }
    }
  ],
  "cniVersions": [
    "0.4.0",
    "1.0.0"
  ],
  "cniVersion": "1.0.0"
}
`);
  expect(notes).toEqual([]);
});

test("containerd's sample becomes one entry", () => {
  const bridge = {
    type: "bridge",
    bridge: "cni0",
    isGateway: true,
    ipMasq: true,
    promiscMode: true,
    ipam: {
      type: "host-local",
      ranges: [[{ subnet: "10.88.0.0/16" }], [{ subnet: "2001:4860:4860::/64" }]],
      routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
    },
  };
  const { plugins, notes } = migrated(bridge, { type: "portmap", capabilities: { portMappings: true } });
  expect(plugins).toEqual([
    { ...bridge, type: "pontoon", capabilities: { portMappings: true, ips: true, mac: true } },
  ]);
  expect(notes).toEqual([
    "plugins[0].mtu: is not set: a bridge that Pontoon makes gets the MTU of the node's way out, which need not be 1500",
    "plugins[0].ipMasqBackend: is not set: Pontoon masquerades by nftables, where bridge takes iptables if it is there",
    "plugins[1].backend: Pontoon leads host ports by nftables alone, so programs that read the iptables chains CNI-HOSTPORT-DNAT and CNI-DN-... find none, unless compat.iptablesHostPortChains is true",
  ]);
});

test("minikube's: its firewall lets all pods reach each other, and an unknown key stays with a note", () => {
  const bridge = {
    type: "bridge",
    bridge: "bridge",
    addIf: "true",
    isDefaultGateway: true,
    forceAddress: false,
    ipMasq: true,
    hairpinMode: true,
    ipam: { type: "host-local", subnet: "10.244.0.0/16" },
  };
  const { plugins, notes } = migrated(bridge, PORTMAP, { type: "firewall" });
  expect(plugins).toEqual([
    {
      ...bridge,
      type: "pontoon",
      capabilities: { portMappings: true, ips: true, mac: true },
      ingressPolicy: "open",
    },
  ]);
  expect(notes).toContain('plugins[0].addIf "true": means nothing to Pontoon; it stays');
  expect(notes).toContainEqual(expect.stringMatching(FIREWALL));
});

test("podman's: a tuning that asks for nothing goes", () => {
  const bridge = { ...BRIDGE, bridge: "cni-podman0", hairpinMode: true };
  const { plugins, notes } = migrated(bridge, PORTMAP, { type: "firewall", backend: "" }, { type: "tuning" });
  expect(plugins).toEqual([
    {
      ...bridge,
      type: "pontoon",
      capabilities: { portMappings: true, ips: true, mac: true },
      ingressPolicy: "open",
    },
  ]);
  expect(notes).toEqual([expect.stringMatching(FIREWALL)]);
});

test("nerdctl's: its ingress policy is kept, and what it notes in the list too", () => {
  const list = {
    cniVersion: "1.0.0",
    name: "bridge",
    nerdctlID: "17f29b",
    nerdctlLabels: {},
    plugins: [
      { ...BRIDGE, bridge: "nerdctl0" },
      PORTMAP,
      { type: "firewall", ingressPolicy: "same-bridge" },
      { type: "tuning" },
    ],
  };
  const out = JSON.parse(migrate(JSON.stringify(list)).text) as typeof list;
  expect(out).toEqual({
    ...list,
    plugins: [
      {
        ...PONTOON,
        bridge: "nerdctl0",
        capabilities: { portMappings: true, ips: true, mac: true },
        ingressPolicy: "same-bridge",
      },
    ],
  });
});

test.each([
  ["open", {}],
  ["open", { ingressPolicy: "" }],
  ["open", { ingressPolicy: null }],
  ["isolated", { ingressPolicy: "isolated" }],
])("a firewall of %s: %o", (ingressPolicy, entry) => {
  const { plugins, notes } = migrated(BRIDGE, { type: "firewall", backend: "iptables", ...entry });
  expect(plugins).toEqual([{ ...PONTOON, ingressPolicy }]);
  expect(notes.slice(0, 2)).toEqual([
    expect.stringMatching(FIREWALL),
    'plugins[1].backend "iptables": is left out: Pontoon answers every firewall that it finds, iptables of both variants and firewalld',
  ]);
  expect(notes.slice(2)).toEqual(
    ingressPolicy === "isolated"
      ? [expect.stringContaining("where bridge-nf-call-iptables is 0 either")]
      : [],
  );
});

test("a firewall does not change what an entry of Pontoon says", () => {
  const pontoon = { ...PONTOON, ingressPolicy: "isolated" };
  const { plugins, notes } = migrated(pontoon, { type: "firewall" });
  expect(plugins).toEqual([pontoon, { type: "firewall" }]);
  expect(notes).toEqual([
    'plugins[1] (firewall): stays behind Pontoon as it is: ingressPolicy "open" is not what an entry before it says, "isolated", and Pontoon has one ingressPolicy',
  ]);
});

test("CRI-O's is a single configuration and stays one", () => {
  const conf = {
    cniVersion: "0.3.1",
    name: "crio",
    ...BRIDGE,
    ipam: {
      type: "host-local",
      routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
      ranges: [[{ subnet: "10.85.0.0/16" }], [{ subnet: "1100:200::/24" }]],
    },
  };
  const { text, notes } = migrate(JSON.stringify({ ...conf, odd: 1 }));
  expect(text).toBe(`${JSON.stringify({ ...conf, type: "pontoon", odd: 1 }, undefined, 2)}\n`);
  expect(notes).toEqual(["odd 1: means nothing to Pontoon; it stays"]);
});

test("kind's becomes an entry without a bridge", () => {
  const ptp = {
    type: "ptp",
    ipMasq: false,
    ipam: {
      type: "host-local",
      dataDir: "/run/cni-ipam-state",
      routes: [{ dst: "0.0.0.0/0" }],
      ranges: IPAM.ranges,
    },
    mtu: 1500,
  };
  const { plugins, notes } = migrated(ptp, PORTMAP);
  expect(plugins).toEqual([
    {
      ...ptp,
      type: "pontoon",
      attach: "ptp",
      capabilities: { portMappings: true, ips: true, mac: true },
    },
  ]);
  expect(Object.keys(plugins[0]!).slice(0, 3)).toEqual(["type", "attach", "ipMasq"]);
  expect(notes).toEqual([]);
});

test("a ptp leaves to Pontoon what it does not say, and keys of a bridge meant nothing to it", () => {
  const { plugins, notes } = migrated({
    type: "ptp",
    ipMasq: true,
    bridge: "cni0",
    attach: "bridge",
    isGateway: true,
    capabilities: { mac: true, ips: true },
    ipam: IPAM,
  });
  expect(plugins).toEqual([
    { type: "pontoon", attach: "ptp", ipMasq: true, ipam: IPAM, capabilities: { ips: true } },
  ]);
  expect(notes).toEqual([
    "plugins[0].mtu: is not set: a pair that Pontoon makes gets the MTU of the node's way out, which need not be 1500",
    "plugins[0].ipMasqBackend: is not set: Pontoon masquerades by nftables, where ptp takes iptables if it is there",
    'plugins[0].bridge "cni0": is left out: ptp takes no notice of it, and Pontoon would',
    'plugins[0].attach "bridge": is left out: ptp takes no notice of it, and Pontoon would',
    "plugins[0].isGateway true: is left out: ptp takes no notice of it, and Pontoon would",
    "plugins[0].capabilities.mac true: is left out: ptp takes no notice of it, and Pontoon would",
  ]);
});

test("a ptp that would not work in Pontoon is refused", () => {
  expect(failureOf(() => migrated({ type: "ptp", ipam: { type: "dhcp" } }))).toMatchObject({
    code: 7,
    msg: expect.stringMatching(/^plugins\[0\]: Pontoon would refuse the entry: .*dhcp/),
  });
});

/** An entry as one of Pontoon, before a reader of ADD has seen it. */
function converted(entry: Entry): object {
  return { ...fromMain({ entry, path: "" }), choices: choices(String(entry["type"]), { entry, path: "" }) };
}

test.each([
  ["device", "eth7"],
  ["hwaddr", "02:00:00:00:00:07"],
  ["kernelpath", "/sys/devices/pci0000:00/0000:00:1f.6"],
])("a host-device by %s becomes an entry that moves the device", (key, value) => {
  expect(converted({ type: "host-device", [key]: value, ipam: IPAM, mtu: 9000 })).toEqual({
    entry: { type: "pontoon", attach: "device", [key]: value, ipam: IPAM },
    notes: ["mtu 9000: is left out: host-device takes no notice of it, and Pontoon would"],
    choices: [],
  });
});

test("a host-device of a PCI bus, and the capability by which a runtime names one, are kept", () => {
  const entry = { type: "host-device", pciBusID: "0000:3d:00.1", capabilities: { deviceID: true } };
  expect(converted(entry)).toEqual({
    entry: {
      type: "pontoon",
      attach: "device",
      pciBusID: "0000:3d:00.1",
      capabilities: { deviceID: true },
    },
    notes: [],
    choices: [
      'pciBusID "0000:3d:00.1": a device without a network interface (DPDK) is refused by Pontoon, and left as it is by host-device',
    ],
  });
});

test("a loopback stays one, in a list of its own, as a single configuration, and around a bridge", () => {
  const reason = 'Pontoon is this plugin where "pontoon install" has made its link';
  const alone = { type: "loopback", odd: [] };
  expect(migrated(alone)).toEqual({
    plugins: [alone],
    notes: [`plugins[0] (loopback): stays as it is: ${reason}`],
  });
  const single = { cniVersion: "0.2.0", name: "lo", type: "loopback" };
  expect(migrate(JSON.stringify(single))).toEqual({
    text: `${JSON.stringify(single, undefined, 2)}\n`,
    notes: [`loopback: stays as it is: ${reason}`],
  });
  expect(migrated(BRIDGE, { type: "loopback" })).toEqual({
    plugins: [PONTOON, { type: "loopback" }],
    notes: [`plugins[1] (loopback): stays behind Pontoon as it is: ${reason}`],
  });
});

test("a full chain becomes one entry that asks for the same", () => {
  const { plugins, notes } = migrated(
    { ...BRIDGE, capabilities: { mac: true, ips: true } },
    { ...PORTMAP, snat: false, markMasqBit: 0, conditionsV4: ["!", "-d", "192.0.2.1"] },
    { type: "bandwidth", ingressRate: 1000000, ingressBurst: 800000, egressRate: 0 },
    {
      type: "tuning",
      sysctl: { "net.core.somaxconn": "500" },
      txQLen: 0,
      promisc: true,
      allmulti: false,
      mac: "02:00:00:00:00:07",
      capabilities: { mac: true },
      dataDir: "/run/tuning",
    },
    { type: "sbr" },
  );
  expect(plugins).toEqual([
    {
      ...PONTOON,
      capabilities: { mac: true, ips: true, portMappings: true },
      snat: false,
      markMasqBit: 0,
      conditionsV4: ["!", "-d", "192.0.2.1"],
      ingressRate: 1000000,
      ingressBurst: 800000,
      egressRate: 0,
      sysctl: { "net.core.somaxconn": "500" },
      txQLen: 0,
      promisc: true,
      allmulti: false,
      mac: "02:00:00:00:00:07",
      sourceBasedRouting: true,
    },
  ]);
  expect(
    parseNetconf(JSON.stringify({ cniVersion: "1.0.0", name: "pods", ...plugins[0] }), "ADD"),
  ).toMatchObject({
    mac: "02:00:00:00:00:07",
    bandwidth: { ingress: { rate: 1000000, burst: 800000 } },
    tuning: { txQueueLength: 0, promiscuous: true, sysctls: [{ name: "core/somaxconn", value: "500" }] },
    sourceBasedRouting: true,
  });
  expect(notes).toEqual([
    'plugins[3].dataDir "/run/tuning": is left out: Pontoon keeps no files of old values',
    'plugins[4].type "sbr": the routing table\'s number is 10000 and more, and the main table keeps its routes of this network',
  ]);
});

test("what came out comes out again", () => {
  const first = migrate(
    JSON.stringify({
      cniVersion: "1.0.0",
      name: "pods",
      plugins: [BRIDGE, PORTMAP, { type: "firewall" }, { type: "tuning", txQLen: 7 }, { type: "firewall2" }],
    }),
  );
  const second = migrate(first.text);
  expect(second.text).toBe(first.text);
  expect(second.notes).toEqual([expect.stringMatching(/\(firewall2\): stays behind Pontoon as it is/)]);
});

test("keys are known in any spelling, and one in a wrong spelling is not there twice afterwards", () => {
  const { plugins, notes } = migrated(
    { TYPE: "bridge", IsGateway: true, MTU: 0, Ipam: IPAM },
    { Type: "tuning", Mtu: 1400, TXQLEN: 5, Capabilities: { mac: true }, odd: 1 },
  );
  expect(plugins).toEqual([
    { type: "pontoon", IsGateway: true, mtu: 1400, Ipam: IPAM, txQLen: 5, capabilities: { mac: true } },
  ]);
  expect(Object.keys(plugins[0]!)).toEqual(["type", "IsGateway", "mtu", "Ipam", "txQLen", "capabilities"]);
  expect(notes).toContain("plugins[1].odd 1: is left out: tuning takes no notice of it");
});

test("entries of other plugins stay at their place: in front, between and behind", () => {
  const [loopback, istio, last] = [
    { type: "loopback" },
    { type: "istio-cni", capabilities: { portMappings: true }, a: [null, 1.5] },
    { type: "constructor" },
  ];
  const { plugins, notes } = migrated(loopback, BRIDGE, istio, PORTMAP, last);
  expect(plugins).toEqual([
    loopback,
    { ...PONTOON, capabilities: { portMappings: true, ips: true, mac: true } },
    istio,
    last,
  ]);
  expect(notes).toEqual([
    'plugins[0] (loopback): stays as it is: Pontoon is this plugin where "pontoon install" has made its link',
    "plugins[2] (istio-cni): stays behind Pontoon as it is: Pontoon does not do what this plugin does",
    "plugins[3] (portmap): is done before plugins[2] (istio-cni) now",
    "plugins[4] (constructor): stays behind Pontoon as it is: Pontoon does not do what this plugin does",
  ]);
});

/** Entries that have to stay, and a part of the reason. */
const STAYING: [string, Entry[], RegExp][] = [
  [
    "conditions of host ports that Pontoon does not know",
    [{ ...PORTMAP, conditionsV4: ["-m", "time", "--weekdays", "Mo"] }],
    /Pontoon would refuse it: .*conditionsV4 "-m time/,
  ],
  [
    "a chain that marks",
    [{ ...PORTMAP, externalSetMarkChain: "KUBE-MARK-MASQ" }],
    /Pontoon would refuse it: .*externalSetMarkChain/,
  ],
  ["a wrong value", [{ type: "tuning", txQLen: -1 }], /Pontoon would refuse it: .*txQLen -1/],
  [
    "a value of a wrong type",
    [{ type: "bandwidth", ingressRate: "1M" }],
    /Pontoon would refuse it: .*ingressRate "1M"/,
  ],
  [
    "another MTU than the bridge's",
    [{ type: "tuning", mtu: 1400, txQLen: 5 }],
    /mtu 1400 is not what an entry before it says, 1500/,
  ],
  ["args of one plugin", [{ type: "tuning", args: { cni: { mac: "02:00:00:00:00:07" } } }], /args: /],
  [
    "an administrator's chain",
    [{ type: "firewall", iptablesAdminChainName: "SITE" }],
    /iptablesAdminChainName: of an administrator's chains/,
  ],
  [
    "a zone of firewalld",
    [{ type: "firewall", firewalldZone: "pods" }],
    /firewalldZone: of firewalld's zones/,
  ],
  [
    "an unknown ingress policy",
    [{ type: "firewall", ingressPolicy: "closed" }],
    /Pontoon would refuse it: .*ingressPolicy "closed"/,
  ],
  ["a routing table by number", [{ type: "sbr", table: 7 }], /table: Pontoon chooses/],
  ["two portmaps", [PORTMAP, { ...PORTMAP, snat: false }], /portmap is there 2 times/],
];

test.each(STAYING)("%s: the entry stays behind as it is, with the reason", (_, behind, reason) => {
  const { plugins, notes } = migrated(BRIDGE, ...behind);
  expect(plugins).toEqual([PONTOON, ...behind]);
  expect(notes).toHaveLength(behind.length);
  for (const note of notes) expect(note).toMatch(reason);
});

test("two tunings that agree are merged; one that does not stays, and so do those behind it", () => {
  const one = { type: "tuning", sysctl: { "net.core.somaxconn": "500" } };
  const two = { type: "tuning", sysctl: { "net.ipv4.ip_unprivileged_port_start": "0" }, txQLen: 5 };
  const other = { type: "tuning", sysctl: { "net.core.somaxconn": "600" } };
  const spelling = { type: "tuning", sysctl: { "net/core/somaxconn": "600" } };
  expect(migrated(BRIDGE, one, two).plugins).toEqual([
    { ...PONTOON, sysctl: { ...one.sysctl, ...two.sysctl }, txQLen: 5 },
  ]);
  expect(migrated(BRIDGE, one, other, two).plugins).toEqual([{ ...PONTOON, sysctl: one.sysctl }, other, two]);
  expect(migrated(BRIDGE, one, spelling).plugins).toEqual([{ ...PONTOON, sysctl: one.sysctl }, spelling]);
});

test("an MTU of tuning becomes that of bridge and pod where the bridge has none", () => {
  const { plugins, notes } = migrated({ ...BRIDGE, mtu: 0 }, { type: "tuning", mtu: 1400 });
  expect(plugins).toEqual([{ ...PONTOON, mtu: 1400 }]);
  expect(notes).toEqual([
    "plugins[1].mtu 1400: a bridge that Pontoon makes, and the node's end of a pair, get this MTU too; tuning sets the pod's end alone",
  ]);
  expect(migrated(BRIDGE, { type: "tuning", mtu: 0 }).plugins).toEqual([PONTOON]);
});

test("keys and capabilities that meant nothing to bridge, but would to Pontoon, do not begin to mean something", () => {
  const { plugins, notes } = migrated({
    ...BRIDGE,
    mac: "02:00:00:00:00:07",
    SYSCTL: {},
    attach: "ptp",
    ipspoofchk: true,
    capabilities: { portMappings: true, bandwidth: true, ips: true, other: true, dns: true },
  });
  expect(plugins).toEqual([{ ...PONTOON, capabilities: { ips: true, other: true, dns: true } }]);
  expect(notes).toEqual([
    'plugins[0].mac "02:00:00:00:00:07": is left out: bridge takes no notice of it, and Pontoon would',
    "plugins[0].SYSCTL (an object): is left out: bridge takes no notice of it, and Pontoon would",
    'plugins[0].attach "ptp": is left out: bridge takes no notice of it, and Pontoon would',
    "plugins[0].ipspoofchk true: is left out: bridge takes no notice of it, and Pontoon would",
    "plugins[0].capabilities.portMappings true: is left out: bridge takes no notice of it, and Pontoon would",
    "plugins[0].capabilities.bandwidth true: is left out: bridge takes no notice of it, and Pontoon would",
    "plugins[0].capabilities.dns true: bridge takes no notice of it; Pontoon puts the name servers that a runtime sends into the result",
  ]);
});

test("of capabilities those stay that had an effect", () => {
  const limits = { type: "bandwidth", ingressRate: 0, capabilities: { bandwidth: true, ips: true } };
  const { plugins, notes } = migrated(BRIDGE, limits);
  expect(plugins).toEqual([{ ...PONTOON, ingressRate: 0 }]);
  expect(notes).toEqual([
    "plugins[1].capabilities.bandwidth true: is left out: bandwidth takes no notice of a runtime when its entry has limits",
    "plugins[1].capabilities.ips true: is left out: bandwidth takes no notice of it",
  ]);
});

test("a MAC that tuning sets over the runtime's is the pod's", () => {
  const { plugins, notes } = migrated(
    { ...BRIDGE, capabilities: { mac: true } },
    { type: "tuning", mac: "02:00:00:00:00:07" },
  );
  expect(plugins).toEqual([{ ...PONTOON, mac: "02:00:00:00:00:07" }]);
  expect(notes).toEqual([
    'plugins[1].mac "02:00:00:00:00:07": the capability mac is left out, because tuning sets this value over what a runtime asks for',
  ]);
});

test("a burst that Pontoon takes for none is spoken of", () => {
  expect(migrated(BRIDGE, { type: "bandwidth", egressRate: 1000000, egressBurst: 2147483647 }).notes).toEqual(
    [expect.stringContaining("plugins[1].egressBurst 2147483647: a burst of more than a second")],
  );
});

test("an unknown key of host-local is spoken of, one of another IPAM plugin is not", () => {
  expect(migrated({ ...BRIDGE, ipam: { ...IPAM, dataDIR: "/run/leases", exclude: [] } }).notes).toEqual([
    "plugins[0].ipam.exclude []: means nothing to Pontoon; it stays",
  ]);
  expect(migrated({ ...BRIDGE, ipam: { type: "static", addresses: [] } })).toEqual({
    plugins: [{ ...PONTOON, ipam: { type: "static", addresses: [] } }],
    notes: [],
  });
});

test("an entry with the capabilities of other plugins has ips and mac too, unless it says otherwise", () => {
  const limited = { type: "bandwidth", capabilities: { bandwidth: true } };
  expect(migrated(BRIDGE, PORTMAP, limited).plugins).toEqual([
    { ...PONTOON, capabilities: { portMappings: true, bandwidth: true, ips: true, mac: true } },
  ]);
  expect(
    migrated({ ...BRIDGE, capabilities: { ips: false } }, PORTMAP, {
      type: "tuning",
      mac: "02:00:00:00:00:07",
    }).plugins,
  ).toEqual([{ ...PONTOON, capabilities: { ips: false, portMappings: true }, mac: "02:00:00:00:00:07" }]);
  expect(migrated(BRIDGE).plugins).toEqual([PONTOON]);
});

test("an entry whose ranges all come from the runtime is whole", () => {
  const ipam = { type: "host-local", routes: [{ dst: "0.0.0.0/0" }] };
  expect(migrated({ ...BRIDGE, ipam, capabilities: { ipRanges: true } }).plugins).toEqual([
    { ...PONTOON, ipam, capabilities: { ipRanges: true } },
  ]);
  expect(failureOf(() => migrated({ ...BRIDGE, ipam }))).toMatchObject({
    code: 7,
    msg: expect.stringMatching(/^plugins\[0\]: Pontoon would refuse the entry: .*no IP ranges specified/),
  });
});

test("a backend that was chosen stays", () => {
  expect(migrated({ ...BRIDGE, ipMasqBackend: "iptables" })).toEqual({
    plugins: [{ ...PONTOON, ipMasqBackend: "iptables" }],
    notes: [],
  });
});

test("a note is one line, whatever stands in a key or a name", () => {
  const { notes } = migrated({ ...BRIDGE, "a\nb\u001b": "c\nd" }, { type: "e\nf" });
  expect(notes).toEqual([
    'plugins[0]."a\\nb\\u001b" "c\\nd": means nothing to Pontoon; it stays',
    'plugins[1] ("e\\nf"): stays behind Pontoon as it is: Pontoon does not do what this plugin does',
  ]);
});

test("numbers stay as they were written", () => {
  const text =
    '{"cniVersion":"1.0.0","name":"pods","plugins":[{"type":"bridge"},{"type":"x","a":9007199254740993,"b":1.0,"c":[1e3],"__proto__":{"y":-0}}]}';
  expect(migrate(text).text.replaceAll(/\s/g, "")).toBe(text.replace('"bridge"', '"pontoon"'));
});

/** Texts that are refused, with the error. */
const REFUSED: [string, string, object][] = [
  ["nothing", " \n", { msg: "there is nothing in it" }],
  [
    "broken JSON",
    '{\n  "name": "pods",\n}',
    { code: 6, msg: "error unmarshall network config: invalid character '}' in line 3, column 1" },
  ],
  ["a list", "[]", { code: 7, msg: "it is no network configuration, which is an object" }],
  ["null", "null", { code: 7, msg: "it is no network configuration, which is an object" }],
  [
    "an object of something else",
    '{"kind":"Pod"}',
    { code: 7, msg: `no plugin in it connects a pod in a way of Pontoon's ("")` },
  ],
  ["plugins that are no list", '{"plugins":{}}', { code: 7, msg: "plugins: must be a list" }],
  [
    "no plugins",
    '{"plugins":[]}',
    { code: 7, msg: "no plugin in it connects a pod in a way of Pontoon's (there is none)" },
  ],
  [
    "an entry that is no object",
    '{"plugins":[{"type":"bridge"},null]}',
    { code: 7, msg: "plugins[1]: must be an object" },
  ],
  [
    "two bridges",
    '{"plugins":[{"type":"bridge"},{"type":"pontoon"}]}',
    { code: 7, msg: 'more than one plugin in it connects the pod ("bridge", "pontoon")' },
  ],
  [
    "a list in a list, a hundred thousand times",
    `{"cniVersion":"1.0.0","name":"pods","plugins":[{"type":"bridge"},${"[".repeat(100_000)}${"]".repeat(100_000)}]}`,
    { code: 7, msg: "it is nested too deep" },
  ],
  [
    "no name",
    '{"cniVersion":"1.0.0","plugins":[{"type":"bridge"}]}',
    { code: 7, msg: "plugins[0]: Pontoon would refuse the entry: missing network name" },
  ],
  [
    "a version to come",
    '{"cniVersion":"2.0.0","name":"pods","type":"bridge"}',
    { code: 7, msg: "Pontoon would refuse the entry: incompatible CNI versions" },
  ],
];

test.each(REFUSED)("refused: %s", (_, text, error) => {
  expect(failureOf(() => migrate(text))).toMatchObject(error);
});

test("every plugin that is replaced is in the documentation", () => {
  const page = readFileSync(new URL("../../../docs/migrate.md", import.meta.url), "utf8");
  for (const [type, { keys }] of [
    ...REPLACEMENTS,
    ["ptp", { keys: OF_PTP }],
    ["host-device", { keys: OF_HOST_DEVICE }],
  ] as const) {
    const row = page.split("\n").find((line) => line.startsWith(`| \`${type}\` |`)) ?? "";
    for (const key of keys) expect(row, type).toContain(`\`${key}\``);
    expect(row).not.toBe("");
  }
});
