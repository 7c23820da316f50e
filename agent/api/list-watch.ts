// A list of objects that is kept like the API server's: listed by pages, then watched.
import * as z from "zod/mini";
import type { Log } from "../log.ts";
import { giveBackMemory } from "../memory.ts";
import { ApiError } from "./api-error.ts";
import { Backoff, pause } from "./backoff.ts";
import type { Api } from "./http.ts";

/** The times and sizes of a list and watch. Tests make them small. */
export interface Pace {
  /** Objects a page. */
  page: number;
  /** The longest time for a page. */
  pageMs: number;
  /** How long the server is asked to keep a watch open, at random between both. */
  watchSeconds: [least: number, most: number];
  /** A watch without a byte for so long is dead. The server sends a bookmark about every minute. */
  silenceMs: number;
  /** A watch that lived so long was a success. */
  healthyMs: number;
  firstPauseMs: number;
  mostPauseMs: number;
}

export const PACE: Pace = {
  page: 100,
  pageMs: 120_000,
  watchSeconds: [300, 600],
  silenceMs: 150_000,
  healthyMs: 10_000,
  firstPauseMs: 500,
  mostPauseMs: 30_000,
};

/** What is listed, and what of each object is kept. */
export interface Kind<T> {
  /** In words, as in "list nodes". */
  plural: string;
  path: string;
  /** The part of an object that is kept; undefined for one that cannot be read. */
  read(object: unknown): Kept<T> | undefined;
}

/** An object's name, and what is kept of it. */
export interface Kept<T> {
  name: string;
  value: T;
}

/** What happens while a list is kept. */
export interface Watcher {
  /** Something that is kept has changed; or it is the first list. */
  changed(): void;
  /** The server was reached (true), or was not (false). */
  reached(isReached: boolean): void;
  count(event: "list" | "watch" | "event" | "gone" | "failure"): void;
}

const listSchema = z.object({
  metadata: z.object({ resourceVersion: z.string(), continue: z.optional(z.string()) }),
});

const eventSchema = z.object({
  type: z.string(),
  object: z.looseObject({
    metadata: z.optional(
      z.looseObject({ resourceVersion: z.optional(z.string()), name: z.optional(z.string()) }),
    ),
  }),
});

const statusSchema = z.looseObject({
  code: z.optional(z.number()),
  message: z.optional(z.string()),
  reason: z.optional(z.string()),
});

/** After so many failures in a row the version is given up: it might be the reason. */
const MOST_TRIES_OF_A_VERSION = 5;

/** Keeps what the API server has of one kind. */
export class ListWatch<T> {
  #items: Map<string, T> | undefined;
  readonly #api: Api;
  readonly #kind: Kind<T>;
  readonly #watcher: Watcher;
  readonly #log: Log;
  readonly #pace: Pace;
  readonly #backoff: Backoff;
  #version: string | undefined;
  #page: number;
  #lastFailure = "";

  constructor(
    api: Api,
    kind: Kind<T>,
    { log, watcher, pace = PACE }: { log: Log; watcher: Watcher; pace?: Pace },
  ) {
    this.#api = api;
    this.#kind = kind;
    this.#log = log;
    this.#watcher = watcher;
    this.#pace = pace;
    this.#page = pace.page;
    this.#backoff = new Backoff({ firstMs: pace.firstPauseMs, mostMs: pace.mostPauseMs });
  }

  /** What is kept, by name; undefined until the first list. */
  get items(): ReadonlyMap<string, T> | undefined {
    return this.#items;
  }

