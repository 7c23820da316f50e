import { describe, expect, test } from "vitest";
import type { Shape } from "../../../src/cni/netconf-keys.ts";
import { Problems } from "../../../src/cni/problems.ts";
import { meantForUs, readRequests, withoutIpam } from "../../../src/cni/runtime-config.ts";
import { formatAddress } from "../../../src/ip/address.ts";
import { failureOf } from "./failure.ts";

const MAC = "02:58:0a:01:00:05";

const read = (shape: Shape, args: { [key: string]: string } = {}, withAddresses = true) => {
  const problems = new Problems();
  const { addresses, ...requests } = readRequests(
    { shape, args: new Map(Object.entries(args)) },
    withAddresses,
    problems,
  );
  return { ...requests, addresses: addresses.map(formatAddress), problems: problems.texts };
};

describe("the MAC", () => {
  const [first, second, third] = ["02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"] as const;

  test.each<[string | undefined, string | undefined, string | undefined, string | undefined]>([
    [first, second, third, first],
    [undefined, second, third, second],
    ["", second, third, second],
    ["", "", third, third],
    [undefined, undefined, third, third],
    ["", "", "", undefined],
    [undefined, undefined, undefined, undefined],
    // What does not count is not looked at.
    [first, "zz", "zz", first],
  ])("of runtimeConfig %j, args.cni %j, CNI_ARGS %j is %j", (runtime, config, argument, expected) => {
    expect(
      read(
        { runtimeConfig: { mac: runtime }, args: { cni: { mac: config } } },
        argument === undefined ? {} : { MAC: argument },
      ),
    ).toMatchObject({ mac: expected, problems: [] });
  });

  test("is named where it stands when it is none", () => {
    expect(read({ runtimeConfig: { mac: "zz" } }).problems).toEqual([
      'runtimeConfig.mac "zz": invalid MAC address; write six bytes, as in 02:58:0a:01:00:05',
    ]);
    expect(read({ args: { cni: { mac: "zz" } } }).problems[0]).toContain('args.cni.mac "zz"');
    expect(failureOf(() => read({}, { MAC: "zz" }))).toEqual({
      code: 4,
      msg: 'invalid environment: CNI_ARGS MAC "zz": invalid MAC address; write six bytes, as in 02:58:0a:01:00:05',
      details: "Hint: Correct MAC in CNI_ARGS, or take it out.",
    });
    expect(failureOf(() => read({}, { MAC: "01:00:5e:00:00:01" })).msg).toContain("is a multicast address");
  });

  test("in CNI_ARGS counts in capitals only, as in the reference", () => {
    expect(read({}, { mac: MAC }).mac).toBeUndefined();
  });
});

describe("addresses", () => {
  test("of all three places add up, each once, without their prefix length", () => {
    const shape = {
      runtimeConfig: { ips: ["10.1.0.5/16", "fd00::5"] },
      args: { cni: { ips: ["10.1.0.6", "10.1.0.5/24"] } },
    };
    expect(read(shape, { IP: "10.1.0.7/8" })).toMatchObject({
      addresses: ["10.1.0.5", "fd00::5", "10.1.0.6", "10.1.0.7"],
      problems: [],
    });
    expect(read({ runtimeConfig: { ips: ["FD00:0::5/64"] } }, { IP: "fd00::5" }).addresses).toEqual([
      "fd00::5",
    ]);
    expect(read({}, { IP: "" }).addresses).toEqual([]);
  });

  test.each([
    "",
    "x",
    "10.1.0",
    "10.1.0.5/33",
    "10.1.0.5/",
    "10.1.0.05",
    "10.1.0.5-10.1.0.9",
    "fd00::5%eth0",
  ])("%j is none", (text) => {
    const problem = `${JSON.stringify(text)}: cannot understand ip; it must be an address, as in 10.1.0.5 or 10.1.0.5/16`;
    expect(read({ runtimeConfig: { ips: ["10.1.0.5", text] } }).problems).toEqual([
      `runtimeConfig.ips[1] ${problem}`,
    ]);
    expect(read({ args: { cni: { ips: [text] } } }).problems).toEqual([`args.cni.ips[0] ${problem}`]);
    // An empty one in CNI_ARGS is as good as none.
    for (const IP of [text].filter(Boolean))
      expect(failureOf(() => read({}, { IP }))).toMatchObject({
        code: 4,
        msg: `invalid environment: CNI_ARGS IP ${problem}`,
      });
  });

  test("are left to the plugin that gives them, in whatever form it understands", () => {
    expect(read({}, { IP: "10.1.0.5/16,10.2.0.5/16", MAC }, false)).toMatchObject({
      addresses: [],
      mac: MAC,
    });
  });
});

test("dns of runtimeConfig says the same in other words", () => {
  const dns = { servers: ["10.0.0.10"], searches: ["a.example"], options: ["ndots:5"] };
  expect(read({ runtimeConfig: { dns } }).dns).toEqual({
    nameservers: ["10.0.0.10"],
    search: ["a.example"],
    options: ["ndots:5"],
  });
  expect(read({ runtimeConfig: { dns: { searches: ["a.example"] } } }).dns).toEqual({
    search: ["a.example"],
  });
  expect(read({ runtimeConfig: { dns: { servers: [], searches: [], options: [] } } }).dns).toBeUndefined();
  expect(read({ runtimeConfig: { dns: {} } }).dns).toBeUndefined();
});

test("a flat list of ranges, as go-cni sends it, is one set of each family", () => {
  const flat = [{ subnet: "10.1.0.0/24" }, { subnet: "fd00::/64" }, { subnet: "10.2.0.0/24" }];
  expect(meantForUs({ runtimeConfig: { ipRanges: flat } })["runtimeConfig"]).toEqual({
    ipRanges: [[flat[0], flat[2]], [flat[1]]],
  });
  for (const ipRanges of [[], [flat], [flat, flat[0]], 5, [5], [{}, 5]])
    expect(meantForUs({ runtimeConfig: { ipRanges } })["runtimeConfig"]).toEqual({ ipRanges });
});

test("without what belongs to a foreign IPAM plugin, the rest is kept", () => {
  const fields = {
    mtu: 1400,
    ipam: { type: "x", ranges: 5 },
    args: { cni: { mac: MAC, ips: 5 } },
    runtimeConfig: { mac: MAC, ips: 5, ipRanges: 5, dns: { servers: [] } },
  };
  expect(withoutIpam(fields)).toEqual({
    mtu: 1400,
    args: { cni: { mac: MAC } },
    runtimeConfig: { mac: MAC, dns: { servers: [] } },
  });
  expect(withoutIpam({ ipam: {}, runtimeConfig: 5 })).toEqual({ runtimeConfig: 5 });
});
