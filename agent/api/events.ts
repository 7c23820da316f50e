// Events of the Node object, for people who look by kubectl: few, and each said once (events.k8s.io/v1).
import * as z from "zod/mini";
import type { Log } from "../log.ts";
import { ApiError } from "./api-error.ts";
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

/** The parts of a teller. */
export interface EventParts {
  api: Api;
  log: Log;
  mode: "true" | "false" | "auto";
  /** The own Node; undefined while the API server has none. */
  node: () => Regarded | undefined;
  count(result: "created" | "repeated" | "suppressed" | "failed"): void;
}

/** Events of an object that is in no namespace are in this one (events.k8s.io). */
const PATH = "/apis/events.k8s.io/v1/namespaces/default/events";
/** The API server refuses a longer note. */
const MOST_OF_NOTE = 1000;
const HOUR_MS = 3_600_000;
/** New events an hour, and the time between two repetitions of one. */
const MOST_AN_HOUR = 30;
const REPEAT_MS = 600_000;
const MOST_WAITING = 50;

const created = z.object({ metadata: z.object({ name: z.string() }) });

interface Known {
  name: string;
  count: number;
  first: number;
  told: number;
}

/** Tells events, one request at a time. */
export class EventTeller {
  readonly #parts: EventParts;
  readonly #known = new Map<string, Known>();
  readonly #signal: AbortSignal;
  #isOff: boolean;
  #waiting: Happening[] = [];
  #isWorking = false;
  #times: number[] = [];

  constructor(parts: EventParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
    this.#isOff = parts.mode === "false";
  }

  /** Tells an event, soon. One that was told within the hour is counted up instead. */
  tell(happening: Happening): void {
    if (this.#isOff) return;
    if (this.#waiting.length >= MOST_WAITING) return this.#parts.count("suppressed");
    this.#waiting.push(happening);
    void this.#work();
  }

  async #work(): Promise<void> {
    if (this.#isWorking) return;
    this.#isWorking = true;
    for (;;) {
      const next = this.#waiting.shift();
      if (next === undefined || this.#isOff || this.#signal.aborted) break;
      await this.#send(next).catch((error: unknown) => this.#failed(error));
    }
    this.#isWorking = false;
  }

  async #send(happening: Happening): Promise<void> {
    const now = Date.now();
    for (const [key, { first }] of this.#known) if (now - first > HOUR_MS) this.#known.delete(key);
    const key = `${happening.code} ${happening.note}`;
    const known = this.#known.get(key);
    return known === undefined ? this.#create(key, happening, now) : this.#repeat(known, now);
  }

  async #create(key: string, happening: Happening, now: number): Promise<void> {
    const { api, node, count } = this.#parts;
    const regarded = node();
    this.#times = this.#times.filter((time) => now - time < HOUR_MS);
    if (regarded === undefined || this.#times.length >= MOST_AN_HOUR) return count("suppressed");
    this.#times.push(now);
    const answer = await api.json({
      what: "create events",
      method: "POST",
      path: PATH,
      body: eventOf(happening, regarded, now),
      signal: this.#signal,
    });
    const { success, data } = created.safeParse(answer);
    if (success) this.#known.set(key, { name: data.metadata.name, count: 1, first: now, told: now });
    count("created");
  }

  async #repeat(known: Known, now: number): Promise<void> {
    known.count += 1;
    if (now - known.told < REPEAT_MS) return this.#parts.count("suppressed");
    known.told = now;
    await this.#parts.api.json({
      what: "patch events",
      method: "PATCH",
      path: `${PATH}/${known.name}`,
      contentType: "application/merge-patch+json",
      body: { series: { count: known.count, lastObservedTime: microTime(now) } },
      signal: this.#signal,
    });
    this.#parts.count("repeated");
  }

  #failed(error: unknown): void {
    const { log, mode, count } = this.#parts;
    count("failed");
    const message = (error as Error).message;
    if (mode === "auto" && error instanceof ApiError && error.failure === "forbidden") {
      this.#isOff = true;
      log.info("events-off", `no Events of the Node are told: ${message}`);
    } else log.warn("event-failed", `an Event of the Node could not be told: ${message}`);
  }
}

function eventOf({ type, code, note }: Happening, { name, uid }: Regarded, now: number): object {
  return {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { generateName: `${name}.pontoon-`, namespace: "default" },
    eventTime: microTime(now),
    reportingController: "pontoon-agent",
    reportingInstance: name.slice(0, 128),
    action: "Reconcile",
    reason: camelCase(code),
    regarding: { apiVersion: "v1", kind: "Node", name, uid },
    note: note.length > MOST_OF_NOTE ? `${note.slice(0, MOST_OF_NOTE)}…` : note,
    type,
  };
}

/** A time of type MicroTime: six digits behind the second. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000Z");
}

function camelCase(code: string): string {
  return code.replaceAll(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
}
