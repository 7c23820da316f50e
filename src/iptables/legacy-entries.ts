// A table of the legacy variant of iptables as the kernel gives it out: one blob of entries, each a rule, or
// the head of a chain. (linux/netfilter_ipv4/ip_tables.h, netfilter_ipv6/ip6_tables.h, netfilter/x_tables.h,
// netfilter/xt_devgroup.h)
//
// The kernel gives out the whole table or nothing, 8 MB beside 5,000 services of kube-proxy. So names are
// searched for in the bytes, and only the entries of a chain or of a base chain are walked.
import type { Family } from "../ip/address.ts";
import { readText } from "../netlink/reader.ts";
import { SOCK_RAW } from "../netlink/uapi/netlink.ts";
import { NF_DROP } from "../netlink/uapi/nf_tables.ts";
import { AF_INET, AF_INET6 } from "../netlink/uapi/rtnetlink.ts";
import { placeOf, textBytes, u16At, u32At, u32Bytes } from "../sys/bytes.ts";
import { check, errnoOf, isErrno, SystemError } from "../sys/errno.ts";
import { FileHandle } from "../sys/file.ts";
import { native } from "../sys/native.ts";
import { type LegacyRule, readLegacyRule } from "./legacy-rule.ts";
import type { TablePlace } from "./table.ts";

// linux/in.h
const IPPROTO_IP = 0;
const IPPROTO_IPV6 = 41;
const IPPROTO_RAW = 255;

// The numbers of requests are equal in both families, and so are both structs below.
const IPT_SO_GET_INFO = 64;
const IPT_SO_GET_ENTRIES = 65;

/**
 * struct ipt_getinfo: hook_entry and underflow have an offset for each hook; the last field is the size of
 * all entries.
 */
const INFO = { bytes: 84, hookEntry: 36, underflow: 56, size: 80 };
/** struct ipt_get_entries: name, size, then the entries. */
const ENTRIES = { size: 32, first: 40 };
/** Numbers of the hooks (linux/netfilter.h). */
const HOOK = { PREROUTING: 0, INPUT: 1, FORWARD: 2, OUTPUT: 3, POSTROUTING: 4 } as const;

/** A chain to which the kernel sends packets. */
export type LegacyBase = keyof typeof HOOK;

/** struct ipt_entry, struct ip6t_entry: their size, and where their fields are. */
const ENTRY = {
  4: { bytes: 112, address: 4, mask: 8, input: 16, output: 32, flags: 83, targetOffset: 88, nextOffset: 90 },
  6: {
    bytes: 168,
    address: 16,
    mask: 32,
    input: 64,
    output: 80,
    flags: 132,
    targetOffset: 140,
    nextOffset: 142,
  },
} as const;
const IPT_INV_SRCIP = 8;
/** Length of an interface name there. */
const INTERFACE_NAME_BYTES = 16;

/**
 * struct xt_entry_match and xt_entry_target: a size, a name, and data. The head of a chain has the target
 * ERROR, with its name as data.
 */
const NAME = 2;
const DATA = 32;
const HEAD_TARGET_BYTES = 64;

/** struct xt_devgroup_info: the flags of the two groups, and where they are. */
const DEVGROUP = { source: { flag: 1, at: 4 }, destination: { flag: 4, at: 12 } } as const;

const ATTEMPTS = 20;

/** A rule that leads to a chain: its source, its groups (undefined: any) and its interfaces (empty: any). */
export interface LegacyJump {
  chain: string;
  source: { address: Uint8Array; mask: Uint8Array } | undefined;
  input: string;
  output: string;
  sourceGroup: number | undefined;
  destinationGroup: number | undefined;
  comment: string;
}

/** The entries of a table of the legacy variant, read from the kernel's bytes as they are asked for. */
export class LegacyEntries {
  private readonly family: Family;
  private readonly bytes: Uint8Array;
  private readonly base: { first: number; end: number };

  constructor(family: Family, bytes: Uint8Array, base: { first: number; end: number }) {
    this.family = family;
    this.bytes = bytes;
    this.base = base;
  }

