// A cluster of the real kind that scripts/kind-up has made, as it is for its user.
import { beforeAll, expect, test } from "vitest";
import { waitFor } from "../../support/wait.ts";
import { apply, get, rolledOut, stage, type Thing, tryStage } from "../support/stage.ts";
import { daemonSet, fetchLine, inPod, mustInPod, PORT, SERVER, service } from "../support/web.ts";

const NODES = ["pontoon-control-plane", "pontoon-worker", "pontoon-worker2"];

/** The pod of the server "web" on each node, in the order of their names. */
let pods: { name: string; node: string; ips: string[] }[] = [];

beforeAll(async () => {
  await apply([daemonSet("web", SERVER), service("web", "web")]);
  await rolledOut("daemonset/web");
  // It starts when the first node is Ready, so after kind-up has ended.
  await rolledOut("deployment/coredns", "kube-system");
  const { items } = await get("pods", "-l", "app=web");
  pods = (items as Thing[])
    .map(({ metadata, spec, status }) => ({
      name: metadata["name"] as string,
      node: spec["nodeName"] as string,
      ips: (status["podIPs"] as { ip: string }[]).map(({ ip }) => ip),
    }))
    .sort((a, b) => a.node.localeCompare(b.node));
});

test("all nodes are Ready, by Pontoon's configuration alone", async () => {
  const { items } = await get("nodes");
  const states = (items as Thing[]).map(({ metadata, status }) => [
    metadata["name"],
    (status["conditions"] as Thing[]).find(({ type }) => type === "Ready")?.["status"],
  ]);
  expect(states).toEqual(NODES.map((name) => [name, "True"]));
  for (const name of NODES) expect(await onNode(name, "ls /etc/cni/net.d")).toBe("10-pontoon.conflist\n");
});

test("pods of every node have addresses of both families in its subnets", async () => {
  expect(pods.map(({ node }) => node)).toEqual(NODES);
  for (const { node, ips } of pods) {
    const subnets = (await get("node", node))["spec"].podCIDRs as string[];
    expect(ips).toHaveLength(2);
    expect(subnets.map(start)).toEqual(ips.map(start));
  }
});

test("a pod reaches the pods of all nodes by both families, and a service by its name", async () => {
  const asker = pods[1]?.name ?? "";
  for (const { node, ips } of pods)
    for (const ip of ips) expect(await mustInPod(asker, fetchLine(ip, PORT))).toBe(node);
  // kube-proxy makes the way to the service in its own time.
  await waitFor(
    "a service answers by its name",
    async () =>
      NODES.includes((await inPod(asker, fetchLine("web.default.svc.cluster.local", 80))).stdout.trim()),
    20_000,
    500,
  );
});

test("a pod reaches what is outside of the cluster: podman's DNS server, which knows the nodes by name", async () => {
  const address = await onNode(NODES[0] ?? "", "hostname -i");
  const answer = await mustInPod(pods[1]?.name ?? "", `nslookup ${NODES[0]}.dns.podman`);
  expect(address.split(/\s+/).some((one) => one !== "" && answer.includes(one))).toBe(true);
});

test("kind-up refuses a name that is taken, and says what takes the cluster away", async () => {
  const { status, stderr } = await tryStage(["in", "scripts/kind-up"]);
  expect(status).toBe(1);
  expect(stderr).toContain('there is a cluster "pontoon" already. "kind delete cluster --name pontoon"');
});

test("kind-up tells by kind's own words that it does not reach what KIND_EXPERIMENTAL_PROVIDER names", async () => {
  const { status, stderr } = await tryStage([
    "in",
    "env",
    "KIND_EXPERIMENTAL_PROVIDER=nerdctl",
    "scripts/kind-up",
  ]);
  expect(status).toBe(1);
  expect(stderr).toContain('"nerdctl": executable file not found');
  expect(stderr).toContain("kind does not reach what it runs nodes with");
});

test("kind-up refuses a machine that does not forward, and says what switches it on", async () => {
  const set = (value: number) => `sysctl -qw net.ipv4.ip_forward=${value}`;
  const line = `${set(0)}; scripts/kind-up --name other; status=$?; ${set(1)}; exit $status`;
  const { status, stderr } = await tryStage(["in", "sh", "-c", line]);
  expect(status).toBe(1);
  expect(stderr).toContain("kind-up: IPv4 forwarding is off");
  expect(stderr).toContain("sysctl -w net.ipv4.ip_forward=1");
});

/** The first half of an address: the part that all pods of a node share. */
function start(address: string): string {
  const parts = address.split(/[.:/]/);
  return parts.slice(0, address.includes(":") ? 4 : 3).join();
}

/** Runs a line of the shell in a node of kind. */
function onNode(name: string, line: string): Promise<string> {
  return stage(["in", "podman", "exec", name, "sh", "-c", line]);
}
