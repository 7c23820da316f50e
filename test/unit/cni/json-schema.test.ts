// cni-conf/pontoon.schema.json: current, and of one mind with the plugin.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { SCHEMA_FILE, schemaText } from "../../../scripts/json-schema.ts";
import { WORDS } from "../../../scripts/schema-words.ts";
import { parseNetconf } from "../../../src/cni/config.ts";
import { NETCONF } from "../../../src/cni/netconf-keys.ts";
import { keysOf, kindsOf } from "./key-path.ts";

const FOLDER = dirname(SCHEMA_FILE);
const schema = z.fromJSONSchema(
  JSON.parse(readFileSync(SCHEMA_FILE, "utf8")) as Parameters<typeof z.fromJSONSchema>[0],
);
const isValid = (value: unknown): boolean => schema.safeParse(value).success;

test("the file is what the schema of the source gives", () => {
  expect(
    readFileSync(SCHEMA_FILE, "utf8") === schemaText(),
    "cni-conf/pontoon.schema.json is old. Renew it with: npm run schema",
  ).toBe(true);
});

test.each(keysOf(NETCONF))("%s has its words in scripts/schema-words.ts", (path) => {
  expect(WORDS).toHaveProperty([path, "title"]);
  expect(WORDS).toHaveProperty([path, "description"]);
});

test("there are no words for a key that is not read", () => {
  expect(Object.keys(WORDS).filter((path) => !keysOf(NETCONF).includes(path))).toEqual([]);
});

test.each(kindsOf(NETCONF).filter(([, kind]) => kind === "flag"))("the flag %s says its default", (path) => {
  expect(WORDS).toHaveProperty([path, "default"], expect.any(Boolean));
});

test.each(readdirSync(FOLDER).filter((name) => name.endsWith(".conflist")))(
  "%s names the schema and keeps to it",
  (name) => {
    const list = JSON.parse(readFileSync(join(FOLDER, name), "utf8")) as { $schema: string };
    expect(join(FOLDER, list.$schema)).toBe(SCHEMA_FILE);
    expect(schema.safeParse(list).error).toBeUndefined();
  },
);

const LIST = { cniVersion: "1.0.0", name: "pods" };
const IPAM = { type: "host-local", ranges: [[{ subnet: "10.1.0.0/16" }]] };

test.each<[string, object]>([
  ["a plugin entry alone", { type: "pontoon", cniVersion: "1.0.0", name: "pods", ipam: IPAM }],
  [
    "other plugins in the chain, with what keys they have",
    {
      ...LIST,
      plugins: [{ type: "pontoon" }, { type: "portmap", snat: true, capabilities: { portMappings: true } }],
    },
  ],
  [
    "a foreign IPAM plugin with what keys it has",
    {
      ...LIST,
      plugins: [{ type: "pontoon", ipam: { type: "static", addresses: [{ address: "10.1.0.5/16" }] } }],
    },
  ],
])("%s is valid", (_, value) => {
  expect(schema.safeParse(value).error).toBeUndefined();
});

test.each<[string, unknown]>([
  ["a misspelt key", { ...LIST, plugins: [{ type: "pontoon", isGatway: true }] }],
  ["a misspelt key of ipam", { ...LIST, plugins: [{ type: "pontoon", ipam: { ...IPAM, datadir: "/x" } }] }],
  [
    "a misspelt key of a range",
    {
      ...LIST,
      plugins: [
        {
          type: "pontoon",
          ipam: { type: "host-local", ranges: [[{ subnet: "10.1.0.0/16", start: "10.1.0.5" }]] },
        },
      ],
    },
  ],
  ["an entry alone without a name", { type: "pontoon" }],
  ["a list without plugins", { ...LIST, plugins: [] }],
  [
    "a list with a version that there is not",
    { ...LIST, cniVersion: "2.0.0", plugins: [{ type: "pontoon" }] },
  ],
  ["an entry of no type", { ...LIST, plugins: [{ mtu: 1400 }] }],
])("%s is not", (_, value) => {
  expect(isValid(value)).toBe(false);
});

