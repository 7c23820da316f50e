// The agent's life: the executable installed, the cluster watched, the node kept as the cluster wants it.
import { Backoff, pause } from "./api/backoff.ts";
import { EventTeller } from "./api/events.ts";
import { Api } from "./api/http.ts";
import { ListWatch, type Watcher } from "./api/list-watch.ts";
import { Care, type CareWatcher, type Finding } from "./care.ts";
import { type ClusterNode, NODES } from "./cluster/node-object.ts";
import { kebabCase } from "./cluster/problem.ts";
import { type Readiness, serveHealth } from "./health.ts";
import { Plugin } from "./install.ts";
import type { Log } from "./log.ts";
import { type Metrics, openMetrics } from "./metrics.ts";
import { Executable } from "./node/executable.ts";
import { ProblemBook } from "./node/problems.ts";
import { type PassWatcher, Reconciler } from "./node/reconcile.ts";
import { Trigger } from "./node/trigger.ts";
import { watchNode } from "./node/watch.ts";
import { watchFolders } from "./node/watch-folders.ts";
import type { Settings } from "./settings.ts";
import { VERSION } from "./version.ts";

/** The API server of the settings. */
export function apiOf(settings: Settings): Api {
  return new Api({
    url: settings.api,
    serviceAccount: settings["service-account"],
    userAgent: `pontoon-agent/${VERSION}`,
  });
}

/** The cluster's nodes, kept like the API server's. */
export function nodesOf(api: Api, log: Log, watcher: Watcher): ListWatch<ClusterNode> {
  return new ListWatch(api, NODES, { log, watcher });
}

/** Works until the abort. On it nothing is taken away. */
export async function runAgent(settings: Settings, log: Log, signal: AbortSignal): Promise<void> {
  const name = settings["node-name"];
  log.info("started", `pontoon-agent ${VERSION} on node ${name}`, {
    node: name,
    backend: settings.backend,
    api: settings.api.href,
  });
  const metrics = openMetrics(VERSION);
  const readiness: Readiness = {
    isInstalled: false,
    isApplied: false,
    reason: "the plugin is not installed yet",
  };
  const executable = new Executable(settings.pontoon, settings["conf-dir"]);
  const api = apiOf(settings);
  const trigger = new Trigger();
  const list = nodesOf(api, log, {
    changed: () => trigger.poke(),
    reached: (isReached) => metrics.apiUp.set(Number(isReached)),
    count: (event) => metrics.api.inc({ event }),
  });
  const events = new EventTeller(
    {
      api,
      log,
      mode: settings.events,
      node: () => list.items?.get(name),
      count: (result) => metrics.events.inc({ result }),
    },
    signal,
  );
  const warn = ({ code, text }: { code: string; text: string }): void =>
    events.tell({ type: "Warning", code, note: text });
  const problems = new ProblemBook(log, warn);
  const plugin = new Plugin(executable, { binDir: settings["bin-dir"], confDir: settings["conf-dir"] });
  const reconciler = new Reconciler({
    settings,
    executable,
    trigger,
    problems,
    log,
    nodes: () => list.items,
    prepare: () => ensurePlugin(plugin, log),
    watcher: passWatcher({ metrics, readiness, problems, warn, log }),
  });
  const care = settings.care
    ? new Care({ executable, settings, log, watcher: careWatcher(name, { metrics, events, warn, log }) })
    : undefined;
  const watcher = {
    changed: (what: string): void => {
      metrics.nodeChanges.inc({ what });
      log.debug("node-changed", `the node has changed: ${what}`);
      reconciler.nodeChanged(what);
      care?.nodeChanged();
    },
    restarted: () => metrics.watchRestarts.inc(),
  };
  const early = [
    settings.listen !== "none" &&
      serveHealth(settings.listen, { readiness, registry: metrics.registry, log }, signal),
    list.run(signal),
  ];
  await install(plugin, { log, readiness, signal });
  await Promise.all([
    ...early,
    reconciler.run(signal),
    watchNode(settings.pontoon, { log, watcher }, signal),
    watchFolders([settings["conf-dir"], settings["bin-dir"]], () => trigger.poke(), signal),
    care?.run(signal),
  ]);
}

