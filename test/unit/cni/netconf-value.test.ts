// The values of keys of the bridge and of requests: what is made of them.
import { describe, expect, test } from "vitest";
import { parseNetconf } from "../../../src/cni/config.ts";
import { formatAddress } from "../../../src/ip/address.ts";
import { failureOf } from "./failure.ts";

const IPAM = { type: "host-local", ranges: [[{ subnet: "10.1.0.0/16" }]] };
const parse = (
  fields: object,
  { version = "1.0.0", args = {} }: { version?: string; args?: { [key: string]: string } } = {},
) =>
  parseNetconf(
    JSON.stringify({ cniVersion: version, name: "pods", type: "pontoon", ...fields }),
    "ADD",
    new Map(Object.entries(args)),
  );

test("the keys of the bridge have the values that were given, in any case", () => {
  const flags = {
    portIsolation: true,
    macspoofchk: true,
    enabledad: true,
    disableContainerInterface: true,
    preserveDefaultVlan: true,
    ipMasqBackend: "iptables",
    vlan: 100,
  };
  expect(parse(flags)).toMatchObject(flags);
  expect(
    parse(Object.fromEntries(Object.entries(flags).map(([key, value]) => [key.toUpperCase(), value]))),
  ).toEqual(parse(flags));
  expect(
    parse({ vlanTrunk: [{ MinID: 5, maxid: 7 }, { ID: 1 }, { id: null, minID: 8, maxID: 9 }] }).vlanTrunk,
  ).toEqual([
    { first: 1, last: 1 },
    { first: 5, last: 9 },
  ]);
});

test("vlan and vlanTrunk go together, as in the reference", () => {
  expect(parse({ vlan: 7, vlanTrunk: [{ id: 100 }] })).toMatchObject({
    vlan: 7,
    vlanTrunk: [{ first: 100, last: 100 }],
  });
});

test("the gateway of a network in a VLAN is an interface of its own, whose name has to be one", () => {
  expect(parse({ ipam: IPAM, isGateway: true, vlan: 100 })).toMatchObject({
    gatewayInterface: "cni0.100",
    hasVlans: true,
  });
  for (const fields of [{ isGateway: true }, { vlan: 100 }])
    expect(parse({ ipam: IPAM, ...fields }).gatewayInterface).toBe("cni0");
  expect([
    parse({ vlanTrunk: [{ id: 5 }] }).hasVlans,
    parse({ vlan: 0, vlanTrunk: [], preserveDefaultVlan: true }).hasVlans,
  ]).toEqual([true, false]);
  const long = { bridge: "abcdefghijk", isDefaultGateway: true };
  expect(parse({ ipam: IPAM, ...long, vlan: 999 }).gatewayInterface).toBe("abcdefghijk.999");
  for (const ipam of [IPAM, { type: "static" }]) {
    expect(failureOf(() => parse({ ipam, ...long, vlan: 1000 }))).toMatchObject({
      code: 7,
      msg: 'invalid network config: bridge "abcdefghijk": with vlan 1000 the gateway is the interface abcdefghijk.1000, which must have 15 bytes at most; shorten the name of the bridge',
    });
  }
  // None of these makes the interface.
  for (const fields of [{ ipam: IPAM, isDefaultGateway: false }, {}])
    expect(parse({ ...long, vlan: 1000, ...fields }).vlan).toBe(1000);
  expect(
    failureOf(() => parse({ ipam: IPAM, bridge: "abcdefghijklmnop", isGateway: true, vlan: 1 })).msg,
  ).toContain("must have 15 bytes at most");
});

test("requests have one form, wherever they come from", () => {
  const netconf = parse(
    {
      ipam: IPAM,
      RuntimeConfig: { Mac: "02-58-0a-01-00-05", IPs: ["10.1.0.5/16"] },
      args: { CNI: { IPS: ["10.1.0.6"] } },
    },
    { args: { IP: "10.1.0.7", MAC: "zz" } },
  );
  expect(netconf.mac).toBe("02:58:0a:01:00:05");
  expect(netconf.requestedAddresses.map(formatAddress)).toEqual(["10.1.0.5", "10.1.0.6", "10.1.0.7"]);
  expect(parse({}, { args: { MAC: "0258.0a01.0005", K8S_POD_NAME: "web" } }).mac).toBe("02:58:0a:01:00:05");
});

describe("another IPAM plugin", () => {
  test.each(["static", "dhcp", "calico-ipam", "Host-Local", "/opt/cni/bin/host-local"])(
    "%s is called by its name, and its section is its own",
    (type) => {
      const netconf = parse({
        ipam: {
          type,
          ranges: 5,
          subnet: "usePodCidr",
          routes: "x",
          dataDir: "x",
          statusWhenFull: "maybe",
          addresses: [{}],
        },
      });
      expect(netconf).toMatchObject({ foreignIpam: type, ipam: undefined });
    },
  );

  test.each(["../static", "bin/static", ".", "..", "-x", "a b", "/", "/opt/x/", "/a\0b", " ", "/a\nb"])(
    "%j is no name of a plugin",
    (type) => {
      expect(failureOf(() => parse({ ipam: { type } }))).toMatchObject({
        code: 7,
        msg: expect.stringContaining(
          `ipam.type ${JSON.stringify(type)}: must be "host-local", the name of a plugin in CNI_PATH`,
        ) as string,
      });
    },
  );

  test("understands requests that we do not", () => {
    const requests = {
      runtimeConfig: { ips: [5], ipRanges: "x", mac: "02:58:0a:01:00:05" },
      args: { cni: { ips: "10.1.0.5" } },
    };
    expect(
      parse({ ipam: { type: "static" }, ...requests }, { args: { IP: "10.1.0.5/16,10.2.0.5/16" } }),
    ).toMatchObject({ requestedAddresses: [], mac: "02:58:0a:01:00:05" });
    expect(failureOf(() => parse({ ipam: IPAM, ...requests })).code).toBe(7);
  });

  test("gives addresses, so the oldest versions can say its result", () => {
    for (const version of ["0.1.0", "0.2.0"])
      expect(parse({ ipam: { type: "static" } }, { version }).foreignIpam).toBe("static");
  });

  test("does not go with an interface that stays down", () => {
    expect(
      failureOf(() => parse({ ipam: { type: "static" }, disableContainerInterface: true })).msg,
    ).toContain("cannot use IPAM when DisableContainerInterface flag is set");
    expect(parse({ ipam: {}, disableContainerInterface: true }).disableContainerInterface).toBe(true);
  });

  test("does not spoil what is wrong elsewhere", () => {
    expect(failureOf(() => parse({ ipam: { type: "static" }, mtu: 5 })).msg).toContain("mtu 5");
    expect(failureOf(() => parse({ ipam: { type: "static" }, runtimeConfig: { mac: 5 } })).msg).toContain(
      "runtimeConfig.mac 5: must be text",
    );
    expect(failureOf(() => parse({ ipam: { type: 5 } })).msg).toContain("ipam.type 5: must be text");
  });
});