describe("schema and plugin say the same of", () => {
  const accepts = (fields: object): boolean => {
    try {
      parseNetconf(JSON.stringify({ ...LIST, type: "pontoon", ...fields }), "ADD");
      return true;
    } catch (error) {
      const { code } = error as { code: number };
      // Code 2: right, and not built yet.
      return code === 2;
    }
  };
  const range = (more: object) => ({
    ipam: { type: "host-local", ranges: [[{ subnet: "10.1.0.0/16", ...more }]] },
  });
  const route = (more: object) => ({ ipam: { ...IPAM, routes: [{ dst: "0.0.0.0/0", ...more }] } });

  test.each<[boolean, object[]]>([
    [
      true,
      [
        {},
        { bridge: "abcdefghijklmno" },
        { isGateway: true },
        { ipMasq: false },
        { ipMasqBackend: "nftables" },
        { ipMasqBackend: "iptables" },
        { ingressPolicy: "open" },
        { ingressPolicy: "same-bridge" },
        { ingressPolicy: "isolated" },
        { mtu: 0 },
        { mtu: 68 },
        { mtu: 65535 },
        { vlan: 0 },
        { vlan: 4094 },
        { vlanTrunk: [] },
        { vlanTrunk: [{ id: 1 }, { minID: 1, maxID: 4094 }] },
        { ipam: {} },
        { ipam: IPAM },
        { ipam: { type: "static" } },
        { ipam: { type: "/opt/cni/bin/host-local" } },
        range({ rangeStart: "10.1.0.5", rangeEnd: "", gateway: "10.9.0.1" }),
        { ipam: { type: "host-local", subnet: "fd00::/64" } },
        route({ gw: "10.1.0.1", mtu: 1400, advmss: 0, priority: 0xffff_ffff, table: 0, scope: 255 }),
        { ipam: { ...IPAM, dataDir: "/x" } },
        { dns: { nameservers: ["x"], domain: "x", search: [], options: ["x"] } },
        { args: { cni: { mac: "02-58-0a-01-00-05", ips: ["10.1.0.5", "fd00::5/64"], other: 5 }, more: 5 } },
        {
          runtimeConfig: {
            mac: "0258.0a01.0005",
            ips: [],
            ipRanges: [],
            dns: { servers: ["x"] },
            portMappings: [],
          },
        },
        { runtimeConfig: { mac: "" } },
      ],
    ],
    [
      false,
      [
        { bridge: "" },
        { bridge: "abcdefghijklmnop" },
        { bridge: ".." },
        { bridge: "a/b" },
        { bridge: "a b" },
        { bridge: "br%d" },
        { bridge: 5 },
        { isGateway: "true" },
        { ipMasqBackend: "ebtables" },
        { ipMasqBackend: "" },
        { ingressPolicy: "closed" },
        { ingressPolicy: "" },
        { mtu: -1 },
        { mtu: 67 },
        { mtu: 65536 },
        { mtu: "1500" },
        { mtu: 1.5 },
        { vlan: -1 },
        { vlan: 4095 },
        { vlanTrunk: [{ id: 0 }] },
        { vlanTrunk: [{ minID: 1, maxID: 4095 }] },
        { vlanTrunk: 5 },
        { vlanTrunk: [{}] },
        { vlanTrunk: [{ minID: 5 }] },
        { ipam: 5 },
        { ipam: { type: "../x" } },
        { ipam: { type: "a b" } },
        { ipam: { type: "/x/" } },
        range({ subnet: "10.1.0.0" }),
        range({ rangeStart: "x" }),
        { ipam: { type: "host-local", ranges: [{ subnet: "10.1.0.0/16" }] } },
        { ipam: { type: "host-local", ranges: [[{}]] } },
        route({ dst: "x" }),
        route({ mtu: -1 }),
        route({ scope: 256 }),
        route({ priority: 2 ** 32 }),
        { ipam: { ...IPAM, routes: [{}] } },
        { ipam: { ...IPAM, dataDir: "x" } },
        { dns: { nameservers: "x" } },
        { dns: 5 },
        { args: { cni: { mac: "zz" } } },
        { args: { cni: { ips: ["x"] } } },
        { runtimeConfig: { mac: "02:58:0a:01:00" } },
        { runtimeConfig: { ips: "10.1.0.5" } },
        { runtimeConfig: 5 },
      ],
    ],
  ])("what is right is %s", (expected, all) => {
    for (const fields of all) {
      expect(accepts(fields), `the plugin on ${JSON.stringify(fields)}`).toBe(expected);
      expect(
        isValid({ ...LIST, plugins: [{ type: "pontoon", ...fields }] }),
        `the schema on ${JSON.stringify(fields)}`,
      ).toBe(expected);
    }
  });
});
