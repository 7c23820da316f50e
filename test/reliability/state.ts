// The state of a host and of the pods on it: what test/support/snapshot.ts sees, and beside it queues,
// filters, forwarding entries, flows, and all that the resident pod has and reaches.
import type { Place } from "../support/place.ts";
import { snapshot } from "../support/snapshot.ts";
import type { Snapshot } from "../support/snapshot-part.ts";
import { Snapshot as SnapshotOf } from "../support/snapshot-part.ts";
import type { Thing } from "../support/thing.ts";
import type { Pod, World } from "../support/world.ts";
import type { Variant } from "./variant.ts";

/** Everything of the world that a plugin may change, and what a pod that nobody touches has of it. */
export async function stateOf(world: World, resident: Pod, { facts }: Variant): Promise<Snapshot> {
  const [all, ...more] = await Promise.all([
    snapshot(world),
    queueThings(world.host),
    residentThings(resident),
    flowThings(world.host),
    facts(world.host, resident).then((lines) => things("fact", lines.join("\n"))),
  ]);
  return all.plus(new SnapshotOf(more.flat())).mapped(withoutIndex);
}

/**
 * A table of source based routing is named by the index of its interface, which is another one on a new end.
 */
function withoutIndex(thing: Thing): Thing {
  return { ...thing, line: thing.line.replace(/\b(table|lookup) 100\d\d\b/, "$1 own") };
}

/** Queues, filters and forwarding entries that somebody set, each by one line. */
async function queueThings(host: Place): Promise<Thing[]> {
  const script = `
    tc qdisc show | grep -v noqueue | sed 's/ refcnt [0-9]*//'
    bridge fdb show | grep -E 'static|permanent' | grep -vE '33:33|01:00:5e|vlan' | sed 's/^/fdb /'`;
  return things("queue", await host.must(["sh", "-c", script]));
}

/** The resident's routing rules, and what a snapshot does not tell of its interface. */
async function residentThings(resident: Pod): Promise<Thing[]> {
  const script = `
    ip -4 rule show; ip -6 rule show
    ip -o link show dev eth0 2> /dev/null | grep -oE '(link/ether|qlen) [0-9a-f:]+|PROMISC|ALLMULTI'
    cat /proc/sys/net/ipv4/conf/eth0/arp_filter 2> /dev/null | sed 's/^/arp_filter /'`;
  return things("resident", (await resident.must(["sh", "-c", script])).replaceAll(/^(?=.)/gm, "resident: "));
}

/** Flows of UDP that are led by a host port: each would go on to the pod for as long as packets come. */
async function flowThings(host: Place): Promise<Thing[]> {
  const text = await host.must([
    "sh",
    "-c",
    "grep -E 'udp .*dport=80(80|81) ' /proc/self/net/nf_conntrack || true",
  ]);
  const tuples = [...text.matchAll(/src=.*/g)].map(
    ([line]) => `flow ${line.replaceAll(/\[\w+\] |mark=.*/g, "")}`,
  );
  return things("flow", tuples.join("\n"));
}

function things(kind: string, text: string): Thing[] {
  return text
    .split("\n")
    .map((line) => line.replaceAll(/\s+/g, " ").trim())
    .filter((line) => line !== "")
    .map((line) => ({ kind, line, name: line }));
}
