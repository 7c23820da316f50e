// The wish as a document: what is read of a right one, and the sentence about each wrong value.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CODES } from "../../../src/cluster/report.ts";
import { tunnelMac } from "../../../src/cluster/tunnel-mac.ts";
import { KINDS } from "../../../src/cluster/watch.ts";
import { readWish, WrongWish } from "../../../src/cluster/wish.ts";
import { formatAddress } from "../../../src/ip/address.ts";
import { formatPrefix } from "../../../src/ip/prefix.ts";
import type { WishJson } from "../../support/cluster.ts";
import { address } from "../../support/ip.ts";
import { REPOSITORY } from "../../support/tool.ts";

function right(): WishJson {
  return {
    version: 1,
    podSubnets: ["10.244.1.0/24", "fd01:1::/64"],
    routes: [{ subnet: "10.244.2.0/24", via: "10.90.0.12" }],
    tunnel: {
      kind: "vxlan",
      vni: 4096,
      port: 8472,
      mtu: 1400,
      local: "10.90.0.11",
      peers: [{ subnets: ["10.244.3.0/24"], address: "10.91.0.13", mac: "0E:58:00:00:00:03" }],
    },
    masquerade: { except: ["0.0.0.0/0"] },
    conflist: { path: "/etc/cni/net.d/10-pontoon.conflist", content: '{"name":"pods"}' },
  };
}

const PAGE = readFileSync(join(REPOSITORY, "docs/node.md"), "utf8");

/** The sentences about the right wish after a change. */
function problemsOf(change: (wish: WishJson) => unknown): readonly string[] {
  const wish = right();
  change(wish);
  try {
    readWish(JSON.stringify(wish));
  } catch (error) {
    if (error instanceof WrongWish) return error.problems;
    throw error;
  }
  return [];
}

test("every part of a right wish is read", () => {
  const { podSubnets, routes, tunnel, masquerade, conflist } = readWish(JSON.stringify(right()));
  expect(podSubnets.map(formatPrefix)).toEqual(["10.244.1.0/24", "fd01:1::/64"]);
  expect(routes.map(({ subnet, via }) => [formatPrefix(subnet), formatAddress(via)])).toEqual([
    ["10.244.2.0/24", "10.90.0.12"],
  ]);
  expect(tunnel).toMatchObject({ vni: 4096, port: 8472, mtu: 1400, peers: [{ mac: "0e:58:00:00:00:03" }] });
  expect(masquerade?.except.map(formatPrefix)).toEqual(["0.0.0.0/0"]);
  expect(conflist?.content).toBe('{"name":"pods"}');
});

test.each([["auto"], [undefined]])("the MTU %s is that of the way out", (mtu) => {
  const wish = right();
  wish["tunnel"].mtu = mtu;
  expect(readWish(JSON.stringify(wish)).tunnel?.mtu).toBeUndefined();
});

test("a wish needs no tunnel, masquerading and configuration", () => {
  expect(readWish('{"version":1,"podSubnets":[],"routes":[]}')).toEqual({
    version: 1,
    podSubnets: [],
    routes: [],
  });
});

const peer = (wish: WishJson): WishJson => wish["tunnel"].peers[0];