  /** The names of the chains that start with `prefix`. */
  listChains(prefix: string): string[] {
    const names: string[] = [];
    const wanted = textBytes(prefix);
    for (let at = placeOf(wanted, this.bytes); at >= 0; at = placeOf(wanted, this.bytes, at + 1)) {
      const head = this.headNamedAt(at);
      if (head !== undefined) names.push(readText(this.bytes.subarray(at, at + DATA)));
    }
    return names;
  }

  /** The number of rules in a chain; undefined when there is no chain of that name. */
  countRules(chain: string): number | undefined {
    const name = textBytes(`${chain}\0`);
    for (let at = placeOf(name, this.bytes); at >= 0; at = placeOf(name, this.bytes, at + 1)) {
      const head = this.headNamedAt(at);
      if (head === undefined) continue;
      let count = 0;
      for (
        let entry = this.next(head);
        entry < this.bytes.length && !this.isHead(entry);
        entry = this.next(entry)
      )
        count++;
      // The last entry is the return to the jump's chain, which iptables does not show.
      return count - 1;
    }
    return undefined;
  }

  /** The rules of the base chain that lead to a chain. */
  listJumps(): LegacyJump[] {
    const jumps = [];
    for (let entry = this.base.first; entry < this.base.end; entry = this.next(entry)) {
      const chain = this.chainLedTo(entry);
      if (chain === undefined) continue;
      const { input, output } = ENTRY[this.family];
      jumps.push({
        chain,
        source: this.sourceOf(entry),
        input: this.interfaceAt(entry + input),
        output: this.interfaceAt(entry + output),
        sourceGroup: this.groupOf(entry, "source"),
        destinationGroup: this.groupOf(entry, "destination"),
        comment: this.commentOf(entry),
      });
    }
    return jumps;
  }

  /** The rules of the base chain, or of the chain whose first rule stands at `first`. */
  listRules(first?: number): LegacyRule[] {
    const end = first === undefined ? this.base.end : this.bytes.length;
    const rules = [];
    for (let entry = first ?? this.base.first; entry < end && !this.isHead(entry); entry = this.next(entry))
      rules.push(
        readLegacyRule(this.family, this.bytes.subarray(entry, this.next(entry)), {
          entry,
          next: this.next(entry),
        }),
      );
    return rules;
  }

  /** The name of the chain whose first rule stands at `first`. */
  nameOfChain(first: number): string {
    const head = first - ENTRY[this.family].bytes - HEAD_TARGET_BYTES;
    return head >= 0 && this.isHead(head)
      ? readText(this.bytes.subarray(head + ENTRY[this.family].bytes + DATA, this.next(head)))
      : "";
  }

  /**
   * True when the base chain drops packets that match no rule: the verdict of its last entry, a negative
   * number (linux/netfilter/x_tables.h).
   */
  dropsByDefault(): boolean {
    const target = this.base.end + u16At(this.bytes, this.base.end + ENTRY[this.family].targetOffset);
    return (u32At(this.bytes, target + DATA) | 0) === -NF_DROP - 1;
  }

  /** True when the base chain has a rule. */
  hasRules(): boolean {
    return this.base.first < this.base.end;
  }

  /** The start of the chain head with its name at `at`; undefined when the bytes there are something else. */
  private headNamedAt(at: number): number | undefined {
    const head = at - DATA - ENTRY[this.family].bytes;
    return head >= 0 && this.isHead(head) ? head : undefined;
  }

  private isHead(entry: number): boolean {
    const target = entry + ENTRY[this.family].bytes;
    return (
      u16At(this.bytes, entry + ENTRY[this.family].targetOffset) === ENTRY[this.family].bytes &&
      this.nameAt(target) === "ERROR"
    );
  }

  /**
   * The chain that the entry jumps to; undefined without a jump. A jump's target has no name, and the place
   * of the chain's first rule as its data; a negative number there is a verdict.
   */
  private chainLedTo(entry: number): string | undefined {
    const target = entry + u16At(this.bytes, entry + ENTRY[this.family].targetOffset);
    if (this.nameAt(target) !== "") return undefined;
    const head = (u32At(this.bytes, target + DATA) | 0) - ENTRY[this.family].bytes - HEAD_TARGET_BYTES;
    return head >= 0 && this.isHead(head)
      ? readText(this.bytes.subarray(head + ENTRY[this.family].bytes + DATA, this.next(head)))
      : undefined;
  }

