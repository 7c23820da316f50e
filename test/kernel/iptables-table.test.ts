// Table nat of iptables, in both variants: what is found there is what iptables put in, and what is taken out
// is gone for it.
import { expect, test } from "vitest";
import { parseAddress } from "../../src/ip/address.ts";
import { formatPrefix } from "../../src/ip/prefix.ts";
import { legacyTable } from "../../src/iptables/legacy-table.ts";
import { nftablesTable } from "../../src/iptables/nftables-table.ts";
import { removeReferenceChain, removeStaleReferenceChains } from "../../src/iptables/reference-chain.ts";
import { type IptablesTable, type Jump, NAT, removeJumps } from "../../src/iptables/table.ts";
import { Netns } from "../support/netns.ts";

const FAMILIES = [
  {
    family: 4 as const,
    program: "iptables",
    sources: ["10.1.0.2/32", "10.1.0.0/24", "10.1.16.0/20", "10.0.0.0/9"],
    from: ["10.1.0.2", "10.1.0.3"],
  },
  {
    family: 6 as const,
    program: "ip6tables",
    sources: ["fd01::2/128", "fd01::/64", "fd01:0:0:8000::/49", "fd00::/9"],
    from: ["fd01::2", "fd01::3"],
  },
];

const VARIANTS = FAMILIES.flatMap((one) =>
  ["nft", "legacy"].map((variant) => ({
    ...one,
    variant,
    iptables: `${one.program}-${variant} -t nat`,
    save: `${one.program}-${variant}-save -t nat`,
  })),
);

/** The table, looked at from inside of a namespace. */
function tableOf(netns: Netns, variant: string, family: 4 | 6): IptablesTable | undefined {
  return variant === "nft" ? nftablesTable(netns.rules, family, NAT) : legacyTable(family, NAT);
}

test.each(VARIANTS)(
  "$program-$variant: chains, what leads to them, and from where",
  ({ variant, family, iptables, sources }) => {
    using netns = Netns.open();
    netns.inside(() => {
      make(netns, iptables, [
        "-N CNI-a",
        "-N CNI-b",
        "-A CNI-a -j RETURN",
        ...sources.map((source) => `-A POSTROUTING -s ${source} -m comment --comment ${QUOTED} -j CNI-a`),
        "-A POSTROUTING -o lo -j CNI-b",
        `-A POSTROUTING -s ${sources[0]} -j ACCEPT`,
      ]);
      const table = tableOf(netns, variant, family)!;
      expect([table.countUses("CNI-a"), table.countUses("CNI-b"), table.countUses("CNI-c")]).toEqual([
        1 + sources.length,
        1,
        undefined,
      ]);
      expect(table.listChains("CNI-").sort()).toEqual(["CNI-a", "CNI-b"]);
      expect(table.listChains("DOCKER")).toEqual([]);
      const jumps = table.listJumps("CNI-");
      expect(jumps.map(shown)).toEqual([
        ...sources.map((source) => `${source} to CNI-a: ${COMMENT}`),
        "anywhere to CNI-b: ",
      ]);
      expect(table.listJumps("CNI-b").map(shown)).toEqual(["anywhere to CNI-b: "]);
    });
  },
);

