import { describe, expect, test } from "vitest";
import { parseNetconf } from "../../../src/cni/config.ts";
import { BRIDGE, NETCONF_KEYS } from "../../../src/cni/netconf-keys.ts";
import { formatAddress } from "../../../src/ip/address.ts";
import { formatPrefix } from "../../../src/ip/prefix.ts";
import { failureOf } from "./failure.ts";

const IPAM = { type: "host-local", ranges: [[{ subnet: "10.1.0.0/16" }]] };
const text = (fields: object, version = "1.0.0") =>
  JSON.stringify({ cniVersion: version, name: "pods", type: "pontoon", ...fields });
const parse = (fields: object, version?: string) => parseNetconf(text(fields, version), "ADD");
const fail = (fields: object, version?: string) => failureOf(() => parse(fields, version));

test("a configuration that says nothing has the reference's defaults", () => {
  const flags = Object.keys(BRIDGE).filter((key) => BRIDGE[key as keyof typeof BRIDGE] === "flag");
  expect(flags).toContain("isGateway");
  expect(parse({})).toEqual({
    ...Object.fromEntries(flags.map((key) => [key, false])),
    cniVersion: "1.0.0",
    name: "pods",
    attach: "bridge",
    bridge: "cni0",
    mtu: 0,
    gatewayInterface: "cni0",
    hasVlans: false,
    ingressPolicy: undefined,
    hostPorts: undefined,
    misspelt: [],
    vlan: 0,
    vlanTrunk: [],
    ipMasqBackend: "nftables",
    ipam: undefined,
    foreignIpam: undefined,
    requestedAddresses: [],
    mac: undefined,
    sourceBasedRouting: false,
    dns: undefined,
    prevResult: undefined,
  });
});

test("ipam has the reference's defaults", () => {
  expect(parse({ ipam: { type: "host-local", subnet: "10.1.0.0/16" } }).ipam).toMatchObject({
    dataDir: "/var/lib/cni/networks",
    resolvConf: undefined,
    statusWhenFull: false,
    routes: [],
  });
});

test("isDefaultGateway makes the bridge a gateway", () => {
  expect(parse({ isDefaultGateway: true }).isGateway).toBe(true);
  expect(parse({ isDefaultGateway: true, isGateway: false }).isGateway).toBe(true);
});

test("null means absent for every key", () => {
  const absent = (keys: object): object => Object.fromEntries(Object.keys(keys).map((key) => [key, null]));
  const { cniVersion: _, name: __, ...keys } = NETCONF_KEYS;
  expect(parse(absent(keys))).toEqual(parse({}));
  expect(parse({ ipam: { ...absent(keys.ipam), ...IPAM } })).toEqual(parse({ ipam: IPAM }));
  const { runtimeConfig, args, dns } = keys;
  expect(
    parse({
      runtimeConfig: { ...absent(runtimeConfig), dns: absent(runtimeConfig.dns) },
      args: { cni: absent(args.cni) },
      dns: absent(dns),
    }),
  ).toEqual(parse({ dns: {} }));
});

test("keys count in any case", () => {
  expect(
    parse({
      BRIDGE: "br1",
      IPMASQ: true,
      Ipam: { TYPE: "host-local", Ranges: [[{ SUBNET: "10.1.0.0/16" }]] },
    }),
  ).toEqual(parse({ bridge: "br1", ipMasq: true, ipam: IPAM }));
});

test("unknown keys, and what runtimes add, are accepted", () => {
  const more = { addIf: "true", capabilities: { portMappings: true }, "cni.dev/x": 5 };
  const runtimeConfig = {
    aliases: ["web"],
    bandwidth: { IngressRate: 0, Other: 1 },
    "io.kubernetes.cri.pod-annotations": {},
  };
  expect(
    parse({ ...more, runtimeConfig, args: { cni: { labels: [] }, other: 5 }, ipam: { ...IPAM, foo: [] } }),
  ).toEqual(parse({ ipam: IPAM }));
  for (const args of ["x", [], { cni: 5 }, { cni: [] }])
    expect(parse({ args, capabilities: [] })).toEqual(parse({}));
});

