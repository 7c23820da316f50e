// The expected texts are what github.com/containernetworking/cni v1.3.0 (types100.Result.GetAsVersion) prints
// for the same results; only the order of keys differs.
import { describe, expect, test } from "vitest";
import type { Result } from "../../../src/cni/result.ts";
import { formatResult } from "../../../src/cni/result-format.ts";
import { SUPPORTED_VERSIONS, type Version } from "../../../src/cni/version.ts";
import { type Address, parseAddress } from "../../../src/ip/address.ts";
import { type Prefix, parsePrefix } from "../../../src/ip/prefix.ts";
import { failureOf } from "./failure.ts";
import { parseResult } from "./parse-result.ts";

const ip = (text: string): Address => parseAddress(text) as Address;
const net = (text: string): Prefix => parsePrefix(text) as Prefix;

const RICH: Result = {
  interfaces: [
    { name: "cni0", mac: "aa:bb:cc:dd:ee:01", mtu: 1500 },
    { name: "veth0", mac: "aa:bb:cc:dd:ee:02" },
    {
      name: "eth0",
      mac: "aa:bb:cc:dd:ee:03",
      mtu: 1400,
      sandbox: "/var/run/netns/x",
      socketPath: "/s",
      pciID: "0000:00:01.0",
    },
  ],
  ips: [
    { interface: 0, address: net("10.1.2.3/16"), gateway: ip("10.1.0.1") },
    { interface: 2, address: net("10.2.2.3/16") },
    { address: net("fd00::5/64"), gateway: ip("fd00::1") },
  ],
  routes: [
    { dst: net("0.0.0.0/0"), gw: ip("10.1.0.1"), mtu: 1300, advmss: 1200, priority: 5, table: 0, scope: 0 },
    { dst: net("10.9.0.0/16") },
    { dst: net("::/0"), gw: ip("fd00::1"), table: 100, scope: 253 },
  ],
  dns: { nameservers: ["10.1.0.10"], domain: "x.org", search: ["a", "b"], options: ["ndots:5"] },
};

const dns = { domain: "x.org", nameservers: ["10.1.0.10"], options: ["ndots:5"], search: ["a", "b"] };
const routes = [
  { advmss: 1200, dst: "0.0.0.0/0", gw: "10.1.0.1", mtu: 1300, priority: 5, scope: 0, table: 0 },
  { dst: "10.9.0.0/16" },
  { dst: "::/0", gw: "fd00::1", scope: 253, table: 100 },
];
const PER_FAMILY = {
  dns,
  ip4: {
    gateway: "10.1.0.1",
    ip: "10.1.2.3/16",
    routes: [{ dst: "0.0.0.0/0", gw: "10.1.0.1" }, { dst: "10.9.0.0/16" }],
  },
  ip6: { gateway: "fd00::1", ip: "fd00::5/64", routes: [{ dst: "::/0", gw: "fd00::1" }] },
};
const WITH_VERSIONS = {
  dns,
  interfaces: [
    { mac: "aa:bb:cc:dd:ee:01", name: "cni0" },
    { mac: "aa:bb:cc:dd:ee:02", name: "veth0" },
    { mac: "aa:bb:cc:dd:ee:03", name: "eth0", sandbox: "/var/run/netns/x" },
  ],
  ips: [
    { address: "10.1.2.3/16", gateway: "10.1.0.1", interface: 0, version: "4" },
    { address: "10.2.2.3/16", interface: 2, version: "4" },
    { address: "fd00::5/64", gateway: "fd00::1", version: "6" },
  ],
  routes,
};
const NEWEST = {
  dns,
  interfaces: [
    { mac: "aa:bb:cc:dd:ee:01", mtu: 1500, name: "cni0" },
    { mac: "aa:bb:cc:dd:ee:02", name: "veth0" },
    {
      mac: "aa:bb:cc:dd:ee:03",
      mtu: 1400,
      name: "eth0",
      pciID: "0000:00:01.0",
      sandbox: "/var/run/netns/x",
      socketPath: "/s",
    },
  ],
  ips: [
    { address: "10.1.2.3/16", gateway: "10.1.0.1", interface: 0 },
    { address: "10.2.2.3/16", interface: 2 },
    { address: "fd00::5/64", gateway: "fd00::1" },
  ],
  routes,
};

