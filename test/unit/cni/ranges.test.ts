import { describe, expect, test } from "vitest";
import { parseNetconf } from "../../../src/cni/config.ts";
import { formatAddress } from "../../../src/ip/address.ts";
import { formatPrefix } from "../../../src/ip/prefix.ts";
import { failureOf } from "./failure.ts";

type Range = { subnet?: string; rangeStart?: string; rangeEnd?: string; gateway?: string };

const parse = (ipam: object, cniVersion = "1.0.0") =>
  parseNetconf(JSON.stringify({ cniVersion, name: "pods", ipam: { type: "host-local", ...ipam } }), "ADD")
    .ipam?.rangeSets ?? [];

/** Every range as text: subnet, ends, gateway. */
const read = (ipam: object, cniVersion?: string) =>
  parse(ipam, cniVersion).map((set) =>
    set.map((r) =>
      [
        formatPrefix(r.subnet),
        formatAddress(r.first),
        formatAddress(r.last),
        r.gateway === undefined ? "none" : formatAddress(r.gateway),
      ].join(" "),
    ),
  );

const fail = (...ranges: Range[][]) => failureOf(() => parse({ ranges }));

describe("what a range says", () => {
  test.each<[Range, string]>([
    [{ subnet: "10.1.0.0/16" }, "10.1.0.0/16 10.1.0.1 10.1.255.254 10.1.0.1"],
    [{ subnet: "10.1.0.0/30" }, "10.1.0.0/30 10.1.0.1 10.1.0.2 10.1.0.1"],
    [{ subnet: "fd00::/64" }, "fd00::/64 fd00::1 fd00::ffff:ffff:ffff:ffff fd00::1"],
    [{ subnet: "fd00::/126" }, "fd00::/126 fd00::1 fd00::3 fd00::1"],
    [{ subnet: "0.0.0.0/0" }, "0.0.0.0/0 0.0.0.1 255.255.255.254 0.0.0.1"],
    [
      { subnet: "10.1.0.0/16", rangeStart: "10.1.2.0", rangeEnd: "10.1.2.9" },
      "10.1.0.0/16 10.1.2.0 10.1.2.9 10.1.0.1",
    ],
    // The network's own and the broadcast address are handed out by somebody who asks for it.
    [
      { subnet: "10.1.0.0/24", rangeStart: "10.1.0.0", rangeEnd: "10.1.0.255" },
      "10.1.0.0/24 10.1.0.0 10.1.0.255 10.1.0.1",
    ],
    [
      { subnet: "10.1.0.0/24", rangeStart: "10.1.0.5", rangeEnd: "10.1.0.5" },
      "10.1.0.0/24 10.1.0.5 10.1.0.5 10.1.0.1",
    ],
    [{ subnet: "10.1.0.0/24", gateway: "192.168.0.1" }, "10.1.0.0/24 10.1.0.1 10.1.0.254 192.168.0.1"],
    [
      { subnet: "10.1.0.0/24", rangeStart: "", rangeEnd: "", gateway: "" },
      "10.1.0.0/24 10.1.0.1 10.1.0.254 10.1.0.1",
    ],
  ])("%j", (range, expected) => {
    expect(read({ ranges: [[range]] })).toEqual([[expected]]);
  });

  test("the old top-level range is the first set", () => {
    expect(read({ subnet: "10.1.0.0/24", gateway: "10.1.0.9", ranges: [[{ subnet: "fd00::/64" }]] })).toEqual(
      [["10.1.0.0/24 10.1.0.1 10.1.0.254 10.1.0.9"], ["fd00::/64 fd00::1 fd00::ffff:ffff:ffff:ffff fd00::1"]],
    );
  });

  test("ranges of one subnet may share a set when they are apart", () => {
    const subnet = "10.1.0.0/24";
    expect(
      parse({
        ranges: [
          [
            { subnet, rangeEnd: "10.1.0.9" },
            { subnet, rangeStart: "10.1.0.10" },
          ],
        ],
      })[0],
    ).toHaveLength(2);
  });
});