test("an ipam without a type is layer 2 only", () => {
  for (const ipam of [{}, { type: "" }, { type: null }, { ranges: [] }])
    expect(parse({ ipam }).ipam).toBeUndefined();
});

test.each(["0.1.0", "0.2.0"])(
  "layer 2 only cannot be said in version %s, which ADD refuses before any change",
  (version) => {
    expect(fail({}, version)).toMatchObject({ code: 7, msg: "cannot convert: no valid IP addresses" });
    expect(fail({ ipam: {}, prevResult: { dns: {} } }, version).code).toBe(7);
    expect(parse({ ipam: IPAM }, version).cniVersion).toBe(version);
    expect(parse({ prevResult: { ip4: { ip: "10.0.0.2/8" } } }, version).ipam).toBeUndefined();
  },
);

describe("values of a wrong type are refused with path, value and what is allowed", () => {
  test.each<[object, RegExp]>([
    [{ mtu: "1500" }, /^invalid network config: mtu "1500": must be a whole number/],
    [{ mtu: 1.5 }, /: mtu 1.5: must be a whole number/],
    [{ mtu: 1e300 }, /: mtu 1e\+300: must be a whole number/],
    [{ mtu: true }, /: mtu true: must be a whole number/],
    [{ isGateway: "true" }, /: isGateway "true": must be true or false/],
    [{ ipMasq: 1 }, /: ipMasq 1: must be true or false/],
    [{ bridge: 5 }, /: bridge 5: must be text/],
    [{ ipam: "host-local" }, /: ipam "host-local": must be an object/],
    [{ ipam: [] }, /: ipam \[\]: must be an object/],
    [{ ipam: { ...IPAM, statusWhenFull: "yes" } }, /: ipam.statusWhenFull "yes": must be true or false/],
    [
      { ipam: { ...IPAM, ranges: { subnet: "10.0.0.0/8" } } },
      /: ipam.ranges \(an object\): must be a list; ranges are a list of lists/,
    ],
    [
      { ipam: { ...IPAM, ranges: [{ subnet: "10.0.0.0/8" }] } },
      /: ipam.ranges\[0\] \(an object\): must be a list; ranges are a list of lists/,
    ],
    [
      { ipam: { ...IPAM, ranges: [["10.0.0.0/8"]] } },
      /: ipam.ranges\[0\]\[0\] "10.0.0.0\/8": must be an object/,
    ],
    [{ ipam: { ...IPAM, ranges: [[null]] } }, /: ipam.ranges\[0\]\[0\] null: must be an object/],
    [{ ipam: { ...IPAM, ranges: [[{ subnet: 5 }]] } }, /: ipam.ranges\[0\]\[0\].subnet 5: must be text/],
    [{ ipam: { ...IPAM, routes: "x" } }, /: ipam.routes "x": must be a list/],
    [{ ipam: { ...IPAM, routes: [{ dst: "x" }] } }, /: ipam.routes\[0\].dst "x": invalid CIDR address/],
    [{ ipam: { ...IPAM, routes: [{}] } }, /: ipam.routes\[0\].dst: is missing/],
    [
      { ipam: { ...IPAM, routes: [{ dst: "0.0.0.0/0", gw: "x" }] } },
      /: ipam.routes\[0\].gw "x": must be an IP address/,
    ],
    [
      { ipam: { ...IPAM, routes: [{ dst: "0.0.0.0/0", mtu: -1 }] } },
      /: ipam.routes\[0\].mtu -1: must be a whole number from 0/,
    ],
    [
      { ipam: { ...IPAM, routes: [{ dst: "0.0.0.0/0", scope: 256 }] } },
      /: ipam.routes\[0\].scope 256: must be a whole number from 0 to 255/,
    ],
    [
      { ipam: { ...IPAM, routes: [{ dst: "10.9.0.0/16" }, { dst: "10.9.0.7/16", table: 254 }] } },
      /: ipam.routes: 10.9.0.7\/16 is there twice/,
    ],
    [
      { ipam: { ...IPAM, routes: [{ dst: "0.0.0.0/0", gw: "fd00::1" }] } },
      /: ipam.routes: the gateway fd00::1 of 0.0.0.0\/0 must be of the family/,
    ],
    [{ dns: { nameservers: "1.1.1.1" } }, /: dns.nameservers "1.1.1.1": must be a list/],
    [{ dns: { search: [5] } }, /: dns.search\[0\] 5: must be text/],
    [{ dns: [] }, /: dns \[\]: must be an object/],
    [{ dns: { domain: 5 } }, /: dns.domain 5: must be text/],
    [{ runtimeConfig: 5 }, /: runtimeConfig 5: must be an object/],
    [{ preserveDefaultVlan: "no" }, /: preserveDefaultVlan "no": must be true or false/],
    [
      { ipam: { ...IPAM, routes: [{ dst: "0.0.0.0/0", mtu: "x" }] } },
      /: ipam.routes\[0\].mtu "x": must be a whole number/,
    ],
    [{ ipam: { ...IPAM, routes: [5] } }, /: ipam.routes\[0\] 5: must be an object/],
    [{ prevResult: 5 }, /: prevResult 5: must be an object/],
    [
      { prevResult: { ips: [{ address: "10.0.0.2" }] } },
      /: prevResult.ips\[0\].address "10.0.0.2": invalid CIDR address/,
    ],
  ])("%j", (fields, message) => {
    const error = fail(fields);
    expect(error.code).toBe(7);
    expect(error.msg).toMatch(message);
    expect(error.details).toContain(
      'Hint: Correct the configuration of network "pods"; nothing was changed.',
    );
  });
});

