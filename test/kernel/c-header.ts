// Asks the C compiler what an expression is with the kernel's and the C library's headers.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toolPath } from "../support/tool.ts";

const HEADERS = [
  "stdio.h",
  "stddef.h",
  "errno.h",
  "fcntl.h",
  "sched.h",
  "dirent.h",
  "poll.h",
  "sys/file.h",
  "sys/stat.h",
  "sys/socket.h",
  "sys/vfs.h",
  "asm/socket.h",
  "linux/magic.h",
  "linux/netlink.h",
  "linux/rtnetlink.h",
  "linux/netconf.h",
  "linux/if.h",
  "linux/if_link.h",
  "linux/if_addr.h",
  "linux/if_bridge.h",
  "linux/if_ether.h",
  "linux/fib_rules.h",
  "linux/net_namespace.h",
  "linux/pkt_sched.h",
  "linux/pkt_cls.h",
  "linux/tc_act/tc_mirred.h",
  "linux/ip.h",
  "linux/ipv6.h",
  "linux/veth.h",
  "linux/netfilter.h",
  "linux/netfilter/nfnetlink.h",
  "linux/netfilter/nf_tables.h",
  "linux/netfilter/nf_tables_compat.h",
  "linux/netfilter/nf_nat.h",
  "linux/netfilter/nf_conntrack_common.h",
  "linux/netfilter/nfnetlink_conntrack.h",
  "linux/sock_diag.h",
  "linux/inet_diag.h",
  "netinet/tcp.h",
  "linux/netfilter_bridge.h",
  "linux/netfilter_arp.h",
  "linux/netfilter_ipv4.h",
  "linux/netfilter_ipv4/ip_tables.h",
  "linux/netfilter_ipv6/ip6_tables.h",
];

const HINT =
  "Hint: run scripts/setup --test, it installs the compiler and the headers; a number that C does not know belongs on a list of the test.";

/** The values of integer expressions, by the keys they are given under. */
export function evaluateC(expressions: Record<string, string>): Record<string, bigint> {
  const prints = Object.entries(expressions).map(
    ([name, expression]) => `  printf("${name}=%lld\\n", (long long)(${expression}));`,
  );
  const source = [
    "#define _GNU_SOURCE",
    ...HEADERS.map((header) => `#include <${header}>`),
    "int main(void) {",
    ...prints,
    "}",
  ].join("\n");
  const folder = mkdtempSync(join(tmpdir(), "header-"));
  try {
    writeFileSync(join(folder, "numbers.c"), source);
    mustRun(toolPath("gcc"), ["-o", join(folder, "numbers"), join(folder, "numbers.c")]);
    const lines = mustRun(join(folder, "numbers"), []).trim().split("\n");
    return Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf("=")), BigInt(line.slice(line.indexOf("=") + 1))]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function mustRun(program: string, args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", timeout: 30_000 });
  if (status !== 0) throw new Error(`${program} failed. ${HINT}\n${stderr}`);
  return stdout;
}
