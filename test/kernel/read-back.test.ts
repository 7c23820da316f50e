// Tables of ours, read back rule by rule: they are as they were made, also when `nft` has saved and loaded
// them, and each alteration is seen.
import { expect, test } from "vitest";
import { executeBatch } from "../../src/nft/batch.ts";
import { hairpinChain, sharedHairpinChain } from "../../src/nft/hairpin-chain.ts";
import { portLayout } from "../../src/nft/host-port-layout.ts";
import { INGRESS_LAYOUT } from "../../src/nft/ingress-layout.ts";
import { MASQUERADE_LAYOUT, networkChain, sharedNetworkChain } from "../../src/nft/layout.ts";
import { conditionChain, sharedConditionChain } from "../../src/nft/port-condition.ts";
import { isTableAsMade, missingOrAltered } from "../../src/nft/read-back.ts";
import { ARP_CHECK, BRIDGE_CHECK, NODE_CHECK } from "../../src/nft/spoof-layout.ts";
import type { SharedChain, TableLayout } from "../../src/nft/table-layout.ts";
import { prefix } from "../support/ip.ts";
import { Netns } from "../support/netns.ts";

const SUBNETS = ["10.1.0.0/24", "10.0.0.0/13", "fd01::/64", "fd01:2::/47"].map(prefix);
const CONDITIONS = conditionChain(4, [{ field: "saddr", value: "10.0.0.0/13", not: false }]);
const TABLES: { layout: TableLayout; chains: SharedChain[] }[] = [
  {
    layout: portLayout(13),
    chains: [sharedHairpinChain(hairpinChain("net", SUBNETS)), sharedConditionChain(CONDITIONS)],
  },
  { layout: MASQUERADE_LAYOUT, chains: [sharedNetworkChain(networkChain("net", SUBNETS))] },
  { layout: INGRESS_LAYOUT, chains: [] },
  { layout: BRIDGE_CHECK.layout, chains: [] },
  { layout: NODE_CHECK.layout, chains: [] },
  { layout: ARP_CHECK.layout, chains: [] },
];
const named = TABLES.map((table) => [table.layout.table.title, table] as const);

function made({ layout, chains }: (typeof TABLES)[number]): Netns {
  const host = Netns.open();
  for (const messages of [
    layout.tableMessages(),
    ...chains.map((chain) => chain.messages()),
    layout.ruleMessages(),
  ])
    executeBatch(host.rules, messages);
  return host;
}

test.each(named)("table %s is as it was made, also when nft has saved and loaded it", (_, table) => {
  using host = made(table);
  expect([missingOrAltered(host.rules, table), isTableAsMade(host.rules, table.layout)]).toEqual([[], true]);
  const saved = host.run("nft list ruleset");
  host.run("nft flush ruleset");
  expect(missingOrAltered(host.rules, table)).toEqual(["table", ...table.chains.map(({ name }) => name)]);
  host.run("nft -f -", saved);
  expect(missingOrAltered(host.rules, table)).toEqual([]);
});

test.each(named)("each rule of table %s that is replaced is seen, wherever it stands", (title, table) => {
  using host = made(table);
  const listed = host.run(`nft -a list table ${title}`);
  let chain = "";
  let seen = 0;
  for (const line of listed.split("\n")) {
    chain = /^\tchain (\S+) \{/.exec(line)?.[1] ?? chain;
    const [, rule = "", handle = ""] = /^\t\t(?!type)(\S.*?) # handle (\d+)$/.exec(line) ?? [];
    if (rule === "" || chain === "") continue;
    const instead = rule === "accept" ? "drop" : "accept";
    host.run(`nft replace rule ${title} ${chain} handle ${handle} ${instead}`);
    const part = table.chains.some(({ name }) => name === chain) ? chain : "table";
    expect([line, missingOrAltered(host.rules, table)]).toEqual([line, [part]]);
    host.run(`nft replace rule ${title} ${chain} handle ${handle} ${rule}`);
    expect([line, missingOrAltered(host.rules, table)]).toEqual([line, []]);
    seen++;
  }
  expect(seen).toBeGreaterThanOrEqual(table.layout.rules.reduce((sum, [, count]) => sum + count, 0));
});

test.each(named)("table %s that sleeps, or a chain of it that drops, is seen", (title, table) => {
  using host = made(table);
  const [[chain = ""] = []] = table.layout.rules.filter(([name]) =>
    new RegExp(`chain ${name} \\{\\n\\t\\ttype`).test(host.run(`nft list table ${title}`)),
  );
  host.run(`nft chain ${title} ${chain} { policy drop; }`);
  expect(missingOrAltered(host.rules, table)).toEqual(["table"]);
  host.run(`nft chain ${title} ${chain} { policy accept; }`);
  expect(missingOrAltered(host.rules, table)).toEqual([]);
  host.run("nft -f -", `add table ${title} { flags dormant; }`);
  expect(missingOrAltered(host.rules, table)).toEqual(["table"]);
});

test("another prefix in a rule is seen, one that ends with a byte and one that does not", () => {
  const [, table] = named[1]!;
  using host = made(table);
  const { name = "" } = table.chains[0] ?? {};
  for (const [from, to] of [
    ["10.1.0.0/24", "10.2.0.0/24"],
    ["10.0.0.0/13", "10.8.0.0/13"],
    ["10.0.0.0/13", "10.0.0.0/12"],
  ] as const) {
    const listed = host.run("nft -a list table inet pontoon");
    const [, handle = ""] = new RegExp(`ip daddr ${from} return # handle (\\d+)`).exec(listed) ?? [];
    host.run(`nft replace rule inet pontoon ${name} handle ${handle} ip daddr ${to} return`);
    expect(missingOrAltered(host.rules, table)).toEqual([name]);
    host.run(`nft replace rule inet pontoon ${name} handle ${handle} ip daddr ${from} return`);
    expect(missingOrAltered(host.rules, table)).toEqual([]);
  }
});

test("a table as an earlier release laid it out is whole by the number of its rules alone", () => {
  using host = made({ layout: BRIDGE_CHECK.layout, chains: [] });
  host.run("nft add rule bridge pontoon prerouting accept");
  expect(isTableAsMade(host.rules, BRIDGE_CHECK.layout)).toBe(false);
  expect(isTableAsMade(host.rules, { ...BRIDGE_CHECK.layout, earlier: [[["prerouting", 19]]] })).toBe(true);
});