test("of twenty thousand routes the one that is there twice is found, in whatever spelling", () => {
  const routes = Array.from({ length: 20_000 }, (_, at) => ({
    dst: `10.${at >> 8}.${at & 255}.0/24`,
    gw: "10.1.0.1",
    priority: at % 3,
  }));
  expect(parse({ ipam: { ...IPAM, routes } }).ipam?.routes).toHaveLength(20_000);
  const twice = [
    ...routes,
    { dst: "10.0.9.0/24", gw: "10.1.0.1", priority: 1 },
    { dst: "10.0.9.7/24", gw: "10.1.0.1", table: 254 },
  ];
  expect(fail({ ipam: { ...IPAM, routes: twice } }).msg).toMatch(
    /: ipam.routes: 10.0.9.7\/24 is there twice/,
  );
});

describe("values that cannot be meant are refused", () => {
  test.each<[object, string]>([
    [{ bridge: "" }, 'bridge "": must not be empty'],
    [{ bridge: "abcdefghijklmnop" }, "must have 15 bytes at most"],
    [{ bridge: "éééééééé" }, "must have 15 bytes at most"],
    [{ bridge: "." }, "must not be . or .."],
    [{ bridge: "a/b" }, "must not contain /, : or white space"],
    [{ bridge: "a b" }, "must not contain /, : or white space"],
    [{ bridge: "a:1" }, "must not contain /, : or white space"],
    [{ bridge: "br%d" }, "must not contain %"],
    [{ bridge: "br\0x" }, "must not contain control characters"],
    [{ bridge: "br\ud800" }, "must not contain control characters or broken Unicode"],
    [
      { hairpinMode: true, promiscMode: true },
      "cannot set hairpin mode and promiscuous mode at the same time",
    ],
    [{ mtu: -1 }, "mtu -1: must be 0 (pontoon decides) or from 68 to 65535"],
    [{ mtu: 67 }, "mtu 67: must be 0 (pontoon decides) or from 68 to 65535; IPv4 needs packets of 68 bytes"],
    [{ mtu: 65536 }, "mtu 65536: must be 0"],
    [
      { mtu: 1279, ipam: { type: "host-local", ranges: [[{ subnet: "fd00::/64" }]] } },
      "or from 1280 to 65535; IPv6 needs packets of 1280 bytes",
    ],
    [{ ipam: { ...IPAM, dataDir: "var/lib" } }, 'ipam.dataDir "var/lib": must be an absolute path'],
    [{ ipam: { ...IPAM, dataDir: "/a\0b" } }, 'ipam.dataDir "/a\\u0000b": must be an absolute path'],
  ])("%j", (fields, message) => {
    const error = fail(fields);
    expect(error.code).toBe(7);
    expect(error.msg).toContain(message);
  });

  test("a name that no directory can have", () => {
    expect(
      failureOf(() => parseNetconf(JSON.stringify({ name: "a".repeat(256), cniVersion: "1.0.0" }), "ADD"))
        .msg,
    ).toContain("must have 255 characters at most");
  });

  test.each([0, 68, 1500, 65535])("an mtu of %d is accepted", (mtu) => {
    expect(parse({ mtu, ipam: IPAM }).mtu).toBe(mtu);
  });
});