test.each(VARIANTS)(
  "$program-$variant: some of what leads to a chain goes, and the chain with the last of it",
  ({ variant, family, iptables, save, sources }) => {
    using netns = Netns.open();
    netns.inside(() => {
      make(netns, iptables, [
        "-N CNI-a",
        "-A CNI-a -j RETURN",
        ...sources.map((source) => `-A POSTROUTING -s ${source} -j CNI-a`),
        "-A POSTROUTING -j ACCEPT",
      ]);
      const table = tableOf(netns, variant, family)!;
      const rules = (): string[] =>
        netns
          .run(save)
          .split("\n")
          .filter((line) => /^-A|^:CNI/.test(line))
          .map((line) => line.replace(/ \[.*/, ""));
      expect(removeJumps(table, "CNI-b", () => true)).toBe(false);
      expect(removeJumps(table, "CNI-a", ({ source }) => formatPrefix(source!) === sources[0])).toBe(true);
      expect(rules()).toEqual([
        ":CNI-a -",
        ...sources.slice(1).map((source) => `-A POSTROUTING -s ${source} -j CNI-a`),
        "-A POSTROUTING -j ACCEPT",
        "-A CNI-a -j RETURN",
      ]);
      expect(removeJumps(table, "CNI-a", () => false)).toBe(true);
      expect(removeJumps(table, "CNI-a", () => true)).toBe(true);
      expect(rules()).toEqual(["-A POSTROUTING -j ACCEPT"]);
      expect(removeJumps(table, "CNI-a", () => true)).toBe(false);
    });
  },
);

test.each(VARIANTS)(
  "$program-$variant: what leads to a chain whose name only begins so stays, and so does that chain",
  ({ variant, family, iptables, save }) => {
    using netns = Netns.open();
    netns.inside(() => {
      make(netns, iptables, [
        "-N CNI-eth1",
        "-N CNI-eth10",
        "-A CNI-eth10 -j RETURN",
        "-A POSTROUTING -o eth1 -j CNI-eth1",
        "-A POSTROUTING -o eth10 -j CNI-eth10",
      ]);
      expect(removeJumps(tableOf(netns, variant, family)!, "CNI-eth1", () => true)).toBe(true);
      const rules = netns
        .run(save)
        .split("\n")
        .filter((line) => /^-A|^:CNI/.test(line))
        .map((line) => line.replace(/ \[.*/, ""));
      expect(rules).toEqual([
        ":CNI-eth10 -",
        "-A POSTROUTING -o eth10 -j CNI-eth10",
        "-A CNI-eth10 -j RETURN",
      ]);
    });
  },
);

test.each(VARIANTS)(
  "$program-$variant: a chain that others lead to as well stays, and that is an error",
  ({ variant, family, iptables }) => {
    using netns = Netns.open();
    netns.inside(() => {
      make(netns, iptables, ["-N CNI-a", "-N OTHER", "-A OTHER -j CNI-a"]);
      const table = tableOf(netns, variant, family)!;
      expect(() => removeJumps(table, "CNI-a", () => true)).toThrow(/EBUSY/);
      expect(table.countUses("CNI-a")).toBe(variant === "nft" ? 1 : 0);
    });
  },
);

test.each(VARIANTS)(
  "$program-$variant: chains of the reference plugin by their hash, for one address or for all but those of other interfaces",
  ({ variant, family, iptables, from }) => {
    using netns = Netns.open();
    netns.inside(() => {
      // printf podsid1 | sha512sum | cut -c -24
      const chain = "CNI-ebd6412d5f7d9b492da9fba3";
      const rules = [
        `-N ${chain}`,
        ...from.map((address) => `-A POSTROUTING -s ${address} -m comment --comment ${QUOTED} -j ${chain}`),
      ];
      make(netns, iptables, rules);
      const table = tableOf(netns, variant, family)!;
      const [first, second] = from.map((text) => parseAddress(text)!);
      removeReferenceChain([table], { network: "pods", containerId: "other" }, () => {
        throw new Error("asked for nothing");
      });
      removeReferenceChain([table], { network: "pods", containerId: "id1" }, () => ({ only: [second!] }));
      expect(table.listJumps("CNI-").map(({ source }) => formatPrefix(source!).split("/")[0])).toEqual([
        from[0],
      ]);
      removeReferenceChain([table], { network: "pods", containerId: "id1" }, () => ({ only: [first!] }));
      expect(table.listChains("CNI-")).toEqual([]);
      make(netns, iptables, rules);
      removeReferenceChain([table], { network: "pods", containerId: "id1" }, () => ({ except: [first!] }));
      expect(table.listJumps("CNI-").map(({ source }) => formatPrefix(source!).split("/")[0])).toEqual([
        from[0],
      ]);
      removeStaleReferenceChains([table], "other", () => false);
      removeStaleReferenceChains([table], "pods", (id) => id === "id1");
      expect(table.listChains("CNI-")).toEqual([chain]);
      removeStaleReferenceChains([table], "pods", () => false);
      expect(table.listChains("CNI-")).toEqual([]);
    });
  },
);

test("a host that never had a legacy table has none for us either, and gets none by our look", () => {
  using netns = Netns.open();
  netns.inside(() => {
    for (const family of [4, 6] as const) expect(legacyTable(family, NAT)).toBeUndefined();
    expect(netns.run("cat /proc/self/net/ip_tables_names /proc/self/net/ip6_tables_names")).not.toContain(
      "nat",
    );
  });
});

/** The comment of the reference plugin, and for the shell. */
const COMMENT = 'name: "pods" id: "id1"';
const QUOTED = `'${COMMENT}'`;

function make(netns: Netns, iptables: string, rules: string[]): void {
  netns.run("sh -e", rules.map((rule) => `${iptables} ${rule}\n`).join(""));
}

function shown({ source, chain, comment }: Jump): string {
  return `${source === undefined ? "anywhere" : formatPrefix(source)} to ${chain}: ${comment}`;
}