/** Installs the plugin, before anything refers to it; tries until it is done. */
async function install(
  plugin: Plugin,
  { log, readiness, signal }: { log: Log; readiness: Readiness; signal: AbortSignal },
): Promise<void> {
  const backoff = new Backoff({ firstMs: 1000, mostMs: 30_000 });
  while (!signal.aborted)
    try {
      await ensurePlugin(plugin, log);
      readiness.isInstalled = true;
      readiness.reason = "no wish was applied yet";
      return;
    } catch (error) {
      const wait = backoff.next();
      readiness.reason = (error as Error).message;
      log.error("install-failed", readiness.reason, { retryMs: wait });
      await pause(wait, signal);
    }
}

async function ensurePlugin(plugin: Plugin, log: Log): Promise<void> {
  const failed = (reason: string): void =>
    log.error("install-failed", `${reason}; the plugin of before stays meanwhile`);
  for (const line of await plugin.ensure(failed)) log.info("installed", line);
}

/** Says a warning as an Event. */
type Warn = (problem: { code: string; text: string }) => void;

function passWatcher({
  metrics,
  readiness,
  problems,
  warn,
  log,
}: {
  metrics: Metrics;
  readiness: Readiness;
  problems: ProblemBook;
  warn: Warn;
  log: Log;
}): PassWatcher {
  const tell = (): void => {
    metrics.problems.reset();
    for (const [code, count] of problems.counts()) metrics.problems.set({ code }, count);
    metrics.ready.set(Number(readiness.isApplied && readiness.isInstalled));
  };
  return {
    passed({ seconds, applied, wish, nodes }) {
      metrics.applies.inc({ result: applied.refused.length === 0 ? "done" : "refused" });
      metrics.applySeconds.observe(seconds);
      metrics.lastSuccess.setToCurrentTime();
      for (const { action } of applied.changed) metrics.changes.inc({ action });
      metrics.nodes.set(nodes);
      metrics.routes.set(wish.routes.length);
      metrics.tunnelPeers.set(wish.tunnel?.peers.length ?? 0);
      // A peer without a way is no reason: the node's own pods work.
      const refusal = applied.refused.find(({ what }) => /^(conflist|masquerade|forwarding)/.test(what));
      readiness.isApplied ||= refusal === undefined;
      readiness.reason = refusal === undefined ? "ok" : `${refusal.what}: ${refusal.reason}`;
      tell();
    },
    failed() {
      metrics.applies.inc({ result: "failed" });
      if (!readiness.isApplied) readiness.reason = "the apply fails; the log says why";
      tell();
    },
    idle(reason) {
      readiness.isApplied = false;
      readiness.reason = reason;
      tell();
    },
    moved(text) {
      log.warn("pod-cidr-changed", text);
      warn({ code: "pod-cidr-changed", text });
    },
  };
}

/** A finding with its subject, and what mends it. */
function textOf({ subject, sentence, cure, advice }: Finding): string {
  const mend = cure === undefined ? advice : `To mend it: ${cure}`;
  return mend === undefined ? `${subject}: ${sentence}` : `${subject}: ${sentence}. ${mend}`;
}

function careWatcher(
  node: string,
  { metrics, events, warn, log }: { metrics: Metrics; events: EventTeller; warn: Warn; log: Log },
): CareWatcher {
  const findings = new ProblemBook(log, warn);
  return {
    mended(what, sentences) {
      metrics.repairs.inc({ what }, sentences.length);
      for (const sentence of sentences) log.info(what, sentence);
      events.tell({ type: "Normal", code: what, note: sentences.join("; ") });
    },
    found(all) {
      metrics.findings.reset();
      for (const { code, severity, repairable } of all)
        metrics.findings.inc({ code: kebabCase(code), severity, repairable: String(repairable) });
      findings.set(
        all
          .filter(({ severity }) => severity !== "note")
          .map((finding) => ({
            code: `finding-${kebabCase(finding.code)}` as const,
            node,
            text: textOf(finding),
          })),
      );
    },
    looked: () => metrics.careSeconds.setToCurrentTime(),
  };
}
