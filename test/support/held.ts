// A call that stands still before one exact system call, for as long as a test wants. strace holds it there:
// it looks on from the side (-D), so the call is the test's own child as ever, and goes on by itself when
// strace is ended.
import { readFileSync, statSync } from "node:fs";
import { NOBODY, type PluginCall, pluginEnvironment, type Verb } from "./cni.ts";
import { pluginInput } from "./network.ts";
import { type BackgroundProcess, describe, type Outcome } from "./process.ts";
import type { Moment } from "./strace.ts";
import { toolPath } from "./tool.ts";
import { waitFor } from "./wait.ts";
import { PLUGIN_FOLDER, type World } from "./world.ts";

/** The delay outlasts every scene: time lets nobody go. */
const DELAY_US = 300_000_000;
const LIMIT_MS = 60_000;

/** The lock of what all networks of the node share. While a held call has it, others wait for it. */
export const NODE_LOCK = "/var/lib/cni/pontoon/.lock";

/** The same, and the lock of a network's leases. */
export const locksOf = (network: string): string[] => [`/var/lib/cni/networks/${network}/lock`, NODE_LOCK];

/** Each held call has a trace of its own, so that several may stand at once. */
let traces = 0;

/**
 * A call of the plugin that stands right before the `count`-th system call of `kind` of its first thread. All
 * that the call did before is done; the system call itself has not begun: no packet is sent, no file made, no
 * lock taken. Disposing of it kills the call, wherever it is.
 */
export class Held implements AsyncDisposable {
  /** How the call ends. */
  readonly outcome: Promise<Outcome>;
  readonly #moment: Moment;
  readonly #call: BackgroundProcess;
  readonly #world: World;
  /** The path of its trace inside the world. */
  readonly #trace: string;
  #ended: Outcome | undefined;
  #isReleased = false;