test("all problems are reported at once: the first in the message, every one in the details", () => {
  const error = fail({
    mtu: "1",
    bridge: "a b",
    isGateway: 1,
    ipam: { ...IPAM, dataDir: "x", ranges: [[{ subnet: "10.1.2.3/16" }], [{}]] },
  });
  expect(error.msg).toBe("invalid network config: isGateway 1: must be true or false, without quotes");
  for (const path of [
    "isGateway 1",
    'mtu "1"',
    'bridge "a b"',
    'ipam.dataDir "x"',
    "ipam.ranges[0][0].subnet",
    "ipam.ranges[1][0].subnet: is missing",
  ]) {
    expect(error.details).toContain(path);
  }
  expect(error.details).toContain("6 values are wrong");
});

test("a wrong type in the ranges does not also complain that there are none", () => {
  expect(fail({ ipam: { type: "host-local", ranges: 5 } }).details).not.toContain("values are wrong");
  expect(fail({ ipam: { type: "host-local", subnet: 5 } }).details).not.toContain("values are wrong");
});

test("a value in an error is short, however long it was", () => {
  const error = fail({ bridge: "x".repeat(1_000_000) });
  expect(error.msg.length + error.details.length).toBeLessThan(500);
});

test("routes keep all their fields and lose host bits", () => {
  const routes = [
    { dst: "10.9.1.1/16", gw: "10.1.0.1", mtu: 1400, advmss: 1360, priority: 5, table: 0, scope: 0 },
    { DST: "::/0" },
  ];
  const [first, second] = parse({ ipam: { ...IPAM, routes } }).ipam?.routes ?? [];
  expect(first).toMatchObject({ mtu: 1400, advmss: 1360, priority: 5, table: 0, scope: 0 });
  expect(first && formatPrefix(first.dst)).toBe("10.9.0.0/16");
  expect(first?.gw && formatAddress(first.gw)).toBe("10.1.0.1");
  expect(Object.keys(second ?? {})).toEqual(["dst"]);
});

test("dns and the previous result are read", () => {
  const netconf = parse({ dns: { nameservers: ["10.0.0.10"] }, prevResult: { interfaces: [{ name: "a" }] } });
  expect(netconf.dns).toEqual({ nameservers: ["10.0.0.10"] });
  expect(netconf.prevResult).toEqual({ interfaces: [{ name: "a" }], ips: [], routes: [], dns: {} });
  expect(parse({ prevResult: {} }).prevResult).toEqual({ interfaces: [], ips: [], routes: [], dns: {} });
});