test.each<[string, (wish: WishJson) => unknown]>([
  ["version 2: must be 1; this program knows no other version", (w) => (w["version"] = 2)],
  ["version: is missing", (w) => delete w["version"]],
  ["podSubnets: is missing", (w) => delete w["podSubnets"]],
  ["routes: is missing", (w) => delete w["routes"]],
  ['the document: unknown key "rotes"; did you mean "routes"?', (w) => (w["rotes"] = [])],
  ['the document: unknown key "__proto__x"', (w) => (w["__proto__x"] = 1)],
  ['routes[0]: unknown key "gateway"', (w) => (w["routes"][0].gateway = "10.90.0.1")],
  ['tunnel.peers[0]: unknown key "subnet"; did you mean "subnets"?', (w) => (peer(w)["subnet"] = 1)],
  ["routes[0].via: is missing", (w) => delete w["routes"][0].via],
  ["routes (an object): must be a list", (w) => (w["routes"] = {})],
  ["routes[0] null: must be an object", (w) => (w["routes"][0] = null)],
  ["podSubnets[0] 10: must be a subnet, as in 10.244.1.0/24", (w) => (w["podSubnets"][0] = 10)],
  ['podSubnets[0] "10.244.1.0": must be a subnet', (w) => (w["podSubnets"][0] = "10.244.1.0")],
  ["has bits behind its length; write 10.244.1.0/24", (w) => (w["podSubnets"][0] = "10.244.1.7/24")],
  ["is too large for pods; the length must be 8 at least", (w) => (w["podSubnets"][0] = "0.0.0.0/0")],
  ["is too large for pods", (w) => (w["podSubnets"][0] = "::/0")],
  ["is of the loopback", (w) => (w["podSubnets"][0] = "127.1.0.0/16")],
  ["is of a group, not of a machine", (w) => (w["podSubnets"][0] = "ff02::/64")],
  ["is of one link alone", (w) => (w["podSubnets"][0] = "fe80::/64")],
  ["is of one link alone", (w) => (w["podSubnets"][0] = "169.254.0.0/16")],
  ["is no address of a machine", (w) => (w["routes"][0].via = "0.0.0.0")],
  ["is of the loopback", (w) => (w["routes"][0].via = "127.0.0.1")],
  ["is of a group", (w) => (w["routes"][0].via = "255.255.255.255")],
  ["is of one link alone", (w) => (w["routes"][0].via = "fe80::1")],
  [
    'routes[0].via "10.90.0.012": must be an IPv4 or IPv6 address',
    (w) => (w["routes"][0].via = "10.90.0.012"),
  ],
  ["is of another family than the subnet", (w) => (w["routes"][0].via = "fd90::12")],
  ['tunnel.kind "geneve": must be "vxlan"', (w) => (w["tunnel"].kind = "geneve")],
  ["tunnel.vni 0: must be a whole number from 1 to 16777215", (w) => (w["tunnel"].vni = 0)],
  ["tunnel.vni 16777216: must be", (w) => (w["tunnel"].vni = 2 ** 24)],
  ["tunnel.port 1.5: must be", (w) => (w["tunnel"].port = 1.5)],
  ['tunnel.port "8472": must be', (w) => (w["tunnel"].port = "8472")],
  ["tunnel.mtu 100: must be a whole number from 576", (w) => (w["tunnel"].mtu = 100)],
  [
    "tunnel.mtu 1279: must be 1280 at least for IPv6",
    (w) => ((w["tunnel"].mtu = 1279), (peer(w)["subnets"] = ["fd01:3::/64"])),
  ],
  ["is of another family than tunnel.local", (w) => (peer(w)["address"] = "fd91::13")],
  ['address "10.90.0.11": is that of tunnel.local too', (w) => (peer(w)["address"] = "10.90.0.11")],
  ["is that of this node too", (w) => (peer(w)["mac"] = tunnelMac(address("10.90.0.11")))],
  ["must be a MAC address", (w) => (peer(w)["mac"] = "0e5800000003")],
  ["is a multicast address", (w) => (peer(w)["mac"] = "01:58:00:00:00:03")],
  [
    "is that of tunnel.peers[0] too",
    (w) => w["tunnel"].peers.push({ ...peer(w), address: "10.91.0.14", subnets: [] }),
  ],
  ["has 17 items; 16 are allowed", (w) => (peer(w)["subnets"] = Array(17).fill("10.244.3.0/24"))],
  ["has 20001 items; 20000 are allowed", (w) => (w["routes"] = Array(20_001).fill(w["routes"][0]))],
  ["must be an absolute path", (w) => (w["conflist"].path = "10-pontoon.conflist")],
  ['must have no ".." and "." in it', (w) => (w["conflist"].path = "/etc/cni/../x.conflist")],
  ["must end in .conflist", (w) => (w["conflist"].path = "/etc/passwd")],
  ["is no path of a file", (w) => (w["conflist"].path = "/etc/\0/x.conflist")],
  ["is no name that a runtime reads", (w) => (w["conflist"].path = "/etc/.conflist")],
  ["is no name that a runtime reads", (w) => (w["conflist"].path = `/${"x".repeat(300)}.conflist`)],
  ["conflist.content (an object): must be text in quotes", (w) => (w["conflist"].content = {})],
  ["conflist.content: is no network configuration", (w) => (w["conflist"].content = "[]")],
  ["conflist.content: is no JSON: unexpected end of JSON input", (w) => (w["conflist"].content = '{"name":')],
])("%s", (sentence, change) => {
  expect(problemsOf(change)).toContainEqual(expect.stringContaining(sentence));
});

