// Conditions of host ports, in both languages of the reference.
import { expect, test } from "vitest";
import { readConditions } from "../../../src/cni/condition.ts";
import { parseNetconf } from "../../../src/cni/config.ts";
import { Problems } from "../../../src/cni/problems.ts";
import type { Family } from "../../../src/ip/address.ts";
import { failureOf } from "./failure.ts";

/** As text: `daddr !192.0.2.0/24`. */
function read(words: string[], family: Family = 4): string[] {
  const problems = new Problems();
  const conditions = readConditions(words, family, problems);
  expect(problems.isEmpty).toBe(true);
  return conditions.map(({ field, not, value }) => `${field} ${not ? "!" : ""}${value}`);
}

test.each<[string[], string[]]>([
  [["!", "-d", "192.0.2.0/24"], ["daddr !192.0.2.0/24"]],
  [["-d", "192.0.2.7"], ["daddr 192.0.2.7/32"]],
  [
    ["-s", "10.1.2.3/8", "!", "-i", "eth+"],
    ["saddr 10.0.0.0/8", "iifname !eth*"],
  ],
  [
    ["--source 10.0.0.0/8", "--in-interface eth0", "! --dst 192.0.2.1"],
    ["saddr 10.0.0.0/8", "iifname eth0", "daddr !192.0.2.1/32"],
  ],
  [
    ["--src", "10.0.0.0/8", "--destination", "0.0.0.0/0"],
    ["saddr 10.0.0.0/8", "daddr 0.0.0.0/0"],
  ],
  [["ip", "daddr", "!=", "192.0.2.0/24"], ["daddr !192.0.2.0/24"]],
  [
    ["ip daddr !=192.0.2.0/24 iifname ==eth0 iifname !=eth1"],
    ["daddr !192.0.2.0/24", "iifname eth0", "iifname !eth1"],
  ],
  [
    ['ip saddr 10.0.0.0/8 ip daddr == 192.0.2.1 iifname "eth*" meta iifname != eth1'],
    ["saddr 10.0.0.0/8", "daddr 192.0.2.1/32", "iifname eth*", "iifname !eth1"],
  ],
  [[], []],
])("%j are the conditions %j", (words, conditions) => {
  expect(read(words)).toEqual(conditions);
});

test("for IPv6 as well", () => {
  expect(read(["!", "-d", "fc00::1/7"], 6)).toEqual(["daddr !fc00::/7"]);
  expect(read(["ip6 saddr != fd00::5"], 6)).toEqual(["saddr !fd00::5/128"]);
});

const refusedName =
  (selector: string) =>
  (name: string): [string, string[], string] => [
    "conditionsV4",
    [selector, name],
    "must have the name of an interface",
  ];

test.each<[string, string[], string]>([
  [
    "conditionsV4",
    ["-m", "time"],
    'conditionsV4 "-m time": is no condition that Pontoon knows; it knows -s, -d and -i, each with ! before it or without',
  ],
  ["conditionsV4", ["-s", "10.0.0.0/8", "-p", "tcp"], 'conditionsV4 "-p tcp": is no condition'],
  ["conditionsV4", ["-s"], 'conditionsV4 "-s": is no condition'],
  ["conditionsV4", ["!"], 'conditionsV4 "!": is no condition'],
  ["conditionsV4", ["!", "!", "-s", "10.0.0.0/8"], 'conditionsV4 "! ! -s 10.0.0.0/8": is no condition'],
  [
    "conditionsV4",
    ["-s", "fd00::/8"],
    'conditionsV4 "-s fd00::/8": "fd00::/8" must be an IPv4 address or subnet',
  ],
  ["conditionsV4", ["-d", "10.0.0.0/33"], '"10.0.0.0/33" must be an IPv4 address or subnet'],
  ["conditionsV4", ["-d", "10.0.0.1,10.0.0.2"], '"10.0.0.1,10.0.0.2" must be an IPv4 address or subnet'],
  [
    "conditionsV4",
    ["-i", "a-name-of-16-byt"],
    'conditionsV4 "-i a-name-of-16-byt": must have the name of an interface, of letters, digits and . _ -, at most 15',
  ],
  ...["+", "e*h", "eth*", "e\u00f6h0", "eth0,", "-d"].map(refusedName("-i")),
  ...["*", "{eth0}", "{", "$x", "@ext", "eth0;", "'eth0'", '"eth\\*"', '""', "<eth0", "e*0*"].map(
    refusedName("iifname"),
  ),
  [
    "conditionsV4",
    Array.from({ length: 65 }, () => "ip saddr 10.0.0.0/8"),
    "there are more than 64 conditions",
  ],
  [
    "conditionsV6",
    ["ip6", "daddr", "192.0.2.1"],
    'conditionsV6 "ip6 daddr 192.0.2.1": "192.0.2.1" must be an IPv6 address or subnet',
  ],
  [
    "conditionsV6",
    ["ip", "daddr", "fd00::1"],
    'conditionsV6 "ip daddr fd00::1": is no condition that Pontoon knows; it knows ip6 saddr, ip6 daddr and iifname, each with != or without',
  ],
  ["conditionsV6", ["ip6", "iifname", "eth0"], 'conditionsV6 "ip6 iifname eth0": is no condition'],
  ["conditionsV6", ["ip6", "daddr", "{", "fd00::1", "}"], '"{" must be an IPv6 address or subnet'],
  ["conditionsV6", ["constructor", "x"], 'conditionsV6 "constructor x": is no condition'],
])("%s %j is refused with its place, also while no port is asked for", (key, words, message) => {
  const error = failureOf(() =>
    parseNetconf(JSON.stringify({ cniVersion: "1.0.0", name: "pods", [key]: words }), "ADD"),
  );
  expect(error.code).toBe(7);
  expect(error.msg).toContain(message);
});

test("without words there are no conditions", () => {
  const portMappings = [{ hostPort: 8080, containerPort: 80 }];
  const { hostPorts } = parseNetconf(
    JSON.stringify({
      cniVersion: "1.0.0",
      name: "pods",
      conditionsV4: [],
      conditionsV6: [" "],
      runtimeConfig: { portMappings },
    }),
    "ADD",
  );
  expect([hostPorts?.conditions4, hostPorts?.conditions6]).toEqual([undefined, undefined]);
});