describe("ranges of runtimeConfig", () => {
  const subnets = (runtimeConfig: object, ipam: object = IPAM) =>
    parse({ ipam, runtimeConfig }).ipam?.rangeSets.map((set) =>
      set.map(({ subnet }) => formatPrefix(subnet)).join(" "),
    );

  test("come first, before the old form and before the list", () => {
    const ipRanges = [[{ subnet: "10.2.0.0/24" }, { subnet: "10.3.0.0/24" }], [{ subnet: "fd00::/64" }]];
    expect(subnets({ ipRanges }, { ...IPAM, subnet: "10.4.0.0/24" })).toEqual([
      "10.2.0.0/24 10.3.0.0/24",
      "fd00::/64",
      "10.4.0.0/24",
      "10.1.0.0/16",
    ]);
    expect(subnets({ ipRanges }, { type: "host-local" })).toEqual(["10.2.0.0/24 10.3.0.0/24", "fd00::/64"]);
    expect(subnets({ ipRanges: [] })).toEqual(["10.1.0.0/16"]);
  });

  test("come in the form of go-cni too: a flat list, with keys in PascalCase and empty texts", () => {
    const range = (Subnet: string) => ({ Subnet, RangeStart: "", RangeEnd: "", Gateway: "" });
    expect(subnets({ IPRanges: [range("10.2.0.0/24"), range("fd00::/64"), range("10.3.0.0/24")] })).toEqual([
      "10.2.0.0/24 10.3.0.0/24",
      "fd00::/64",
      "10.1.0.0/16",
    ]);
  });

  test.each<[unknown, RegExp]>([
    [
      [[{ subnet: "10.2.0.1/24" }]],
      /runtimeConfig.ipRanges\[0\]\[0\].subnet "10.2.0.1\/24": Network has host bits set/,
    ],
    [[[]], /runtimeConfig.ipRanges\[0\] \[\]: empty range set/],
    [
      [[{ subnet: "10.1.5.0/24" }]],
      /ipam.ranges\[0\]: range set 1 overlaps with 0 \(runtimeConfig.ipRanges\[0\]\)/,
    ],
    [5, /runtimeConfig.ipRanges 5: must be a list/],
    [
      ["10.2.0.0/24"],
      /runtimeConfig.ipRanges\[0\] "10.2.0.0\/24": must be a list; ranges are a list of lists/,
    ],
    [[{ subnet: 5 }], /runtimeConfig.ipRanges\[0\]\[0\].subnet 5: must be text/],
  ])("%j are refused", (ipRanges, message) => {
    expect(fail({ ipam: IPAM, runtimeConfig: { ipRanges } })).toMatchObject({
      code: 7,
      msg: expect.stringMatching(message) as string,
    });
  });
});

describe("dns", () => {
  const CONFIGURED = { nameservers: ["192.0.2.1"], domain: "example" };

  test("of runtimeConfig replaces the network's as a whole, in either spelling", () => {
    expect(parse({ dns: CONFIGURED, runtimeConfig: { dns: { searches: ["a.example"] } } }).dns).toEqual({
      search: ["a.example"],
    });
    expect(
      parse({
        dns: CONFIGURED,
        runtimeConfig: { DNS: { Servers: ["192.0.2.2"], Searches: null, Options: ["ndots:5"] } },
      }).dns,
    ).toEqual({
      nameservers: ["192.0.2.2"],
      options: ["ndots:5"],
    });
  });

  test("of runtimeConfig that says nothing leaves the network's", () => {
    for (const dns of [null, {}, { servers: [] }, { Servers: null, Searches: null, Options: null }])
      expect(parse({ dns: CONFIGURED, runtimeConfig: { dns } }).dns).toEqual(CONFIGURED);
  });

  test.each<[unknown, string]>([
    [5, "runtimeConfig.dns 5: must be an object"],
    [{ servers: "192.0.2.1" }, 'runtimeConfig.dns.servers "192.0.2.1": must be a list'],
    [{ searches: [5] }, "runtimeConfig.dns.searches[0] 5: must be text in quotes"],
  ])("%j is refused", (dns, message) => {
    expect(fail({ runtimeConfig: { dns } }).msg).toBe(`invalid network config: ${message}`);
  });
});

