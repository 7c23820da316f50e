// The state of a host and of the pods on it: what test/support/snapshot.ts sees, and beside it queues,
// filters, forwarding entries, flows, and whether the resident pod is reached.
import type { Place } from "../support/place.ts";
import { snapshot } from "../support/snapshot.ts";
import type { Snapshot } from "../support/snapshot-part.ts";
import { Snapshot as SnapshotOf } from "../support/snapshot-part.ts";
import type { Thing } from "../support/thing.ts";
import { pings } from "../support/traffic.ts";
import type { Pod, World } from "../support/world.ts";

/** Everything of the world that a plugin may change, and what a pod that nobody touches has of it. */
export async function stateOf(world: World, resident: Pod): Promise<Snapshot> {
  const [all, ...more] = await Promise.all([
    snapshot(world),
    queueThings(world.host),
    ruleThings(resident),
    flowThings(world.host),
    reachThings(resident),
  ]);
  return all.plus(new SnapshotOf(more.flat()));
}

/** Queues, filters and forwarding entries that somebody set, each by one line. */
async function queueThings(host: Place): Promise<Thing[]> {
  const script = `
    tc qdisc show | grep -v noqueue | sed 's/ refcnt [0-9]*//'
    bridge fdb show | grep -E 'static|permanent' | grep -vE '33:33|01:00:5e|vlan' | sed 's/^/fdb /'`;
  return things("queue", await host.must(["sh", "-c", script]));
}

/** The routing rules of a pod. */
async function ruleThings(pod: Pod): Promise<Thing[]> {
  const text = await pod.must(["sh", "-c", "ip -4 rule show; ip -6 rule show"]);
  return things("rule", text.replaceAll(/^/gm, `${pod.name}: rule `));
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

async function reachThings(resident: Pod): Promise<Thing[]> {
  const [own4, gateway6] = await Promise.all([pings(resident, "10.1.0.1"), pings(resident, "fd01::1")]);
  return things("reach", `resident reaches IPv4: ${own4}\nresident reaches IPv6: ${gateway6}`);
}

function things(kind: string, text: string): Thing[] {
  return text
    .split("\n")
    .map((line) => line.replaceAll(/\s+/g, " ").trim())
    .filter((line) => line !== "")
    .map((line) => ({ kind, line, name: line }));
}
