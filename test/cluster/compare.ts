// usage: scripts/test-cluster --compare
// The same cluster with the network of this repository, with that of the reference plugins (bridge,
// host-local, portmap; routes by hand), and with flannel: how fast pods start, how soon the first ping comes
// back, what the agent takes.
import { waitFor } from "../support/wait.ts";
import { startReference, stopReference } from "./support/by-hand.ts";
import { type FirstPing, PingWatch } from "./support/first-ping.ts";
import { startFlannel, stopFlannel } from "./support/flannel.ts";
import { apply, deploy, get, kubectl, node, remove, stage, type Thing } from "./support/stage.ts";
import { template } from "./support/web.ts";

const PODS = 50;
const ROUNDS = 3;

interface Figures {
  /** From the scaling to the last pod that is Ready. */
  startSeconds: number[];
  /** From the scaling to none being there. */
  stopSeconds: number[];
  /** Processor time of all nodes from the scaling to Ready. */
  cpuSeconds: number[];
  /** Of each pod: what its first ping to another one met. */
  pings: FirstPing[];
}

await kubectl(["delete", "daemonset,deployment,service", "--all", "--ignore-not-found"]);
await remove("-n", "kube-system", "deployment/coredns");
const pontoon = await measureOurs();
const reference = await measureReference();
const flannel = await measureFlannel();
print({ pontoon, reference, flannel });

async function measureOurs(): Promise<Figures> {
  await deploy("base");
  const figures = await measure();
  await printMemory("agent", "^/bin/node .*/pontoon-agent");
  await remove("-n", "kube-system", "daemonset/pontoon");
  for (const n of [1, 2]) await node(n).must("/opt/cni/bin/pontoon node remove");
  return figures;
}

async function measureReference(): Promise<Figures> {
  await startReference();
  await kubectl(["wait", "node", "--all", "--for=condition=Ready", "--timeout=60s"]);
  const figures = await measure();
  await stopReference();
  return figures;
}

async function measureFlannel(): Promise<Figures> {
  await startFlannel();
  await kubectl(["wait", "node", "--all", "--for=condition=Ready", "--timeout=60s"]);
  const figures = await measure();
  await printMemory("flanneld", "^/opt/bin/flanneld");
  await stopFlannel();
  return figures;
}

async function measure(): Promise<Figures> {
  const figures: Figures = { startSeconds: [], stopSeconds: [], cpuSeconds: [], pings: [] };
  await apply(deployment("target", "exec sleep 1000000", 2));
  await kubectl(["rollout", "status", "deployment/target", "--timeout=60s"]);
  const addresses = ((await get("pods", "-l", "app=target"))["items"] as Thing[]).map(
    ({ status }) => status["podIP"],
  );
  // Each pod pings one of the targets as the first thing.
  const line = `until ping -c 1 -W 5 ${addresses[0]}; do :; done; exec sleep 1000000`;
  await apply(deployment("many", line, 0));
  for (let round = 0; round < ROUNDS; round++) {
    await using watch = await PingWatch.start([1, 2]);
    const cpu = await processorSeconds();
    const begin = performance.now();
    await kubectl(["scale", "deployment/many", `--replicas=${PODS}`]);
    await count("readyReplicas", PODS);
    figures.startSeconds.push((performance.now() - begin) / 1000);
    figures.cpuSeconds.push((await processorSeconds()) - cpu);
    await waitFor("each pod's ping is answered", () => watch.answered().size === PODS, 60_000, 100);
    figures.pings.push(...watch.answered().values());
    const end = performance.now();
    await kubectl(["scale", "deployment/many", "--replicas=0"]);
    await waitFor(
      "all pods have gone",
      async () => (await get("pods", "-l", "app=many"))["items"].length === 0,
      120_000,
      100,
    );
    figures.stopSeconds.push((performance.now() - end) / 1000);
  }
  await remove("deployment/many", "deployment/target");
  await waitFor("all pods have gone", async () => (await get("pods"))["items"].length === 0, 60_000, 100);
  return figures;
}

async function count(field: string, wanted: number): Promise<void> {
  await waitFor(
    `${field} is ${wanted}`,
    async () => ((await get("deployment", "many"))["status"][field] ?? 0) === wanted,
    180_000,
    100,
  );
}

/** User and system time of all processes of both nodes since they began, ended ones too. */
async function processorSeconds(): Promise<number> {
  let sum = 0;
  for (const n of [1, 2]) sum += Number(await stage(["processor-time", `${n}`])) / 1e6;
  return sum;
}

/** Prints what such a program takes on each node, as the kernel counts it: its own memory, and all of it. */
async function printMemory(name: string, pattern: string): Promise<void> {
  for (const field of ["RssAnon", "VmRSS"]) {
    const line = `grep ${field} /proc/$(pgrep -f '${pattern}')/status | tr -dc 0-9`;
    const figures = await Promise.all([1, 2].map((n) => node(n).must(line)));
    console.log(`${name}, ${field}, MB:`, figures.map((text) => (Number(text) / 1000).toFixed(1)).join(", "));
  }
}

function deployment(app: string, line: string, replicas: number): Thing {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: app },
    spec: { replicas, selector: { matchLabels: { app } }, template: template(app, line) },
  };
}

function print(all: Record<string, Figures>): void {
  const median = (list: number[]): number =>
    [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN;
  for (const [name, { startSeconds, stopSeconds, cpuSeconds, pings }] of Object.entries(all))
    console.log(
      `${name.padEnd(10)} ${PODS} pods Ready in ${median(startSeconds).toFixed(1)} s ` +
        `(${(PODS / median(startSeconds)).toFixed(1)} pods/s), gone in ${median(stopSeconds).toFixed(1)} s; ` +
        `processor time of the nodes ${median(cpuSeconds).toFixed(1)} s; ` +
        `first ping of ${pings.length} pods answered after ` +
        `${median(pings.map(({ waitedMs }) => waitedMs)).toFixed(2)} ms, ` +
        `the slowest ${Math.max(...pings.map(({ waitedMs }) => waitedMs)).toFixed(1)} ms, ` +
        `${pings.reduce((sum, { lost }) => sum + lost, 0)} lost`,
    );
}
