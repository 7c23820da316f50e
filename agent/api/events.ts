// Events of the Node object, for people who look by kubectl: few, and each said once (events.k8s.io/v1). They
// wait while the API server is away, so many and so long.
import { randomBytes } from "node:crypto";
import type { Log } from "../log.ts";
import { ApiError } from "./api-error.ts";
import { Backoff, pause } from "./backoff.ts";
import type { Api } from "./http.ts";

/** An event as it happens. */
export interface Happening {
  type: "Normal" | "Warning";
  /** A code in kebab case; the event's reason is the same in camel case. */
  code: string;
  note: string;
}

/** The Node that events are about. */
export interface Regarded {
  name: string;
  uid: string;
}

/** The times and numbers of a teller. Tests make them small. */
export interface EventPace {
  /** New events an hour. */
  mostAnHour: number;
  /** The time between two repetitions of one. */
  repeatMs: number;
  /** Events that wait; the oldest goes for one more. */
  mostWaiting: number;
  /** One that has not happened again for so long waits no longer. */
  mostAgeMs: number;
  firstPauseMs: number;
  mostPauseMs: number;
}

const HOUR_MS = 3_600_000;

export const EVENT_PACE: EventPace = {
  mostAnHour: 30,
  repeatMs: 600_000,
  mostWaiting: 50,
  mostAgeMs: HOUR_MS,
  firstPauseMs: 1000,
  mostPauseMs: 30_000,
};

/** The parts of a teller. */
export interface EventParts {
  api: Api;
  log: Log;
  mode: "true" | "false" | "auto";
  /** The own Node; undefined while the API server has none. */
  node: () => Regarded | undefined;
  /** `failed` is a try, `dropped` an event that was lost; the others are events. */
  count(result: "created" | "repeated" | "suppressed" | "failed" | "dropped"): void;
  pace?: EventPace;
}

/** Events of an object that is in no namespace are in this one (events.k8s.io). */
const PATH = "/apis/events.k8s.io/v1/namespaces/default/events";
/** Bytes; the API server refuses a note of more than 1,024 (NoteLengthLimit). */
const MOST_OF_NOTE = 1000;

/** An event and its repetitions. */
interface Series {
  readonly key: string;
  readonly happening: Happening;
  /** Its name, which it keeps when it is sent again: where an answer was lost it is not made twice. */
  name: string;
  // Times by the clock that never jumps, as of performance.now.
  readonly first: number;
  last: number;
  count: number;
  /** When the API server last took it. */
  told: number | undefined;
  /** True while it waits or is on its way. */
  isWaiting: boolean;
}

/** Tells events, one request at a time. */
export class EventTeller {
  readonly #parts: EventParts;
  readonly #pace: EventPace;
  readonly #backoff: Backoff;
  readonly #signal: AbortSignal;
  /** What waits, and what was told within the hour: no more than `mostWaiting` and `mostAnHour`. */
  readonly #series = new Map<string, Series>();
  /** In the order in which they go out. */
  #waiting: Series[] = [];
  #times: number[] = [];
  #isOff: boolean;
  #isWorking = false;
  #lastFailure = "";

  constructor(parts: EventParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#pace = parts.pace ?? EVENT_PACE;
    this.#backoff = new Backoff({ firstMs: this.#pace.firstPauseMs, mostMs: this.#pace.mostPauseMs });
    this.#signal = signal;
    this.#isOff = parts.mode === "false";
  }

