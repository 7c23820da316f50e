import { expect, test } from "vitest";
import { parseNetconf } from "../../../src/cni/config.ts";
import type { Shape } from "../../../src/cni/netconf-keys.ts";
import { Problems } from "../../../src/cni/problems.ts";
import { readTuning } from "../../../src/cni/tuning.ts";

const read = (shape: Shape) => {
  const problems = new Problems();
  const tuning = readTuning(shape, problems);
  return {
    names: tuning?.sysctls.map(({ name, value }) => `${name}=${value}`),
    problems: problems.texts.length,
  };
};

test.each([
  ["net.ipv4.ip_forward", "ipv4/ip_forward"],
  ["net/ipv4/conf/eth0.100/forwarding", "ipv4/conf/eth0.100/forwarding"],
  ["net.ipv4.conf.IFNAME.forwarding", "ipv4/conf/IFNAME/forwarding"],
  ["net.ipv4.conf/IFNAME/forwarding", "ipv4/conf/IFNAME/forwarding"],
])("the key %s is the file %s", (key, name) => {
  expect(read({ sysctl: { [key]: 1 } })).toEqual({ names: [`${name}=1`], problems: 0 });
});

test.each([
  "kernel.panic",
  "kernel/panic",
  "net",
  "net.",
  "net.core",
  "net..core.x",
  "net/../kernel/panic",
  "net/ipv4/../../kernel/panic",
  "net.ipv4./../x",
  "net/./x/y",
  "/net/core/x",
  "net/core/x/",
  "net//core/x",
  "../net/core/x",
  "net.core.x y",
  "net.core.x\0",
  "net.core.x\n",
  "",
  "NET.core.somaxconn",
  "netx.core.y",
  "net/ipv4/.../x/..",
])("the key %j leads nowhere and is refused", (key) => {
  expect(read({ sysctl: { [key]: "1" } })).toEqual({ names: undefined, problems: 1 });
});

test.each([[true], [null], [{}], [["1"]], ["1\n2"], ["\0"]])("the value %j is refused", (value) => {
  expect(read({ sysctl: { "net.core.somaxconn": value } }).problems).toBe(1);
});

test("args.cni replaces what the entry says, in any spelling, and each is refused a second spelling of its own", () => {
  expect(
    read({ sysctl: { "net.core.somaxconn": 1 }, args: { cni: { sysctl: { "net/core/somaxconn": 2 } } } }),
  ).toEqual({ names: ["core/somaxconn=2"], problems: 0 });
  expect(read({ sysctl: { "net.core.somaxconn": 1, "net/core/somaxconn": 2 } }).problems).toBe(1);
});

test("all comes first, default next, then the others by name", () => {
  const keys = [
    "net.ipv4.conf.IFNAME.forwarding",
    "net.core.somaxconn",
    "net.ipv6.conf.default.forwarding",
    "net.ipv6.conf.all.forwarding",
    "net.ipv4.ip_forward",
  ];
  const names = (order: string[]) => read({ sysctl: Object.fromEntries(order.map((key) => [key, 1])) }).names;
  expect(names(keys)).toEqual([
    "ipv4/ip_forward=1",
    "ipv6/conf/all/forwarding=1",
    "ipv6/conf/default/forwarding=1",
    "core/somaxconn=1",
    "ipv4/conf/IFNAME/forwarding=1",
  ]);
  expect(names(keys.toReversed())).toEqual(names(keys));
});

test("nothing asked for is nothing", () => {
  expect(read({ sysctl: {}, promisc: false, allmulti: false })).toEqual({ names: undefined, problems: 0 });
});

test("a foreign IPAM plugin does not hide args.cni.sysctl", () => {
  const text = JSON.stringify({
    cniVersion: "1.0.0",
    name: "pods",
    ipam: { type: "static" },
    args: { cni: { sysctl: { "net.core.somaxconn": "5" } } },
  });
  expect(parseNetconf(text, "ADD").tuning?.sysctls).toHaveLength(1);
});
