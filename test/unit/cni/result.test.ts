import { describe, expect, test } from "vitest";
import { parseResolvConf } from "../../../src/cni/resolv-conf.ts";
import { mergeResults, type Result } from "../../../src/cni/result.ts";
import { formatResult } from "../../../src/cni/result-format.ts";
import { failureOf } from "./failure.ts";
import { parseResult } from "./parse-result.ts";

const read = (value: unknown): Result => parseResult(value, "prevResult");
/** What a result says, as the newest version says it. */
const said = (result: Result) => JSON.parse(formatResult(result, "1.1.0")) as object;

describe("reading a result", () => {
  test.each<[string, unknown, object]>([
    ["nothing", {}, {}],
    [
      "the shape of 0.2.0",
      {
        cniVersion: "0.2.0",
        ip4: { ip: "10.1.2.3/16", gateway: "10.1.0.1", routes: [{ dst: "0.0.0.0/0" }] },
        ip6: { ip: "fd00::2/64" },
      },
      {
        ips: [{ address: "10.1.2.3/16", gateway: "10.1.0.1" }, { address: "fd00::2/64" }],
        routes: [{ dst: "0.0.0.0/0" }],
      },
    ],
    [
      "the shape of 0.4.0",
      { cniVersion: "0.4.0", ips: [{ version: "4", interface: 0, address: "10.1.2.3/16" }], dns: {} },
      { ips: [{ interface: 0, address: "10.1.2.3/16" }] },
    ],
    [
      "a shape that is not of its version",
      { cniVersion: "0.2.0", ips: [{ address: "10.1.2.3/16" }] },
      { ips: [{ address: "10.1.2.3/16" }] },
    ],
    [
      "no version, other case, unknown keys",
      { IPS: [{ ADDRESS: "10.1.2.3/16", foo: 1 }], bar: [] },
      { ips: [{ address: "10.1.2.3/16" }] },
    ],
    [
      "null everywhere",
      {
        interfaces: null,
        ips: [{ address: "10.1.2.3/16", gateway: null, interface: null }],
        routes: null,
        dns: null,
      },
      { ips: [{ address: "10.1.2.3/16" }] },
    ],
    [
      "empty texts",
      { interfaces: [{ name: "a", mac: "", sandbox: "" }], ips: [{ address: "10.1.2.3/16", gateway: "" }] },
      { interfaces: [{ name: "a" }], ips: [{ address: "10.1.2.3/16" }] },
    ],
    [
      "a route whose gateway is of another family",
      { routes: [{ dst: "0.0.0.0/0", gw: "fe80::1" }] },
      { routes: [{ dst: "0.0.0.0/0", gw: "fe80::1" }] },
    ],
  ])("%s", (_, value, expected) => {
    expect(said(read(value))).toEqual({ cniVersion: "1.1.0", ...expected });
  });

  test.each<[unknown, string]>([
    [null, "prevResult null: must be an object"],
    ["x", 'prevResult "x": must be an object'],
    [[], "prevResult []: must be an object"],
    [{ ips: 5 }, "prevResult.ips 5: must be a list"],
    [{ ips: [5] }, "prevResult.ips[0] 5: must be an object"],
    [{ ips: [{}] }, "prevResult.ips[0].address: is missing"],
    [
      { ips: [{ address: "10.0.0.1/8", interface: "0" }] },
      'prevResult.ips[0].interface "0": must be a whole number',
    ],
    [
      { ips: [{ address: "10.0.0.1/8", interface: 1.5 }] },
      "prevResult.ips[0].interface 1.5: must be a whole number",
    ],
    [
      { ips: [{ address: "10.0.0.1/8", gateway: "x" }] },
      'prevResult.ips[0].gateway "x": must be an IP address',
    ],
    [{ interfaces: [{ name: 5 }] }, "prevResult.interfaces[0].name 5: must be text"],
    [{ routes: [{ dst: "x" }] }, 'prevResult.routes[0].dst "x": invalid CIDR address'],
    [{ ip4: "x" }, 'prevResult.ip4 "x": must be an object'],
    [{ ip4: { ip: "x" } }, 'prevResult.ip4.ip "x": invalid CIDR address'],
    [{ dns: { domain: 5 } }, "prevResult.dns.domain 5: must be text"],
  ])("%j is refused by its path", (value, text) => {
    const error = failureOf(() => read(value));
    expect(error.code).toBe(7);
    expect(error.msg).toContain(text);
  });
});

describe("merging into what was there before", () => {
  const previous = read({
    interfaces: [{ name: "eth9" }, { name: "host9" }],
    ips: [{ interface: 1, address: "10.9.0.2/16" }],
    routes: [{ dst: "10.9.0.0/16" }],
    dns: { domain: "old" },
  });
  const own = read({
    interfaces: [{ name: "cni0" }, { name: "eth0" }],
    ips: [
      { interface: 1, address: "10.1.0.2/16" },
      { interface: 0, address: "10.1.0.3/16" },
      { address: "10.1.0.4/16" },
    ],
    routes: [{ dst: "0.0.0.0/0" }],
  });

  test("everything is kept, ours comes after it, and our indices point to the same interfaces as before", () => {
    expect(said(mergeResults(previous, own))).toEqual({
      cniVersion: "1.1.0",
      interfaces: [{ name: "eth9" }, { name: "host9" }, { name: "cni0" }, { name: "eth0" }],
      ips: [
        { interface: 1, address: "10.9.0.2/16" },
        { interface: 3, address: "10.1.0.2/16" },
        { interface: 2, address: "10.1.0.3/16" },
        { address: "10.1.0.4/16" },
      ],
      routes: [{ dst: "10.9.0.0/16" }, { dst: "0.0.0.0/0" }],
      dns: { domain: "old" },
    });
  });

  test("our dns wins as a whole where it says anything", () => {
    expect(mergeResults(previous, { ...own, dns: { search: ["new"] } }).dns).toEqual({ search: ["new"] });
    expect(mergeResults(previous, { ...own, dns: { domain: "", search: [] } }).dns).toEqual({
      domain: "old",
    });
  });

  test("the given results are not changed", () => {
    const before = structuredClone([previous, own]);
    mergeResults(previous, own);
    expect([previous, own]).toEqual(before);
  });
});

test("a result and a resolv.conf may be as long as they like", () => {
  const many = 200_000;
  expect(
    read({ ip4: { ip: "10.1.2.3/16", routes: Array(many).fill({ dst: "0.0.0.0/0" }) } }).routes,
  ).toHaveLength(many);
  expect(
    parseResolvConf(`search ${"a ".repeat(many)}\noptions ${"b ".repeat(many)}\nsearch c`),
  ).toMatchObject({ search: { length: many + 1 }, options: { length: many } });
});

test("a resolv.conf is read like the reference reads it", () => {
  const text =
    "# comment\n; other\nnameserver 10.0.0.1\n\tnameserver   fd00::1 extra\r\ndomain a.org\ndomain b.org\nsearch x y\nsearch z\noptions ndots:5 rotate\nsortlist 1\nnameserver\n#nameserver 9.9.9.9\n";
  expect(parseResolvConf(text)).toEqual({
    nameservers: ["10.0.0.1", "fd00::1"],
    domain: "b.org",
    search: ["x", "y", "z"],
    options: ["ndots:5", "rotate"],
  });
  expect(parseResolvConf("")).toEqual({});
});