  /** Tells an event, soon. One that waits, or was told within the hour, is counted up instead. */
  tell(happening: Happening): void {
    if (this.#isOff) return;
    const now = performance.now();
    for (const { key, told, first } of this.#series.values())
      if (told !== undefined && now - first > HOUR_MS) this.#series.delete(key);
    const key = `${happening.code} ${happening.note}`;
    const known = this.#series.get(key);
    if (known === undefined) {
      const series = { key, happening, name: "", first: now, last: now, count: 1, told: undefined };
      this.#wait({ ...series, isWaiting: false }, "last");
    } else {
      known.last = now;
      known.count += 1;
      if (known.isWaiting || now - known.told! < this.#pace.repeatMs) this.#parts.count("suppressed");
      else this.#wait(known, "last");
    }
    void this.#work();
  }

  /** Puts an event in the queue. */
  #wait(series: Series, place: "first" | "last"): void {
    series.isWaiting = true;
    this.#series.set(series.key, series);
    this.#waiting[place === "first" ? "unshift" : "push"](series);
    while (this.#waiting.length > this.#pace.mostWaiting) this.#drop(this.#waiting.shift()!);
  }

  #drop(series: Series): void {
    this.#series.delete(series.key);
    this.#parts.count("dropped");
  }

  async #work(): Promise<void> {
    if (this.#isWorking) return;
    this.#isWorking = true;
    while (!this.#signal.aborted) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      const wait = await this.#attempt(next);
      if (wait > 0) await pause(wait, this.#signal);
    }
    this.#isWorking = false;
  }

  /** One try; gives the wait before the next. */
  async #attempt(series: Series): Promise<number> {
    const { node, count } = this.#parts;
    if (performance.now() - series.last > this.#pace.mostAgeMs) return (this.#drop(series), 0);
    const regarded = node();
    if (regarded === undefined) return (this.#wait(series, "first"), this.#backoff.next());
    try {
      count(await this.#send(series, regarded));
      series.isWaiting = false;
      this.#backoff.reset();
      this.#lastFailure = "";
      return 0;
    } catch (error) {
      return this.#failed(error, series);
    }
  }

  async #send(series: Series, regarded: Regarded): Promise<"created" | "repeated" | "suppressed"> {
    const isRepeated = series.told !== undefined && (await this.#repeat(series));
    if (!isRepeated && !(await this.#create(series, regarded))) {
      this.#series.delete(series.key);
      return "suppressed";
    }
    series.told = performance.now();
    return isRepeated ? "repeated" : "created";
  }

  /** Makes the event; false where there were too many within the hour. */
  async #create(series: Series, regarded: Regarded): Promise<boolean> {
    const now = performance.now();
    this.#times = this.#times.filter((time) => now - time < HOUR_MS);
    if (this.#times.length >= this.#pace.mostAnHour) return false;
    series.name ||= nameFor(regarded);
    try {
      await this.#parts.api.json({
        what: "create events",
        method: "POST",
        path: PATH,
        body: eventOf(series, regarded),
        signal: this.#signal,
      });
    } catch (error) {
      // The one of a try whose answer was lost.
      if (!isStatus(error, 409)) throw error;
    }
    this.#times.push(now);
    return true;
  }

  /** Counts the event up; false where the API server no longer has it. */
  async #repeat(series: Series): Promise<boolean> {
    try {
      await this.#parts.api.json({
        what: "patch events",
        method: "PATCH",
        path: `${PATH}/${series.name}`,
        contentType: "application/merge-patch+json",
        body: { series: repetitionsOf(series) },
        signal: this.#signal,
      });
      return true;
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
      series.name = "";
      return false;
    }
  }

  /** Puts an event back that may go out later; gives the wait before that. */
  #failed(error: unknown, series: Series): number {
    const { log, mode, count } = this.#parts;
    count("failed");
    const { message } = error as Error;
    if (mode === "auto" && error instanceof ApiError && error.failure === "forbidden") {
      this.#isOff = true;
      for (const each of [series, ...this.#waiting.splice(0)]) this.#drop(each);
      this.#series.clear();
      log.info("events-off", `no Events of the Node are told: ${message}`);
      return 0;
    }
    const isRefused = isStatus(error, 400, 404, 405, 413, 415, 422);
    if (isRefused) this.#drop(series);
    else this.#wait(series, "first");
    const wait = isRefused ? 0 : this.#backoff.next(error instanceof ApiError ? error.retryAfterMs : 0);
    const level = this.#lastFailure === message ? "debug" : "warn";
    log[level]("event-failed", `an Event of the Node could not be told: ${message}`, { retryMs: wait });
    this.#lastFailure = message;
    return wait;
  }
}

function isStatus(error: unknown, ...statuses: number[]): boolean {
  return error instanceof ApiError && error.status !== undefined && statuses.includes(error.status);
}

/** A name that no other event has, as those of other programs: the object's and something at random. */
function nameFor({ name }: Regarded): string {
  return `${name.slice(0, 200).replace(/[^a-z0-9]+$/, "")}.pontoon-${randomBytes(8).toString("hex")}`;
}

function eventOf(series: Series, { name, uid }: Regarded): object {
  const { type, code, note } = series.happening;
  return {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { name: series.name, namespace: "default" },
    eventTime: microTime(series.first),
    // A series begins with the second.
    ...(series.count > 1 && { series: repetitionsOf(series) }),
    reportingController: "pontoon-agent",
    reportingInstance: name.slice(0, 128),
    action: "Reconcile",
    reason: camelCase(code),
    regarding: { apiVersion: "v1", kind: "Node", name, uid },
    note: shortened(note),
    type,
  };
}

function repetitionsOf({ count, last }: Series): object {
  return { count, lastObservedTime: microTime(last) };
}

/** A note that the API server takes: whole characters of it. */
function shortened(note: string): string {
  const bytes = Buffer.from(note);
  if (bytes.length <= MOST_OF_NOTE) return note;
  let end = MOST_OF_NOTE;
  // A byte that goes on with a character is 10xxxxxx (RFC 3629).
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${bytes.toString("utf8", 0, end)}…`;
}

/**
 * A time of performance.now as the node's clock has it now, also where that was set meanwhile; of type
 * MicroTime: six digits behind the second.
 */
function microTime(ms: number): string {
  return new Date(Date.now() - (performance.now() - ms)).toISOString().replace("Z", "000Z");
}

function camelCase(code: string): string {
  return code.replaceAll(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
}