test.each<[string, (wish: WishJson) => unknown]>([
  [
    'routes[0].subnet "10.244.1.0/24": overlaps 10.244.1.0/24 of podSubnets[0]',
    (w) => (w["routes"][0].subnet = "10.244.1.0/24"),
  ],
  [
    'routes[1].subnet "10.244.2.128/25": overlaps 10.244.2.0/24 of routes[0].subnet',
    (w) => w["routes"].push({ subnet: "10.244.2.128/25", via: "10.90.0.13" }),
  ],
  [
    'podSubnets[0] "10.244.1.0/24": overlaps 10.240.0.0/12 of tunnel.peers[0].subnets[0]',
    (w) => (peer(w)["subnets"] = ["10.240.0.0/12"]),
  ],
  [
    'tunnel.local "10.90.0.11": lies in 10.90.0.0/24 of routes[0].subnet, which is for pods',
    (w) => (w["routes"][0].subnet = "10.90.0.0/24"),
  ],
  [
    'tunnel.peers[0].address "10.91.0.13": lies in 10.91.0.0/16 of podSubnets[0], which is for pods',
    (w) => (w["podSubnets"][0] = "10.91.0.0/16"),
  ],
  [
    'routes[0].via "10.244.1.9": lies in 10.244.1.0/24 of podSubnets[0], which is for pods',
    (w) => (w["routes"][0].via = "10.244.1.9"),
  ],
])("subnets of pods overlap neither each other nor addresses of nodes: %s", (sentence, change) => {
  expect(problemsOf(change)).toContain(sentence);
});

test("all wrong values of a document are told at once", () => {
  expect(
    problemsOf((w) => {
      w["version"] = "1";
      w["routes"][0].via = true;
      w["tunnel"].vni = -1;
    }).map((text) => text.split(" ")[0]),
  ).toEqual(["version", "routes[0].via", "tunnel.vni"]);
});

test.each([
  ["", "the document is empty"],
  ["{", "the document is no JSON: unexpected end of JSON input"],
  ['{"version":1,}', "the document is no JSON: invalid character '}' in line 1, column 14"],
  ["[]", "[]: must be an object"],
])("%s is no document", (text, sentence) => {
  expect(() => readWish(text)).toThrow(sentence);
});

// Nodes of different releases know each other by these.
test.each([
  ["10.90.0.11", "0e:18:c2:e8:d5:87"],
  ["10.91.0.13", "0e:37:9d:c3:a8:9e"],
  ["fd90::11", "0e:ec:b1:92:4e:04"],
  ["FD90:0:0::0:11", "0e:ec:b1:92:4e:04"],
])("the MAC of the node %s is %s in every release", (local, mac) => {
  expect(tunnelMac(address(local))).toBe(mac);
});

test("the rule of docs/node.md gives the MAC that its example has", () => {
  const [, text = "", mac] = /`(pontoon tunnel [^`A-Z]+)` gives\s+`([0-9a-f:]+)`/.exec(PAGE) ?? [];
  const digits = createHash("sha256").update(text, "utf8").digest("hex");
  expect(`0e${digits.slice(0, 10)}`).toBe(mac?.replaceAll(":", ""));
  expect(tunnelMac(address(text.split(" ")[2] ?? ""))).toBe(mac);
});

test("a peer without a MAC has that of its address, and one that is told goes before it", () => {
  const wish = right();
  delete peer(wish)["mac"];
  wish["tunnel"].peers.push({ subnets: [], address: "10.91.0.14", mac: "0e:58:00:00:00:04" });
  const read = readWish(JSON.stringify(wish));
  expect(read.tunnel?.peers.map(({ mac }) => mac)).toEqual(["0e:37:9d:c3:a8:9e", "0e:58:00:00:00:04"]);
});

test("no two of 10,000 nodes have one MAC", () => {
  const macs = Array.from({ length: 10_000 }, (_, at) => tunnelMac(address(`10.90.${at >> 8}.${at & 255}`)));
  expect(new Set(macs).size).toBe(macs.length);
});

test("the example of docs/node.md is a wish, and its table has every key of it", () => {
  const [, example = ""] = /## The wish\n\n```json\n(.*?)```/s.exec(PAGE) ?? [];
  readWish(example.replace("[…]", "[]"));
  const keys = (value: unknown, path = ""): string[] =>
    Array.isArray(value)
      ? value.flatMap((each) => keys(each, `${path}[]`))
      : typeof value === "object" && value !== null
        ? Object.entries(value).flatMap(([key, below]) => {
            const place = path === "" ? key : `${path}.${key}`;
            return [place, ...keys(below, place)];
          })
        : [];
  const rows = [...PAGE.matchAll(/^\| `([\w.[\]]+)` \| .*\| (yes|no) \|/gm)].map(([, key]) => key);
  expect(rows).toEqual([...new Set(keys(JSON.parse(example)))]);
});

test("docs/node.md has every code of a refusal or note", () => {
  const [, table = ""] = /\| Code \| Meaning \|\n(.*?)\n\n/s.exec(PAGE) ?? [];
  expect([...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code)).toEqual([...CODES]);
});

test("docs/node.md has every kind of a change that is watched", () => {
  const [, table = ""] = /\| `changed` \| Meaning \|\n(.*?)\n\n/s.exec(PAGE) ?? [];
  expect([...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, kind]) => kind)).toEqual([...KINDS]);
});