describe("STATUS", () => {
  const status = (fields: object) => parseNetconf(text(fields, "1.1.0"), "STATUS");

  test("is refused for everything that ADD would refuse", () => {
    expect(failureOf(() => status({ mtu: 5 })).code).toBe(7);
    expect(failureOf(() => status({ conditionsV4: ["-s"] })).code).toBe(7);
    expect(failureOf(() => status({ externalSetMarkChain: "X" })).code).toBe(2);
    expect(failureOf(() => status({ ipam: { type: "host-local" } })).msg).toContain("no IP ranges specified");
  });

  test("needs no ranges where they come through runtimeConfig", () => {
    expect(
      status({ ipam: { type: "host-local" }, capabilities: { ipRanges: true } }).ipam?.rangeSets,
    ).toEqual([]);
    expect(
      failureOf(() => status({ ipam: { type: "host-local" }, capabilities: { ipRanges: false } })).code,
    ).toBe(7);
  });

  test("does not look at a previous result", () => {
    expect(status({ prevResult: 5 }).prevResult).toBeUndefined();
  });
});

test.each<[string, object]>([
  [
    "__proto__ on every level",
    JSON.parse(
      '{"__proto__":{"mtu":5},"ipam":{"__proto__":{"type":"dhcp"},"type":"host-local","ranges":[[{"__proto__":5,"subnet":"10.1.0.0/16"}]]}}',
    ) as object,
  ],
  [
    "names of Object.prototype",
    { constructor: 1, toString: 2, hasOwnProperty: 3, ipam: { ...IPAM, valueOf: 4 } },
  ],
])("hostile keys change nothing: %s", (_, fields) => {
  expect(parse(fields)).toEqual(parse({ ipam: IPAM }));
});

test("hostile values give one clear error, never a crash", () => {
  const deepList = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
  const deepObject = `${'{"ipam":'.repeat(20_000)}1${"}".repeat(20_000)}`;
  const values = [
    deepList,
    deepObject,
    "1e999",
    "-1e999",
    "123456789012345678901234567890",
    '"\\ud800"',
    "[null]",
    "[[]]",
    "[[[]]]",
    '{"__proto__":null}',
  ];
  const keys = [
    "bridge",
    "mtu",
    "isGateway",
    "ipam",
    "dns",
    "prevResult",
    "vlan",
    "runtimeConfig",
    "args",
    "capabilities",
  ];
  const inner = ["type", "ranges", "subnet", "rangeStart", "gateway", "routes", "dataDir", "resolvConf"];
  const ends: string[] = [];
  const run = (json: string): void => {
    try {
      parseNetconf(json, "ADD");
      ends.push("taken");
    } catch (error) {
      const { name, code } = error as { name: string; code: number };
      ends.push(
        name === "CniError" && code !== 999 ? "refused" : `${name} ${code} for ${json.slice(0, 100)}`,
      );
    }
  };
  for (const value of values) {
    for (const key of keys) run(`{"cniVersion":"1.0.0","name":"a","${key}":${value}}`);
    for (const key of inner)
      run(
        `{"cniVersion":"1.0.0","name":"a","ipam":{"type":"host-local","subnet":"10.0.0.0/8","${key}":${value}}}`,
      );
    for (const key of ["interfaces", "ips", "routes", "dns", "ip4"])
      run(`{"cniVersion":"1.0.0","name":"a","prevResult":{"${key}":${value}}}`);
  }
  expect(ends).toHaveLength(values.length * (keys.length + inner.length + 5));
  expect([...new Set(ends)].filter((end) => end !== "taken")).toEqual(["refused"]);
});

test("a CHECK takes what an ADD refuses for its pods' sake: earlier releases attached pods with it", () => {
  const prevResult = { cniVersion: "1.0.0", ips: [] };
  for (const more of [
    { ipam: { ranges: [[{ subnet: "10.1.0.0/16" }]] } },
    { ipam: { subnet: "10.1.0.0/16" } },
    { isGateway: true, ipam: { type: "host-local", subnet: "10.1.0.0/16", gateway: "10.2.0.1" } },
  ]) {
    const text = JSON.stringify({ cniVersion: "1.1.0", name: "pods", prevResult, ...more });
    expect(() => parseNetconf(text, "CHECK")).not.toThrow();
    for (const verb of ["ADD", "STATUS"] as const)
      expect(failureOf(() => parseNetconf(text, verb)).code).toBe(7);
  }
});
