// `pontoon node watch`: the executable says when somebody has changed what it keeps on the node.
import * as z from "zod/mini";
import { Backoff, pause } from "../api/backoff.ts";
import { linesOf } from "../api/lines.ts";
import type { Log } from "../log.ts";
import { startProgram } from "./program.ts";

/** What happens to the watch. */
export interface NodeWatcher {
  /** Something has changed: rules, routes, links or another thing that the line names. */
  changed(what: string): void;
  restarted(): void;
}

const line = z.union([z.object({ ready: z.literal(true) }), z.object({ changed: z.string() })]);

const MOST_OF_LINE = 64 << 10;
/** A watch that lived so long was a success. */
const HEALTHY_MS = 10_000;

/**
 * Watches until the abort; a watch that ends is started again. It ends with its stdin, so it does not outlive
 * the agent.
 */
export async function watchNode(
  path: string,
  { log, watcher }: { log: Log; watcher: NodeWatcher },
  signal: AbortSignal,
): Promise<void> {
  const backoff = new Backoff({ firstMs: 1000, mostMs: 60_000 });
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    const begin = performance.now();
    if (!isFirst) watcher.restarted();
    const reason = await watchOnce(path, watcher, signal);
    if (signal.aborted) return;
    if (performance.now() - begin >= HEALTHY_MS) backoff.reset();
    const level = backoff.failures === 0 ? "warn" : "debug";
    const wait = backoff.next();
    log[level]("watch-ended", `pontoon node watch has ended: ${reason}`, { retryMs: wait });
    // Changes of the time without a watch were heard by nobody.
    watcher.changed("unknown");
    await pause(wait, signal);
  }
}

async function watchOnce(path: string, watcher: NodeWatcher, signal: AbortSignal): Promise<string> {
  const child = await startProgram(path, ["node", "watch"]).catch((error: Error) => error);
  if (child instanceof Error) return child.message;
  const ended = new Promise<string>((done) => {
    child.on("close", (status, killed) => done(killed ?? `status ${status}`));
  });
  const kill = (): boolean => child.kill("SIGKILL");
  signal.addEventListener("abort", kill);
  if (signal.aborted) kill();
  let errors = "";
  child.stdin.on("error", () => undefined);
  child.stderr.on("data", (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-1000);
  });
  try {
    for await (const text of linesOf(child.stdout as AsyncIterable<Uint8Array>, MOST_OF_LINE)) {
      const read = line.safeParse(JSON.parse(text));
      if (read.success && "changed" in read.data) watcher.changed(read.data.changed);
    }
  } catch (error) {
    kill();
    errors = `${(error as Error).message} ${errors}`;
  }
  const how = await ended;
  signal.removeEventListener("abort", kill);
  return errors.trim().split("\n")[0] || how;
}
