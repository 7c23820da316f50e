// The agent's metrics, in the text format of Prometheus.
// Its parts and not the whole of prom-client: default metrics, the push gateway and clusters cost 5 MB.
import Counter from "prom-client/lib/counter.js";
import Gauge from "prom-client/lib/gauge.js";
import Histogram from "prom-client/lib/histogram.js";
import Registry from "prom-client/lib/registry.js";

/** Every metric of the agent. docs/kubernetes.md describes them. */
export function openMetrics(version: string) {
  const registry = new Registry();
  const registers = [registry];
  const gauge = <T extends string>(name: string, help: string, labelNames: T[] = []): Gauge<T> =>
    new Gauge({ name: `pontoon_agent_${name}`, help, labelNames, registers });
  const counter = <T extends string>(name: string, help: string, labelNames: T[] = []): Counter<T> =>
    new Counter({ name: `pontoon_agent_${name}`, help, labelNames, registers });
  const metrics = {
    applies: counter("applies_total", "Applies of the wish, by result", ["result"]),
    applySeconds: new Histogram({
      name: "pontoon_agent_apply_duration_seconds",
      help: "Time of one apply",
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    lastSuccess: gauge("last_apply_success_timestamp_seconds", "Time of the last apply that was done"),
    changes: counter("changes_total", "Things that applies have changed, by action", ["action"]),
    nodes: gauge("cluster_nodes", "Nodes of the cluster"),
    routes: gauge("routes", "Routes to pods of other nodes in the wish"),
    tunnelPeers: gauge("tunnel_peers", "Nodes behind the tunnel in the wish"),
    problems: gauge("problems", "Problems of now, by code", ["code"]),
    api: counter("api_events_total", "What the list and watch of nodes has seen", ["event"]),
    apiUp: gauge("api_reachable", "1 when the API server answered the last request"),
    watchRestarts: counter("node_watch_restarts_total", "Restarts of pontoon node watch"),
    nodeChanges: counter("node_changes_total", "Changes of the node by others, by what changed", ["what"]),
    events: counter("events_total", "Events of the Node, by result", ["result"]),
    findings: gauge("findings", "Findings of pontoon doctor, by code", ["code", "severity", "repairable"]),
    repairs: counter("repairs_total", "Things that care has collected, repaired or restored", ["what"]),
    careSeconds: gauge("care_last_success_timestamp_seconds", "Time of the last look of care"),
    ready: gauge("ready", "1 when the node's network is as wished"),
    memory: new Gauge({
      name: "process_resident_memory_bytes",
      help: "Resident memory of the agent",
      registers,
      collect() {
        this.set(process.memoryUsage.rss());
      },
    }),
    cpu: new Counter({
      name: "process_cpu_seconds_total",
      help: "Processor time of the agent",
      registers,
      collect() {
        const { user, system } = process.cpuUsage();
        this.reset();
        this.inc((user + system) / 1e6);
      },
    }),
  };
  gauge("build_info", "1, with the version", ["version"]).set({ version }, 1);
  return { ...metrics, registry };
}

export type Metrics = ReturnType<typeof openMetrics>;
