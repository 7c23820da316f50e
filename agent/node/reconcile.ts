// The node made as the cluster wants it, again and again: one pass at a time, the last state wins.
import { parsePrefixes } from "../../src/ip/prefix.ts";
import { Backoff, pause } from "../api/backoff.ts";
import { type Cluster, readCluster } from "../cluster/members.ts";
import type { ClusterNode } from "../cluster/node-object.ts";
import { kebabCase, type Problem } from "../cluster/problem.ts";
import { decide, probeOf, type Wish } from "../cluster/wish.ts";
import type { Log } from "../log.ts";
import { giveBackMemory } from "../memory.ts";
import type { Settings } from "../settings.ts";
import { DirectWays } from "./direct.ts";
import { type Applied, type Executable, ExecutableError } from "./executable.ts";
import type { ProblemBook } from "./problems.ts";
import type { Trigger } from "./trigger.ts";
import { hasPortAbove, mtuOf } from "./uplink.ts";

/** Who hears of passes. */
export interface PassWatcher {
  passed(pass: { seconds: number; applied: Applied; wish: Wish; nodes: number }): void;
  failed(): void;
  /** There is nothing to apply, for this reason: the node has no podCIDR, say, or is none of the cluster. */
  idle(reason: string): void;
  /** The node's own podCIDRs are others than before. */
  moved(text: string): void;
}

/** The parts of a reconciler. */
export interface Parts {
  settings: Settings;
  executable: Executable;
  nodes: () => ReadonlyMap<string, ClusterNode> | undefined;
  trigger: Trigger;
  problems: ProblemBook;
  watcher: PassWatcher;
  log: Log;
  /** What has to be there before a pass. Throws ExecutableError. */
  prepare(): Promise<void>;
}

/** An apply without a reason, against whatever nobody heard of. */
const SAFETY_MS = 60_000;
/** The time between the beginnings of two passes, where another program undoes each. */
const LEAST_MS = 500;
/** What may change ways to other nodes, of what `pontoon node watch` tells. */
const OF_WAYS = ["routes", "tunnel", "links", "addresses", "unknown"];