  private sourceOf(entry: number): { address: Uint8Array; mask: Uint8Array } | undefined {
    const { address: length, mask: maskAt, flags } = ENTRY[this.family];
    const mask = this.bytes.subarray(entry + maskAt, entry + maskAt + length);
    if (mask.every((byte) => byte === 0) || ((this.bytes[entry + flags] ?? 0) & IPT_INV_SRCIP) !== 0)
      return undefined;
    return { address: this.bytes.subarray(entry, entry + length), mask };
  }

  private interfaceAt(at: number): string {
    return readText(this.bytes.subarray(at, at + INTERFACE_NAME_BYTES));
  }

  private commentOf(entry: number): string {
    return readText(this.matchOf(entry, "comment") ?? new Uint8Array());
  }

  private groupOf(entry: number, side: keyof typeof DEVGROUP): number | undefined {
    const info = this.matchOf(entry, "devgroup");
    const { flag, at } = DEVGROUP[side];
    return info !== undefined && (u32At(info, 0) & flag) !== 0 ? u32At(info, at) : undefined;
  }

  /** The data of the entry's match with this name. */
  private matchOf(entry: number, name: string): Uint8Array | undefined {
    const end = entry + u16At(this.bytes, entry + ENTRY[this.family].targetOffset);
    for (
      let match = entry + ENTRY[this.family].bytes;
      match < end;
      match += Math.max(DATA, u16At(this.bytes, match))
    ) {
      if (this.nameAt(match) === name)
        return this.bytes.subarray(match + DATA, match + u16At(this.bytes, match));
    }
    return undefined;
  }

  private nameAt(element: number): string {
    return readText(this.bytes.subarray(element + NAME, element + DATA));
  }

  /** The next entry, at least the size of an entry further on, whatever the bytes say. */
  private next(entry: number): number {
    return (
      entry + Math.max(ENTRY[this.family].bytes, u16At(this.bytes, entry + ENTRY[this.family].nextOffset))
    );
  }
}

/**
 * Reads one family of the table, which must exist: the kernel makes a table that is asked for. Throws
 * SystemError.
 */
export function readLegacyEntries(family: Family, { table, base }: TablePlace): LegacyEntries {
  return readLegacyTable(family, table)(base);
}

/**
 * As {@link readLegacyEntries}, for several base chains, each of which the table must have: the entries are
 * read once.
 */
export function readLegacyTable(family: Family, table: string): (base: LegacyBase) => LegacyEntries {
  const what = operationOf(family, table);
  using socket = new FileHandle(
    check(native.socket(family === 4 ? AF_INET : AF_INET6, SOCK_RAW, IPPROTO_RAW), what),
  );
  for (let attempt = 1; ; attempt++) {
    try {
      return readOnce(family, table, socket.fd);
    } catch (error) {
      // EAGAIN: the size of the table has changed between the two requests.
      if (!isErrno(error, "EAGAIN") || attempt === ATTEMPTS) throw error;
    }
  }
}

function operationOf(family: Family, table: string): string {
  return `read the legacy table ${table} of IPv${family}`;
}

function readOnce(family: Family, table: string, fd: number): (base: LegacyBase) => LegacyEntries {
  const what = operationOf(family, table);
  const ask = (option: number, buffer: Uint8Array): void => {
    buffer.set(textBytes(table));
    check(native.getsockopt(fd, family === 4 ? IPPROTO_IP : IPPROTO_IPV6, option, buffer), what);
  };
  const info = new Uint8Array(INFO.bytes);
  ask(IPT_SO_GET_INFO, info);
  const size = u32At(info, INFO.size);
  const all = new Uint8Array(ENTRIES.first + size);
  all.set(u32Bytes(size), ENTRIES.size);
  ask(IPT_SO_GET_ENTRIES, all);
  const entries = all.subarray(ENTRIES.first, ENTRIES.first + size);
  return (base) => {
    const first = u32At(info, INFO.hookEntry + 4 * HOOK[base]);
    const end = u32At(info, INFO.underflow + 4 * HOOK[base]);
    if (end > size) throw new SystemError(what, errnoOf("EINVAL"), "an offset lies outside of the table");
    return new LegacyEntries(family, entries, { first, end });
  };
}