const SHAPES: [Version, object][] = [
  ["0.1.0", PER_FAMILY],
  ["0.2.0", PER_FAMILY],
  ["0.3.0", WITH_VERSIONS],
  ["0.3.1", WITH_VERSIONS],
  ["0.4.0", WITH_VERSIONS],
  ["1.0.0", NEWEST],
  ["1.1.0", NEWEST],
];

describe("a result that says everything", () => {
  test.each(SHAPES)("in version %s", (cniVersion, shape) => {
    expect(JSON.parse(formatResult(RICH, cniVersion))).toEqual({ cniVersion, ...shape });
  });
});

describe("a result that says little", () => {
  const plain: Result = {
    interfaces: [],
    ips: [{ address: net("10.1.2.3/16") }],
    routes: [{ dst: net("::/0") }],
    dns: {},
  };
  test.each<[Version, object]>([
    // The route is of a family without an address, so the old shape drops it.
    ["0.1.0", { dns: {}, ip4: { ip: "10.1.2.3/16" } }],
    ["0.2.0", { dns: {}, ip4: { ip: "10.1.2.3/16" } }],
    ["0.3.0", { dns: {}, ips: [{ address: "10.1.2.3/16", version: "4" }], routes: [{ dst: "::/0" }] }],
    ["0.3.1", { dns: {}, ips: [{ address: "10.1.2.3/16", version: "4" }], routes: [{ dst: "::/0" }] }],
    ["0.4.0", { dns: {}, ips: [{ address: "10.1.2.3/16", version: "4" }], routes: [{ dst: "::/0" }] }],
    ["1.0.0", { ips: [{ address: "10.1.2.3/16" }], routes: [{ dst: "::/0" }] }],
    ["1.1.0", { ips: [{ address: "10.1.2.3/16" }], routes: [{ dst: "::/0" }] }],
  ])("in version %s", (cniVersion, shape) => {
    expect(JSON.parse(formatResult(plain, cniVersion))).toEqual({ cniVersion, ...shape });
  });
});

describe("field rules", () => {
  const empty: Result = { interfaces: [], ips: [], routes: [], dns: {} };

  test("zero is left out for sizes and priority, and printed for interface, table and scope", () => {
    const result = {
      ...empty,
      interfaces: [{ name: "a", mac: "", mtu: 0, sandbox: "" }],
      ips: [{ interface: 0, address: net("10.0.0.2/8") }],
      routes: [{ dst: net("0.0.0.0/0"), mtu: 0, advmss: 0, priority: 0, table: 0, scope: 0 }],
    };
    expect(JSON.parse(formatResult(result, "1.1.0"))).toEqual({
      cniVersion: "1.1.0",
      interfaces: [{ name: "a" }],
      ips: [{ interface: 0, address: "10.0.0.2/8" }],
      routes: [{ dst: "0.0.0.0/0", table: 0, scope: 0 }],
    });
  });

  test.each(["0.1.0", "0.2.0"] as Version[])("without an address version %s cannot say it", (version) => {
    expect(failureOf(() => formatResult(empty, version)).msg).toBe("cannot convert: no valid IP addresses");
  });

  test("without anything, the newer versions still give an object", () => {
    expect(JSON.parse(formatResult(empty, "1.0.0"))).toEqual({ cniVersion: "1.0.0" });
    expect(JSON.parse(formatResult(empty, "0.4.0"))).toEqual({ cniVersion: "0.4.0", dns: {} });
  });

  test("the text is indented by four spaces and has no newline at its end", () => {
    const text = formatResult(RICH, "1.0.0");
    expect(text.startsWith('{\n    "cniVersion": "1.0.0"')).toBe(true);
    expect(text.endsWith("}")).toBe(true);
  });

  test("from 1.0.0 on, what is printed reads back as the same result", () => {
    for (const version of SUPPORTED_VERSIONS.slice(5))
      expect(parseResult(JSON.parse(formatResult(RICH, version)), "result")).toEqual(RICH);
  });
});