  /** Works until the abort. Fails never: what goes wrong is logged and tried again. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#version === undefined) await this.#list(signal);
        await this.#watch(signal);
      } catch (error) {
        if (signal.aborted) return;
        await pause(this.#failed(error), signal);
      }
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const found = new Map<string, T>();
    let next: string | undefined;
    let version = "";
    do {
      const answer = await this.#api.list(
        {
          what: `list ${this.#kind.plural}`,
          path: this.#kind.path,
          query: { limit: this.#page, continue: next },
          signal,
          limitMs: this.#pace.pageMs,
        },
        (item) => {
          const kept = this.#kind.read(item);
          if (kept !== undefined) found.set(kept.name, kept.value);
        },
      );
      const page = parse(listSchema, answer, "list");
      version = page.metadata.resourceVersion;
      next = page.metadata.continue || undefined;
      giveBackMemory();
    } while (next !== undefined);
    this.#watcher.count("list");
    this.#version = version;
    const isChanged = this.#items === undefined || !isSame(this.#items, found);
    this.#items = found;
    this.#reached();
    this.#log.debug("listed", `the API server has ${found.size} ${this.#kind.plural}`, { version });
    if (isChanged) this.#watcher.changed();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const [least, most] = this.#pace.watchSeconds;
    const seconds = Math.round(least + Math.random() * (most - least));
    const begin = performance.now();
    // The server ends the watch at its time; one that outlives it by far is cut off here.
    const limit = AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000 + this.#pace.silenceMs)]);
    // Events alone are no success: a server that sends one and ends would be asked without a pause.
    const isHealthy = (): boolean => performance.now() - begin >= this.#pace.healthyMs;
    this.#watcher.count("watch");
    let events = 0;
    for await (const line of this.#api.stream({
      what: `watch ${this.#kind.plural}`,
      path: this.#kind.path,
      query: {
        watch: 1,
        allowWatchBookmarks: "true",
        resourceVersion: this.#version,
        timeoutSeconds: seconds,
      },
      signal: limit,
      silenceMs: this.#pace.silenceMs,
      opened: () => this.#reached(),
    })) {
      this.#take(line);
      events += 1;
      if (isHealthy()) this.#backoff.reset();
    }
    if (isHealthy()) this.#backoff.reset();
    else if (events > 0) await pause(this.#backoff.next(), signal);
    else throw new ApiError("failed", `the API server ended the watch of ${this.#kind.plural} at once`);
  }

  #take(line: unknown): void {
    const { type, object } = parse(eventSchema, line, "watch");
    if (type === "ERROR") throw errorOfEvent(object);
    const version = object.metadata?.resourceVersion;
    if (version !== undefined && version !== "") this.#version = version;
    if (type === "BOOKMARK") return;
    this.#watcher.count("event");
    if (type === "DELETED") return this.#remove(object.metadata?.name);
    if (type !== "ADDED" && type !== "MODIFIED")
      return this.#log.warn("unknown-event", `the API server sent an event of unknown type ${type}`);
    const kept = this.#kind.read(object);
    // An object that can no longer be read is none that one could rely on.
    if (kept === undefined) return this.#remove(object.metadata?.name);
    if (isEqual(this.#items?.get(kept.name), kept.value)) return;
    this.#items?.set(kept.name, kept.value);
    this.#watcher.changed();
  }

  #remove(name: string | undefined): void {
    if (name !== undefined && this.#items?.delete(name)) this.#watcher.changed();
  }

  #reached(): void {
    if (this.#lastFailure !== "") this.#log.info("api-back", "the API server answers again");
    this.#lastFailure = "";
    this.#watcher.reached(true);
  }

  /** Logs a failure, the same one once; gives the wait before the next try. */
  #failed(error: unknown): number {
    const failure =
      error instanceof ApiError ? error : new ApiError("failed", String(error), { cause: error });
    if (failure.failure === "gone") {
      this.#version = undefined;
      this.#watcher.count("gone");
      this.#log.info("list-again", `${failure.message}; listing anew`);
      return this.#backoff.failures === 0 ? (this.#backoff.next(), 0) : this.#backoff.next();
    }
    this.#watcher.count("failure");
    if (failure.failure === "too-large") this.#page = Math.max(1, this.#page >> 1);
    if (this.#backoff.failures >= MOST_TRIES_OF_A_VERSION) this.#version = undefined;
    const wait = this.#backoff.next(failure.retryAfterMs);
    const isNew = this.#lastFailure !== failure.message;
    this.#log[isNew ? "warn" : "debug"](`api-${failure.failure}`, failure.message, { retryMs: wait });
    this.#lastFailure = failure.message;
    this.#watcher.reached(false);
    return wait;
  }
}

function parse<S extends z.ZodMiniType>(schema: S, value: unknown, of: string): z.infer<S> {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const [first] = error.issues;
  throw new ApiError(
    "garbage",
    `the API server's answer to a ${of} is none: ${first?.path.join(".")}: ${first?.message}`,
  );
}

function errorOfEvent(object: unknown): ApiError {
  const { code, message = "without a reason", reason } = statusSchema.parse(object);
  const isGone = code === 410 || reason === "Expired" || reason === "Gone";
  return new ApiError(isGone ? "gone" : "failed", `the API server ended the watch: ${message}`);
}

function isSame<T>(one: ReadonlyMap<string, T>, other: ReadonlyMap<string, T>): boolean {
  return one.size === other.size && [...one].every(([name, value]) => isEqual(other.get(name), value));
}

function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
