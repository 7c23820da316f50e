// Where the fields of the kernel's structs stand: src writes and reads them by number.
import { expect, test } from "vitest";
import { evaluateC } from "./c-header.ts";

/** Struct, the size that src counts on, and the fields with their places. */
const STRUCTS: [string, number, Record<string, number>][] = [
  ["struct nlmsghdr", 16, { nlmsg_len: 0, nlmsg_type: 4, nlmsg_flags: 6, nlmsg_seq: 8, nlmsg_pid: 12 }],
  ["struct nlattr", 4, { nla_len: 0, nla_type: 2 }],
  ["struct nlmsgerr", 20, { error: 0, msg: 4 }],
  ["struct ifinfomsg", 16, { ifi_family: 0, ifi_type: 2, ifi_index: 4, ifi_flags: 8, ifi_change: 12 }],
  ["struct ifaddrmsg", 8, { ifa_family: 0, ifa_prefixlen: 1, ifa_flags: 2, ifa_scope: 3, ifa_index: 4 }],
  [
    "struct rtmsg",
    12,
    {
      rtm_family: 0,
      rtm_dst_len: 1,
      rtm_src_len: 2,
      rtm_tos: 3,
      rtm_table: 4,
      rtm_protocol: 5,
      rtm_scope: 6,
      rtm_type: 7,
      rtm_flags: 8,
    },
  ],
  ["struct fib_rule_hdr", 12, { family: 0, src_len: 2, table: 4, action: 7, flags: 8 }],
  ["struct tcmsg", 20, { tcm_family: 0, tcm_ifindex: 4, tcm_handle: 8, tcm_parent: 12, tcm_info: 16 }],
  ["struct tc_tbf_qopt", 36, { "rate.linklayer": 1, "rate.rate": 8, limit: 24 }],
  ["struct tc_u32_sel", 16, { flags: 0, nkeys: 2 }],
  ["struct tc_u32_key", 16, { mask: 0 }],
  ["struct tc_mirred", 28, { action: 8, eaction: 20, ifindex: 24 }],
  ["struct nfgenmsg", 4, { nfgen_family: 0, version: 1, res_id: 2 }],
  ["struct statx", 256, { stx_mode: 28, stx_ino: 32, stx_size: 40, stx_dev_major: 136, stx_dev_minor: 140 }],
  ["struct ipt_getinfo", 84, { hook_entry: 36, underflow: 56, size: 80 }],
  ["struct ip6t_getinfo", 84, { hook_entry: 36, underflow: 56, size: 80 }],
  ["struct ipt_get_entries", 40, { size: 32, entrytable: 40 }],
  ["struct ip6t_get_entries", 40, { size: 32, entrytable: 40 }],
  [
    "struct ipt_entry",
    112,
    { "ip.src": 0, "ip.smsk": 8, "ip.invflags": 83, target_offset: 88, next_offset: 90 },
  ],
  [
    "struct ip6t_entry",
    168,
    { "ipv6.src": 0, "ipv6.smsk": 32, "ipv6.invflags": 132, target_offset: 140, next_offset: 142 },
  ],
  ["struct xt_entry_match", 32, { "u.user.name": 2 }],
  ["struct xt_error_target", 64, { errorname: 32 }],
  ["struct xt_standard_target", 40, { verdict: 32 }],
  ["struct pollfd", 8, { fd: 0, events: 4, revents: 6 }],
  ["struct iphdr", 20, { saddr: 12, daddr: 16 }],
  ["struct ipv6hdr", 40, { saddr: 8, daddr: 24 }],
];

test.each(STRUCTS)("%s is laid out as src reads and writes it", (struct, size, fields) => {
  const expressions = Object.fromEntries(
    Object.keys(fields).map((field) => [field, `offsetof(${struct}, ${field})`]),
  );
  const wanted = Object.fromEntries(
    Object.entries({ size, ...fields }).map(([field, at]) => [field, BigInt(at)]),
  );
  expect(evaluateC({ size: `sizeof(${struct})`, ...expressions })).toEqual(wanted);
});

test("what is read whole fits: the type of a file system comes first, names have the length that is counted with", () => {
  const found = evaluateC({
    typeAt: "offsetof(struct statfs, f_type)",
    typeBytes: "sizeof(((struct statfs *)0)->f_type)",
    statfsFits: "sizeof(struct statfs) <= 256",
    nameMax: "NFT_NAME_MAXLEN",
    aliasMax: "IFALIASZ",
    userdataMax: "NFT_USERDATA_MAXLEN",
    register: "NFT_REG32_SIZE",
  });
  expect(found).toEqual({
    typeAt: 0n,
    typeBytes: 8n,
    statfsFits: 1n,
    nameMax: 256n,
    aliasMax: 256n,
    userdataMax: 256n,
    register: 4n,
  });
});
