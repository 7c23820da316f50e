// A throw-away host for one contender: its own network, its own /run and /var/lib/cni, and the runner that
// starts programs in it. The kernel removes all of it when the runner ends, and that ends when its input
// does, however the bench ends.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { SYSTEM_PATH, toolPath } from "../test/support/tool.ts";

const PREPARE = `
  set -e
  mount -t tmpfs tmpfs /run
  mkdir -p /run/netns /run/bench /run/lock /var/lib/cni
  mount -t tmpfs tmpfs /var/lib/cni
  ip link set lo up
  exec "$0"
`;

/** A program to start, with its whole environment. Files are named as the host sees them. */
export interface Call {
  words: string[];
  env?: Record<string, string>;
  stdin?: string;
  stdout?: string;
  stderr?: string;
}

/** How one call went. */
export interface Timing {
  status: number;
  /** From the start to the end as the caller sees it. */
  ms: number;
  /** The same two moments on the wall clock, in microseconds. */
  startUs: number;
  endUs: number;
  peakMB: number;
  processorMs: number;
  /** Page faults that needed no disk, those of the caller's start of the process among them. */
  faults: number;
}

export interface Batch {
  timings: Timing[];
  /** From the first start to the last end. */
  ms: number;
}

/** Processor time of everything that was started, in milliseconds. */
let processorMs = 0;

export function usedProcessorMs(): number {
  return processorMs;
}

export class Host implements AsyncDisposable {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #ended: Promise<unknown>;
  readonly #lines: AsyncIterator<string>;

  private constructor(runner: string) {
    const args = ["--mount", "--net", "--propagation", "private", "sh", "-c", PREPARE, runner];
    this.#process = spawn(toolPath("unshare"), args, {
      stdio: ["pipe", "pipe", "inherit"],
      env: { PATH: SYSTEM_PATH },
    });
    this.#ended = once(this.#process, "close");
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** A new host; its runner answers. */
  static async open(runner: string): Promise<Host> {
    const host = new Host(runner);
    await host.must(["/bin/true"]);
    return host;
  }

  /** Starts all calls at once and waits for all of them. */
  async run(calls: Call[]): Promise<Batch> {
    this.#process.stdin.write([...calls.map(lineOf), "go\n"].join("\n"));
    const timings: Timing[] = [];
    for (const _ of calls) timings.push(readTiming(await this.#line()));
    for (const timing of timings) processorMs += timing.processorMs;
    return { timings, ms: Number((await this.#line()).split(" ")[1]) / 1e6 };
  }

  /** Runs a program that has to succeed; gives what it printed. */
  async must(words: string[], env: Record<string, string> = {}): Promise<string> {
    const stdout = "/run/bench/must.out";
    const stderr = "/run/bench/must.err";
    const { timings } = await this.run([{ words, env: { PATH: SYSTEM_PATH, ...env }, stdout, stderr }]);
    if (timings[0]?.status !== 0)
      throw new Error(
        `${words.join(" ")} failed in the throw-away host: ${this.read(stderr)}${this.read(stdout)}`,
      );
    return this.read(stdout);
  }

  /**
   * Makes namespaces as a runtime does: loopback up and nothing else. Those that only fill the node do
   * without.
   */
  async makePods(
    names: string[],
    loopback: "with loopback" | "without loopback" = "with loopback",
  ): Promise<void> {
    const file = "/run/bench/pods";
    this.write(file, names.map((name) => `netns add ${name}\n`).join(""));
    await this.must(["/sbin/ip", "-batch", file]);
    if (loopback === "with loopback")
      await this.must([
        "/bin/sh",
        "-c",
        `set -e; for pod in ${names.join(" ")}; do ip -n $pod link set lo up; done`,
      ]);
  }

  /** The path by which the bench itself reaches a file of the host. */
  outside(path: string): string {
    return `/proc/${this.#process.pid}/root${path}`;
  }

  read(path: string): string {
    return readFileSync(this.outside(path), "utf8");
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(this.outside(path)), { recursive: true });
    writeFileSync(this.outside(path), text);
  }

  async #line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error("the runner ended; its last words are above");
    return value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.stdin.end();
    await this.#ended;
  }
}

function lineOf({
  words,
  env = {},
  stdin = "/dev/null",
  stdout = "/dev/null",
  stderr = "/dev/null",
}: Call): string {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return [stdin, stdout, stderr, words.length, ...words, ...variables].join("\t");
}

function readTiming(line: string): Timing {
  const [status = -1, startUs = 0, endUs = 0, ns = 0, peakKB = 0, processorUs = 0, faults = 0] = line
    .split(" ")
    .map(Number);
  return {
    status,
    ms: ns / 1e6,
    startUs,
    endUs,
    peakMB: peakKB / 1024,
    processorMs: processorUs / 1e3,
    faults,
  };
}