describe("what is refused", () => {
  test.each<[string, Range, string]>([
    ["no subnet", {}, "ipam.ranges[0][0].subnet: is missing"],
    ["an empty subnet", { subnet: "" }, 'ipam.ranges[0][0].subnet "": invalid CIDR address'],
    ["no prefix length", { subnet: "10.1.0.0" }, "invalid CIDR address"],
    [
      "a prefix length that is too long",
      { subnet: "10.1.0.0/33" },
      "invalid CIDR address; its length is 32 at most; it must be a network",
    ],
    ["a length of IPv6 that is too long", { subnet: "fd01::/129" }, "; its length is 128 at most; "],
    ["a negative prefix length", { subnet: "10.1.0.0/-1" }, "invalid CIDR address; it must be"],
    ["leading zeros", { subnet: "010.1.0.0/16" }, "invalid CIDR address; 010 begins with a zero; it must be"],
    [
      "a number above 255",
      { subnet: "10.1.0.256/16" },
      "invalid CIDR address; 256 is more than 255; it must",
    ],
    [
      "a number too few",
      { subnet: "10.1.0/16" },
      "invalid CIDR address; an IPv4 address has four numbers; it",
    ],
    [
      "a blank in front",
      { subnet: " 10.1.0.0/16" },
      "invalid CIDR address; there is a blank in it; it must be",
    ],
    ["an IPv4 network in IPv6 clothes", { subnet: "::ffff:10.1.0.0/112" }, "invalid CIDR address"],
    [
      "host bits",
      { subnet: "10.1.2.3/16" },
      'subnet "10.1.2.3/16": Network has host bits set. For a subnet mask of length 16 the network address is 10.1.0.0',
    ],
    [
      "IPv6 host bits",
      { subnet: "fd00::1/64" },
      "For a subnet mask of length 64 the network address is fd00::",
    ],
    ["/31", { subnet: "10.1.0.0/31" }, "Network 10.1.0.0/31 too small to allocate from"],
    ["/32", { subnet: "10.1.0.0/32" }, "Network 10.1.0.0/32 too small to allocate from"],
    ["/127", { subnet: "fd00::/127" }, "Network fd00::/127 too small to allocate from"],
    ["/128", { subnet: "fd00::/128" }, "Network fd00::/128 too small to allocate from"],
    [
      "a start that is no address",
      { subnet: "10.1.0.0/16", rangeStart: "x" },
      'ipam.ranges[0][0].rangeStart "x": must be an IP address',
    ],
    [
      "a start outside",
      { subnet: "10.1.0.0/16", rangeStart: "10.2.0.1" },
      "RangeStart 10.2.0.1 not in network 10.1.0.0/16",
    ],
    [
      "an end outside",
      { subnet: "10.1.0.0/16", rangeEnd: "10.2.0.1" },
      "RangeEnd 10.2.0.1 not in network 10.1.0.0/16",
    ],
    [
      "an end of another family",
      { subnet: "10.1.0.0/16", rangeEnd: "fd00::1" },
      "must be of the family of its subnet, IPv4",
    ],
    [
      "a start after the end",
      { subnet: "10.1.0.0/16", rangeStart: "10.1.0.9", rangeEnd: "10.1.0.8" },
      'rangeStart "10.1.0.9": must not come after the end of the range, 10.1.0.8',
    ],
    [
      "a gateway of another family",
      { subnet: "fd00::/64", gateway: "10.1.0.1" },
      'gateway "10.1.0.1": must be of the family of its subnet, IPv6',
    ],
    ["a gateway with a zone", { subnet: "fe80::/64", gateway: "fe80::1%eth0" }, "must be an IP address"],
  ])("%s", (_, range, message) => {
    const error = fail([range]);
    expect(error.code).toBe(7);
    expect(error.msg).toContain(message);
  });

  test("no ranges at all", () => {
    for (const ipam of [{}, { ranges: [] }, { ranges: null }, { gateway: "10.1.0.1" }]) {
      expect(failureOf(() => parse(ipam)).msg).toContain("ipam.ranges: no IP ranges specified");
    }
  });

  test("an empty set, by its place", () => {
    expect(fail([{ subnet: "10.1.0.0/16" }], []).msg).toContain("ipam.ranges[1] []: empty range set");
  });

  test("mixed families in one set", () => {
    expect(fail([{ subnet: "10.1.0.0/16" }, { subnet: "fd00::/64" }]).msg).toContain(
      'ipam.ranges[0][1].subnet "fd00::/64": mixed address families',
    );
  });

  test("overlap inside of a set", () => {
    const subnet = "10.1.0.0/24";
    expect(fail([{ subnet }, { subnet }]).msg).toContain(
      "ipam.ranges[0][1]: subnets 10.1.0.1-10.1.0.254 and 10.1.0.1-10.1.0.254 overlap",
    );
    expect(
      fail([
        { subnet, rangeEnd: "10.1.0.9" },
        { subnet, rangeStart: "10.1.0.9" },
      ]).msg,
    ).toContain("overlap");
  });

  test("overlap of sets", () => {
    expect(fail([{ subnet: "10.1.0.0/24" }], [{ subnet: "10.1.0.0/16" }]).msg).toContain(
      "range set 1 overlaps with 0 (ipam.ranges[0])",
    );
  });

  test("overlap with the old top-level range", () => {
    const ipam = { subnet: "10.1.0.0/24", ranges: [[{ subnet: "10.1.0.0/16" }]] };
    expect(failureOf(() => parse(ipam)).msg).toContain("ipam.ranges[0]: range set 1 overlaps with 0 (ipam)");
  });
});

test.each(["0.1.0", "0.2.0"])("version %s has room for one address per family", (version) => {
  const two = { ranges: [[{ subnet: "10.1.0.0/16" }], [{ subnet: "10.2.0.0/16" }]] };
  const error = failureOf(() => parse(two, version));
  expect(error).toMatchObject({ code: 7 });
  expect(error.msg).toContain(`CNI version ${version} does not support more than 1 address per family`);
  expect(parse(two, "0.3.0")).toHaveLength(2);
  expect(parse({ ranges: [[{ subnet: "10.1.0.0/16" }], [{ subnet: "fd00::/64" }]] }, version)).toHaveLength(
    2,
  );
});
