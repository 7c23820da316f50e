// All that a network namespace holds, as the programs of the system say it: for tests that nothing has
// changed.
import type { Netns } from "../support/netns.ts";

/** Left out is what runs by itself: timers of bridges and ports, the count of connections. */
const SCRIPT = `
cd /proc/sys/net
ip -d -o link show | sed -E 's/ [a-z_]+_timer +[0-9.]+//g'
ip -o address show
for family in -4 -6; do
  ip $family -d route show table all
  ip $family rule show
done
tc qdisc show
for link in $(ip -o link show | sed -E 's/^[0-9]+: ([^:@]+).*/\\1/'); do
  tc filter show dev $link ingress 2>/dev/null
done
bridge -d link show
bridge vlan show 2>&1
nft -s -a list ruleset
cat /proc/net/ip_tables_names /proc/net/ip6_tables_names 2>/dev/null | sed 's/^/legacy table /'
grep -rs '' . | grep -v nf_conntrack_count
true
`;

/**
 * Links, addresses, routes, policy rules, queueing, packet rules with their numbers, the tables of the legacy
 * iptables, and every setting below /proc/sys/net.
 */
export function kernelLines(netns: Netns): string[] {
  return netns
    .run("sh", SCRIPT)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** What came (`+`) and went (`-`) between two moments. */
export function differenceOf(before: readonly string[], after: readonly string[]): string[] {
  const [then, now] = [new Set(before), new Set(after)];
  return [
    ...before.filter((line) => !now.has(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !then.has(line)).map((line) => `+ ${line}`),
    ...(before.length === after.length ? [] : [`${before.length} lines became ${after.length}`]),
  ];
}
