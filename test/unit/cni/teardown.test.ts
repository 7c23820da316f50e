import { describe, expect, test } from "vitest";
import { parseTeardownConfig } from "../../../src/cni/teardown.ts";
import { failureOf } from "./failure.ts";

/** What DEL reads from a configuration that says nothing. */
const PLAIN = {
  cniVersion: "1.0.0",
  name: "pods",
  attach: "bridge",
  bridge: "cni0",
  dataDir: "/var/lib/cni/networks",
  foreignIpam: undefined,
  ipMasq: false,
  ipMasqBackend: "nftables",
  prevResult: undefined,
  validAttachments: undefined,
};

const del = (fields: object) =>
  parseTeardownConfig(JSON.stringify({ cniVersion: "1.0.0", name: "pods", ...fields }), "DEL");
const gc = (fields: object) =>
  parseTeardownConfig(JSON.stringify({ cniVersion: "1.1.0", name: "pods", ...fields }), "GC");

test("DEL takes the little it needs", () => {
  const fields = { bridge: "br1", ipMasq: true, ipMasqBackend: "iptables" };
  expect(del({ ...fields, ipam: { type: "static", dataDir: "/run/x" }, prevResult: { ips: [] } })).toEqual({
    ...PLAIN,
    ...fields,
    dataDir: "/run/x",
    foreignIpam: "static",
    prevResult: { interfaces: [], ips: [], routes: [], dns: {} },
  });
});

test("without a bridge in the way of attaching there is none, whatever the configuration calls one", () => {
  for (const fields of [{}, { bridge: "br1" }])
    expect(del({ attach: "ptp", ...fields })).toEqual({ ...PLAIN, attach: "ptp", bridge: undefined });
});

test.each<[string, object]>([
  ["nothing", {}],
  ["a way of attaching that there is not", { attach: "other" }],
  ["a way of attaching that is no text", { attach: 5 }],
  ["an empty bridge name", { bridge: "" }],
  ["a bridge name that cannot be", { bridge: "a b" }],
  ["a bridge that is no text", { bridge: [] }],
  ["an ipam that is no object", { ipam: "x" }],
  ["a dataDir that is no path", { ipam: { dataDir: "x" } }],
  ["a dataDir that is no text", { ipam: { dataDir: {} } }],
  ["ranges that cannot be read", { ipam: { type: "host-local", ranges: 5, subnet: "x" } }],
  ["an IPAM plugin that no program can be", { ipam: { type: "../x" } }],
  ["an IPAM plugin that is no text", { ipam: { type: 5 } }],
  ["an ipMasq and a backend that cannot be read", { ipMasq: "true", ipMasqBackend: "ebtables" }],
  [
    "requests that cannot be read",
    { runtimeConfig: { mac: 5, ips: "x", ipRanges: 5 }, args: { cni: { mac: 5 } } },
  ],
  ["what ADD refuses", { vlan: 5, vlanTrunk: 5, mtu: "x", hairpinMode: true, promiscMode: true, dns: 5 }],
  ["a prevResult that is no object", { prevResult: 5 }],
  ["a prevResult that cannot be read", { prevResult: { ips: [{ address: "x" }], interfaces: 5 } }],
  ["a prevResult of null", { prevResult: null }],
  [
    "lists of attachments that are not for it",
    { "cni.dev/valid-attachments": null, "cni.dev/attachments": null },
  ],
])("DEL is not stopped by %s", (_, fields) => {
  expect(del(fields)).toEqual(PLAIN);
});

test("DEL is stopped by broken JSON and a missing name, and not by a version that there is not", () => {
  expect(failureOf(() => parseTeardownConfig("{", "DEL")).code).toBe(6);
  expect(failureOf(() => parseTeardownConfig("{}", "DEL")).code).toBe(7);
  for (const cniVersion of ["9.0.0", "1.0", 1, true, [], {}])
    expect(del({ cniVersion })).toEqual({ ...del({}), cniVersion: "1.1.0" });
  for (const cniVersion of ["9.0.0", "1.0"])
    expect(failureOf(() => parseTeardownConfig(JSON.stringify({ name: "a", cniVersion }), "GC")).code).toBe(
      1,
    );
});

test("no error of DEL has the words that go-cni takes for success", () => {
  for (const text of ["", "{", "{}", '{"name":"a b"}', "[]"]) {
    const { msg, details } = failureOf(() => parseTeardownConfig(text, "DEL"));
    expect(msg + details).not.toMatch(/not found|no such file or directory/i);
  }
});

describe("what GC keeps", () => {
  const a = { containerID: "a", ifname: "eth0" };
  const b = { containerID: "b", ifname: "eth1" };
  const kept = (fields: object) =>
    gc(fields).validAttachments?.map(({ containerId, interfaceName }) => `${containerId}/${interfaceName}`);

  test.each<[string, object, string[]]>([
    ["the list", { "cni.dev/valid-attachments": [a, b] }, ["a/eth0", "b/eth1"]],
    ["the list under its old name", { "cni.dev/attachments": [a] }, ["a/eth0"]],
    [
      "both lists together",
      { "cni.dev/valid-attachments": [a], "cni.dev/attachments": [b] },
      ["a/eth0", "b/eth1"],
    ],
    ["keys in any case", { "CNI.dev/Valid-Attachments": [{ ContainerID: "a", IfName: "eth0" }] }, ["a/eth0"]],
    ["nothing of an empty list", { "cni.dev/valid-attachments": [] }, []],
    ["nothing of null", { "cni.dev/valid-attachments": null }, []],
    [
      "one list where the other is null",
      { "cni.dev/valid-attachments": null, "cni.dev/attachments": [b] },
      ["b/eth1"],
    ],
  ])("%s", (_, fields, expected) => {
    expect(kept(fields)).toEqual(expected);
  });

  test.each([
    5,
    "x",
    {},
    true,
    ["x"],
    [5],
    [null],
    [[]],
    [{}],
    [{ ifname: "eth0" }],
    [{ containerID: "", ifname: "eth0" }],
    [{ containerID: 5, ifname: "eth0" }],
    [{ containerID: "a" }],
    [a, { containerID: "b", ifname: null }],
  ])("the malformed list %j is refused before anything is removed", (list) => {
    for (const key of ["cni.dev/valid-attachments", "cni.dev/attachments"]) {
      const error = failureOf(() => gc({ [key]: list }));
      expect(error.code).toBe(7);
      expect(error.msg).toContain(key);
      expect(error.details).toContain("nothing was removed");
    }
  });

  test("a GC without a list is refused: it would remove every attachment", () => {
    const error = failureOf(() => gc({}));
    expect(error.code).toBe(7);
    expect(error.msg).toContain("cni.dev/valid-attachments is missing");
    expect(error.details).toContain("nothing was removed");
  });

  test("ranges are not needed", () => {
    expect(gc({ "cni.dev/attachments": null, ipam: { type: "host-local", ranges: "x" } }).dataDir).toBe(
      "/var/lib/cni/networks",
    );
  });
});