  constructor(world: World, call: BackgroundProcess, moment: Moment, trace: string) {
    this.#world = world;
    this.#call = call;
    this.#moment = moment;
    this.#trace = trace;
    this.outcome = call.finish().then((outcome) => {
      world.diary.push(describe(outcome));
      return (this.#ended = outcome);
    });
  }

  /** The process id of the call. */
  get pid(): number {
    return this.#call.pid;
  }

  /** True once the call has ended, with or without having stood still. */
  get isOver(): boolean {
    return this.#ended !== undefined;
  }

  /** True while the call stands still: its trace ends in the middle of the line of that system call. */
  get stands(): boolean {
    if (this.isOver || this.#isReleased) return false;
    const lines = this.#world.has(this.#trace) ? this.#world.read(this.#trace).split("\n") : [];
    return lines.length === this.#moment.count && lines.at(-1) !== "";
  }

  /**
   * True while the call has the exclusive lock of that file of the world, by the kernel's word (/proc/locks).
   */
  holdsLock(path: string): boolean {
    if (!this.#world.has(path)) return false;
    const inode = statSync(this.#world.outside(path)).ino;
    return new RegExp(`FLOCK +ADVISORY +WRITE ${this.pid} [0-9a-f]+:[0-9a-f]+:${inode} `).test(
      readFileSync("/proc/locks", "utf8"),
    );
  }

  /** Waits until the call stands still or is over. */
  async settle(): Promise<void> {
    await waitFor(`the call ${this.#name} or is over`, () => this.stands || this.isOver, LIMIT_MS);
  }

  /** Throws unless the call has stood still from the first moment until now. */
  mustStand(): void {
    if (!this.stands)
      throw new Error(
        `No call ${this.#name}.\n${this.#ended === undefined ? "It was not held there, or was let go." : describe(this.#ended)}`,
      );
  }

  /** Lets the call go on, and gives its outcome. Throws unless it has stood still until now. */
  async goOn(): Promise<Outcome> {
    this.mustStand();
    this.#release();
    return this.outcome;
  }

  /**
   * Plays something else while the call stands, then lets the call go on. Where the call holds one of
   * `locks`, for which the other one would wait, both go on at once; `wasBeside` is true when the other one
   * ran from its beginning to its end while the call stood.
   */
  async meanwhile(
    play: () => Promise<unknown>,
    locks: string[],
  ): Promise<{ outcome: Outcome; wasBeside: boolean }> {
    const wasBeside = !locks.some((path) => this.holdsLock(path));
    if (wasBeside) await play();
    const [outcome] = await Promise.all([this.goOn(), wasBeside ? undefined : play()]);
    return { outcome, wasBeside };
  }

  /** Kills the call before that system call. Throws unless it has stood still until now. */
  async kill(): Promise<void> {
    this.mustStand();
    await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const strace = this.#tracer();
    const stopped = this.#call.stop("SIGKILL");
    this.#release(strace);
    await stopped;
    await this.outcome;
  }

  get #name(): string {
    return `stands still before ${this.#moment.kind} ${this.#moment.count}`;
  }

  /** The process id of strace; undefined when it looks on no more. */
  #tracer(): number | undefined {
    if (this.#isReleased || this.isOver) return undefined;
    return (
      Number(
        /^TracerPid:\t([1-9]\d*)$/m.exec(readFileSync(`/proc/${this.pid}/status`, "utf8"))?.[1] ?? NaN,
      ) || undefined
    );
  }

  /** Ends strace; the kernel then lets the call go on where it stands. */
  #release(strace = this.#tracer()): void {
    this.#isReleased = true;
    if (strace !== undefined) process.kill(strace, "SIGKILL");
  }
}

/**
 * Starts a call of the plugin and resolves once it stands still before that system call. Throws when the call
 * ends before.
 */
export async function holdAt(world: World, verb: Verb, call: PluginCall, moment: Moment): Promise<Held> {
  return standing(await holdAtOrEnd(world, verb, call, moment));
}

/** The same for another command line, such as `pontoon restore`. */
export async function holdCommandAt(world: World, command: string[], moment: Moment): Promise<Held> {
  return standing(await holdCommandAtOrEnd(world, command, moment));
}

/** For `atEveryMoment`: `isOver` says whether the call ended before that system call. */
export async function holdAtOrEnd(world: World, verb: Verb, call: PluginCall, moment: Moment): Promise<Held> {
  const input = {
    env: pluginEnvironment(verb, call),
    stdin: call.stdin ?? pluginInput(call.network, call.more ?? (verb === "GC" ? NOBODY : {})),
  };
  return start(world, [`${PLUGIN_FOLDER}/pontoon`], moment, { ...input, through: call.through ?? [] });
}

/** The same for another command line. */
export async function holdCommandAtOrEnd(world: World, command: string[], moment: Moment): Promise<Held> {
  return start(world, command, moment, { env: {}, stdin: "", through: [] });
}

interface Input {
  env: Record<string, string>;
  stdin: string;
  /** The words in front of it all. */
  through: string[];
}

async function start(
  world: World,
  command: string[],
  moment: Moment,
  { env, stdin, through }: Input,
): Promise<Held> {
  const { kind, count } = moment;
  const trace = `/run/world/held-${++traces}`;
  // Only the first thread is watched, as in strace.ts. Signals are no lines of the trace: each line is one
  // system call.
  const strace = [
    toolPath("strace"),
    "-D",
    "-qq",
    "-o",
    trace,
    "-e",
    "signal=none",
    "-e",
    `trace=${kind}`,
    "-e",
    `inject=${kind}:delay_enter=${DELAY_US}:when=${count}`,
  ];
  const process = world.host.start([...through, ...strace, ...command], { env, timeoutMs: 2 * LIMIT_MS });
  process.write(stdin);
  const held = new Held(world, process, moment, trace);
  await held.settle();
  return held;
}

async function standing(held: Held): Promise<Held> {
  held.mustStand();
  return held;
}