/** Applies the wish at each reason, until the abort. */
export class Reconciler {
  readonly #parts: Parts;
  readonly #direct: DirectWays;
  readonly #backoff = new Backoff({ firstMs: 1000, mostMs: 30_000 });
  #subnets: readonly string[] = [];
  #begun = Number.NEGATIVE_INFINITY;
  /** The last configuration without a mistake. */
  #right = "";

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#direct = new DirectWays(parts.executable);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { trigger } = this.#parts;
    for (;;) {
      await trigger.due(signal);
      if (signal.aborted) return;
      await pause(Math.max(0, this.#begun + LEAST_MS - performance.now()), signal);
      this.#begun = performance.now();
      const isDone = await this.pass();
      if (isDone) this.#backoff.reset();
      if (!trigger.hasReason) giveBackMemory();
      trigger.pokeAfter(isDone ? SAFETY_MS : this.#backoff.next());
    }
  }

  /** Something of the node itself has changed: ways may be others. */
  nodeChanged(what: string): void {
    if (OF_WAYS.includes(what)) this.#direct.forget();
    this.#parts.trigger.poke();
  }

  /** The wish of now, as `decide` gives it; undefined before the first list. Throws ExecutableError. */
  async decide(): Promise<ReturnType<typeof decide> | undefined> {
    const { nodes, settings } = this.#parts;
    const all = nodes();
    if (all === undefined) return undefined;
    const range = parsePrefixes(settings["cluster-cidr"]);
    const cluster = readCluster(all, settings["node-name"], range);
    await this.#askWays(cluster);
    return decide(cluster, settings, {
      isDirect: (address) => this.#direct.isDirect(address),
      mtuOf,
      hasPortAbove,
    });
  }

  async #askWays(cluster: Cluster): Promise<void> {
    const { own } = cluster;
    const { backend } = this.#parts.settings;
    if (own === undefined || own.subnets.length === 0 || (backend !== "auto" && backend !== "routes")) return;
    await this.#direct.ask(probeOf(own, cluster));
  }

  /** One pass. False when it has to be done again. */
  async pass(): Promise<boolean> {
    const { problems, executable, watcher, log } = this.#parts;
    try {
      const decision = await this.decide();
      if (decision === undefined) return true;
      await this.#parts.prepare();
      if (decision.wish === undefined) {
        problems.set(decision.problems);
        watcher.idle(decision.none?.text ?? "");
        return true;
      }
      const mistakes = await this.#mistakesIn(decision.wish);
      if (mistakes.length > 0) {
        problems.set([...decision.problems, wrongConflist(mistakes, this.#parts.settings["node-name"])]);
        watcher.failed();
        return false;
      }
      this.#tellSubnets(decision.wish);
      const begin = performance.now();
      const applied = await executable.apply(decision.wish);
      const seconds = (performance.now() - begin) / 1000;
      tellChanges(applied, log);
      this.#askAgain(applied);
      problems.set([...decision.problems, ...problemsOf(applied, this.#parts.settings["node-name"])]);
      watcher.passed({ seconds, applied, wish: decision.wish, nodes: this.#parts.nodes()?.size ?? 0 });
      return true;
    } catch (error) {
      problems.addFailure(problemOf(error, this.#parts.settings["node-name"]));
      watcher.failed();
      return false;
    }
  }

  /** Rules of routing and other tables change ways as well, and nobody tells of them: a refusal shows it. */
  #askAgain({ refused }: Applied): void {
    if (this.#direct.isFresh || !refused.some(({ code }) => code === "noDirectWay")) return;
    this.#direct.forget();
    this.#parts.trigger.poke();
  }

  /** What Pontoon would refuse in the configuration, above all by --conflist-patch. */
  async #mistakesIn({ conflist }: Wish): Promise<string[]> {
    if (conflist === undefined || conflist.content === this.#right) return [];
    const mistakes = await this.#parts.executable.mistakesIn(conflist.content);
    if (mistakes.length === 0) this.#right = conflist.content;
    return mistakes;
  }

  /** Pods keep the addresses of the subnets in which they began. */
  #tellSubnets({ podSubnets }: Wish): void {
    if (this.#subnets.some((subnet) => !podSubnets.includes(subnet)))
      this.#parts.watcher.moved(
        `the podCIDRs of this node were ${this.#subnets.join(", ")} and are ${podSubnets.join(", ")}; pods that run keep their old addresses, which other nodes no longer reach: make them anew`,
      );
    this.#subnets = podSubnets;
  }
}

/** The changes of one apply that have a line of their own: a large cluster has thousands at first. */
const MOST_CHANGES = 50;

/** Tells the first changes, and the last one, which may be the configuration. */
function tellChanges({ changed }: Applied, log: Log): void {
  const first = changed.slice(0, MOST_CHANGES);
  for (const { what, action } of first) log.info("changed", `${what}: ${action}`);
  const last = changed.slice(MOST_CHANGES).at(-1);
  if (last === undefined) return;
  const rest = changed.length - MOST_CHANGES;
  log.info("changed", `and ${rest} more by the same apply, the last ${last.what}: ${last.action}`);
}

function problemsOf({ refused, notes }: Applied, node: string): Problem[] {
  return [
    ...onceNoWay(refused).map(
      ({ what, code, reason }): Problem => ({
        code: `refused-${kebabCase(code)}`,
        node,
        text: `${what}: ${reason}`,
      }),
    ),
    ...notes.map(({ code, text }): Problem => ({ code: `note-${kebabCase(code)}`, node, text })),
  ];
}

/** An uplink that is down is one problem, and not one for each of its routes. */
function onceNoWay(refused: Applied["refused"]): Applied["refused"] {
  const lost = refused.filter(({ code }) => code === "noWay");
  const [first] = lost;
  if (first === undefined || lost.length === 1) return refused;
  const what = `${lost.length} routes, the first of them ${first.what}`;
  const reason = "the node has no way to these addresses now; its uplink may be down";
  return [...refused.filter(({ code }) => code !== "noWay"), { ...first, what, reason }];
}

function wrongConflist(mistakes: readonly string[], node: string): Problem {
  const text = `the configuration would be wrong, so nothing was applied; look at --conflist-patch: ${mistakes.join("; ")}`;
  return { code: "wrong-conflist", node, text };
}

function problemOf(error: unknown, node: string): Problem {
  const isWrong = error instanceof ExecutableError && error.wrong.length > 0;
  return { code: isWrong ? "wrong-wish" : "apply-failed", node, text: (error as Error).message };
}
