// Numbers against the C headers: what is written down in src must be what a C compiler prints.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as netlink from "../../src/netlink/uapi/netlink.ts";
import * as conntrack from "../../src/netlink/uapi/nf_conntrack.ts";
import * as netfilter from "../../src/netlink/uapi/nf_tables.ts";
import * as rtnetlink from "../../src/netlink/uapi/rtnetlink.ts";
import * as trafficControl from "../../src/netlink/uapi/traffic_control.ts";
import { errnoTable } from "../../src/sys/errno.ts";
import { REPOSITORY } from "../support/tool.ts";
import { evaluateC } from "./c-header.ts";

/** What has no name in C, and what a C expression says of it. */
const WITHOUT_NAME: Record<string, string> = {
  STATX_SIZE: "sizeof(struct statx)",
  DIRENT_RECLEN: "offsetof(struct dirent64, d_reclen)",
  DIRENT_NAME: "offsetof(struct dirent64, d_name)",
  // An attribute's type has 16 bits; the macro has as many as an int.
  NLA_TYPE_MASK: "NLA_TYPE_MASK & 0xffff",
  // The place for filters is named for the parent that it stands under.
  INGRESS_HANDLE: "TC_H_INGRESS & TC_H_MAJ_MASK",
  FRAME_HEADER: "ETH_HLEN + 4",
  INTERFACE_NAME_BYTES: "IFNAMSIZ",
  // The pure plan does not import the numbers of the wire.
  TABLE_MAIN: "RT_TABLE_MAIN",
  SCOPE_LINK: "RT_SCOPE_LINK",
  IPV6_LEAST_MTU: "IPV6_MIN_MTU",
};

/** Names as the kernel and the C library form them; all other numbers are our own choice. */
const OF_C =
  /^(O|AT|S|STATX|LOCK(?=_[A-Z]+$)|CLONE|BR|RT|RTA|FRA|FR|NFT|NFTA|NLM|NLA|IFLA|IFF|AF|SO|MSG|IPPROTO|IPT|INET_DIAG|TCP|SOCK_DIAG|NETLINK)_|_MAGIC$|^E(?!VENT)[A-Z0-9]{3,}$/;

test.each([
  ["src/netlink/uapi/netlink.ts", netlink],
  ["src/netlink/uapi/rtnetlink.ts", rtnetlink],
  ["src/netlink/uapi/nf_tables.ts", netfilter],
  ["src/netlink/uapi/traffic_control.ts", trafficControl],
  ["src/netlink/uapi/nf_conntrack.ts", conntrack],
  ["src/sys/errno.ts", errnoTable],
])("every number of %s is that of the headers", (_, numbers: Record<string, number>) => {
  expect(Object.keys(numbers).length).toBeGreaterThan(10);
  expect(ofSource(numbers)).toEqual(inC(Object.keys(numbers)));
});

test("every other number that has a name in C is that of the headers, wherever in src it stands", () => {
  const files = globSync("**/*.ts", { cwd: join(REPOSITORY, "src") });
  const found = files.flatMap((file) =>
    Object.entries(namedNumbers(readFileSync(join(REPOSITORY, "src", file), "utf8"))).map(
      ([name, value]) => ({ file, name, value }),
    ),
  );
  const kernels = found.filter(({ name }) => OF_C.test(name) || name in WITHOUT_NAME);
  expect(kernels.map(({ file }) => file)).toEqual(
    expect.arrayContaining(["sys/file.ts", "sys/flock.ts", "sys/netns.ts", "cni/result.ts"]),
  );
  const wanted = evaluateC(
    Object.fromEntries(kernels.map(({ file, name }) => [`${file} ${name}`, WITHOUT_NAME[name] ?? name])),
  );
  expect(
    ofSource(Object.fromEntries(kernels.map(({ file, name, value }) => [`${file} ${name}`, value]))),
  ).toEqual(wanted);
});

function ofSource(numbers: Record<string, number | bigint>): Record<string, bigint> {
  return Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, BigInt(value)]));
}

function inC(names: string[]): Record<string, bigint> {
  return evaluateC(Object.fromEntries(names.map((name) => [name, WITHOUT_NAME[name] ?? name])));
}

/** The constants of a source file in capital letters that hold a number, exported or not. */
function namedNumbers(source: string): Record<string, number | bigint> {
  const lines = [
    ...source.matchAll(/^(?:export )?const ([A-Z][A-Z0-9_]*) = ([-\d(][^;[\]{]*|process\.arch[^;]*);/gm),
  ];
  const body = lines.map(([, name, value]) => `const ${name} = ${value};`).join("\n");
  return new Function(`${body}\nreturn { ${lines.map(([, name]) => name).join(", ")} };`)() as Record<
    string,
    number | bigint
  >;
}
