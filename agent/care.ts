// Care for the attachments of this node: what runtimes leave behind is collected, faults are told and mended.
import * as z from "zod/mini";
import { pause } from "./api/backoff.ts";
import type { Log } from "./log.ts";
import type { Executable } from "./node/executable.ts";
import { Trigger } from "./node/trigger.ts";
import type { Settings } from "./settings.ts";

/** A fault that `pontoon doctor` has found. */
export interface Finding {
  /** The kind, as docs/doctor.md lists them. */
  code: string;
  subject: string;
  severity: "error" | "warning" | "note";
  sentence: string;
  cure?: string | undefined;
  advice?: string | undefined;
  repairable: boolean;
}

/** Who hears of care. */
export interface CareWatcher {
  /** Something was mended or collected: `collected`, `repaired` or `restored`. */
  mended(what: "collected" | "repaired" | "restored", sentences: readonly string[]): void;
  /** All findings of now. */
  found(findings: readonly Finding[]): void;
  looked(): void;
}

/** The parts of care. */
export interface CareParts {
  executable: Executable;
  settings: Settings;
  watcher: CareWatcher;
  log: Log;
}

const thing = z.object({
  kind: z.string(),
  network: z.optional(z.string()),
  containerId: z.optional(z.string()),
  pod: z.optional(z.string()),
  reason: z.optional(z.string()),
});
const cleaned = z.object({ removed: z.array(thing) });

const finding = z.object({
  code: z.string(),
  subject: z.string(),
  severity: z.enum(["error", "warning", "note"]),
  sentence: z.string(),
  cure: z.optional(z.string()),
  advice: z.optional(z.string()),
  repairable: z._default(z.boolean(), false),
});
const examined = z.object({
  findings: z.array(finding),
  repaired: z.optional(z.array(z.string())),
  blind: z.optional(z.array(z.object({ examination: z.string(), reason: z.string() }))),
});

const LIMIT_MS = 120_000;

/** Care, until the abort. */
export class Care {
  readonly #parts: CareParts;
  readonly #restores = new Trigger({ quietMs: 200, mostMs: 1000 });

  constructor(parts: CareParts) {
    this.#parts = parts;
  }

  /** Something of the node has changed: pods may have lost rules. */
  nodeChanged(): void {
    this.#restores.poke();
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#look(signal), this.#restore(signal)]);
  }

  async #look(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#attempt(() => this.#collect());
      await this.#attempt(() => this.#examine());
      await pause(this.#parts.settings["care-interval"], signal);
    }
  }

  async #restore(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#restores.due(signal);
      if (signal.aborted) return;
      await this.#attempt(async () => {
        const { status, stdout, stderr } = await this.#parts.executable.call(["restore"], {
          limitMs: LIMIT_MS,
        });
        const lines = stdout.split("\n").filter((line) => line !== "" && !line.endsWith("nothing to do"));
        if (lines.length > 0) this.#parts.watcher.mended("restored", lines);
        if (status !== 0) throw new Error(`pontoon restore: ${stderr.trim().split("\n")[0]}`);
      });
    }
  }

  /** Takes down attachments whose namespace is gone: containerd never asks for that (GC). */
  async #collect(): Promise<void> {
    const { executable, settings, watcher } = this.#parts;
    const words = ["clean", "--yes", "--json", "--bin-dir", settings["bin-dir"]];
    const { removed } = z.parse(cleaned, await executable.json(words, { limitMs: LIMIT_MS }));
    const sentences = removed.map(
      ({ kind, pod, containerId, network, reason }) =>
        `${kind} of ${pod ?? containerId ?? "nobody"} in network ${network ?? "?"}: ${reason ?? "gone"}`,
    );
    if (sentences.length > 0) watcher.mended("collected", sentences);
  }

  async #examine(): Promise<void> {
    const { executable, settings, watcher, log } = this.#parts;
    const folders = ["--conf-dir", settings["conf-dir"], "--bin-dir", settings["bin-dir"]];
    const words = ["doctor", "--repair", "--json", ...folders];
    const {
      findings,
      repaired = [],
      blind = [],
    } = z.parse(examined, await executable.json(words, { limitMs: LIMIT_MS }));
    if (repaired.length > 0) watcher.mended("repaired", repaired);
    for (const { examination, reason } of blind) log.debug("blind", `${examination}: ${reason}`);
    watcher.found(findings);
    watcher.looked();
  }

  async #attempt(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.#parts.log.warn("care-failed", (error as Error).message);
    }
  }
}
