// Events of the Node, against a simulated API server over real TLS: told once, counted up, and not lost while
// the API server is away.
import type { ServerResponse } from "node:http";
import { afterEach, expect, test, vi } from "vitest";
import { EVENT_PACE, type EventPace, EventTeller } from "../../agent/api/events.ts";
import { Api } from "../../agent/api/http.ts";
import { openLog } from "../../agent/log.ts";
import { KubeApi, type Seen, sendStatus } from "../support/kube-api.ts";
import { enterOwnNetwork } from "../support/own-network.ts";
import { waitFor } from "../support/wait.ts";

enterOwnNetwork();
afterEach(() => vi.useRealTimers());

const EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events";

interface Sent {
  note: string;
  metadata: { name: string };
  series?: { count: number; lastObservedTime: string };
}

/** A teller with a server of its own, which has the node unless `node` says another. */
class Told implements AsyncDisposable {
  readonly api = new KubeApi();
  readonly counts: string[] = [];
  readonly codes: string[] = [];
  readonly stop = new AbortController();
  node: { name: string; uid: string } | undefined = { name: "node1", uid: "u1" };
  teller!: EventTeller;

  static async start(pace: Partial<EventPace> = {}, mode: "true" | "auto" = "auto"): Promise<Told> {
    const told = new Told();
    const { api } = told;
    api.fault = takeEvent;
    await api.start();
    const place = { url: new URL(api.url), serviceAccount: api.folder, userAgent: "test" };
    told.teller = new EventTeller(
      {
        api: new Api(place),
        log: openLog({ level: "debug", format: "json" }, (line) => {
          told.codes.push((JSON.parse(line) as { code: string }).code);
        }),
        mode,
        node: () => told.node,
        count: (result) => told.counts.push(result),
        pace: { ...EVENT_PACE, firstPauseMs: 5, mostPauseMs: 20, ...pace },
      },
      told.stop.signal,
    );
    return told;
  }

  tell(note: string): void {
    this.teller.tell({ type: "Warning", code: "no-way", note });
  }

  sent(method: "POST" | "PATCH"): Sent[] {
    return this.api.seen
      .filter((seen) => seen.method === method && seen.path.startsWith(EVENTS))
      .map(({ body }) => JSON.parse(body) as Sent);
  }

  /** The notes of new Events, in the order in which they came. */
  get notes(): string {
    return this.sent("POST")
      .map(({ note }) => note)
      .join(" ");
  }

  async hasCounted(result: string, times = 1): Promise<void> {
    await waitFor(
      `${result} is counted ${times} times; there is ${this.counts}`,
      () => this.counts.filter((each) => each === result).length === times,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await this.api[Symbol.asyncDispose]();
  }
}

/** Takes an Event as the API server does. */
function takeEvent({ path, method, body }: Seen, response: ServerResponse): boolean {
  if (!path.startsWith(EVENTS)) return false;
  response.writeHead(method === "POST" ? 201 : 200, { "content-type": "application/json" });
  response.end(body);
  return true;
}

test("Events wait for an API server that is away, equal ones counted up, and go out when it answers", async () => {
  await using told = await Told.start();
  await told.api.stop();
  for (const note of ["a", "b", "a", "a"]) told.tell(note);
  await told.hasCounted("failed", 3);
  expect(told.sent("POST")).toEqual([]);
  expect(told.codes.filter((code) => code === "event-failed")).toHaveLength(3);
  await told.api.start();
  await told.hasCounted("created", 2);
  expect(told.notes).toBe("a b");
  expect(told.sent("POST").map(({ series }) => series?.count)).toEqual([3, undefined]);
});

test("Events wait until the API server has the node", async () => {
  await using told = await Told.start();
  const { node } = told;
  told.node = undefined;
  told.tell("a");
  expect(told.sent("POST")).toEqual([]);
  told.node = node;
  await told.hasCounted("created");
  expect(told.notes).toBe("a");
});

test("of more Events than may wait the oldest are lost, and counted", async () => {
  await using told = await Told.start({ mostWaiting: 2 });
  await told.api.stop();
  for (const note of ["a", "b", "c", "d", "e"]) told.tell(note);
  await told.hasCounted("dropped", 3);
  await told.api.start();
  await told.hasCounted("created", 2);
  expect(told.notes).toBe("d e");
});

test("an Event that has waited too long is lost, and counted", async () => {
  await using told = await Told.start({ mostAgeMs: 30 });
  await told.api.stop();
  told.tell("old");
  await told.hasCounted("dropped");
  await told.api.start();
  told.tell("new");
  await told.hasCounted("created");
  expect(told.notes).toBe("new");
});

test("a 403 switches them off with all that wait", async () => {
  await using told = await Told.start();
  await told.api.stop();
  for (const note of ["a", "b"]) told.tell(note);
  told.api.fault = (_, response) => (sendStatus(response, 403, "forbidden"), true);
  await told.api.start();
  await waitFor("they are off", () => told.codes.includes("events-off"));
  await told.hasCounted("dropped", 2);
  told.tell("c");
  expect(told.notes).toBe("a");
});

test("with --events true a 403 is waited for: the right may come", async () => {
  await using told = await Told.start({}, "true");
  told.api.fault = (_, response) => (sendStatus(response, 403, "forbidden"), true);
  told.tell("a");
  await told.hasCounted("failed");
  told.api.fault = takeEvent;
  await told.hasCounted("created");
  expect(told.codes).not.toContain("events-off");
});

test("an Event whose answer was lost is told again by its name, so it is there once", async () => {
  await using told = await Told.start();
  told.api.fault = (_, response) => {
    told.api.fault = (__, next) => (sendStatus(next, 409, "already exists"), true);
    response.destroy();
    return true;
  };
  told.tell("a");
  await told.hasCounted("created");
  const [first, second, ...more] = told.sent("POST");
  expect(second?.metadata.name).toBe(first?.metadata.name);
  expect(more).toEqual([]);
});

test("an Event that the API server refuses for good holds up no other", async () => {
  await using told = await Told.start();
  told.api.fault = (seen, response) => {
    told.api.fault = takeEvent;
    sendStatus(response, 422, `${seen.method} is invalid`);
    return true;
  };
  for (const note of ["a", "b"]) told.tell(note);
  await told.hasCounted("dropped");
  await told.hasCounted("created");
  expect(told.notes).toBe("a b");
});

test("an Event that comes again is counted up in the one there is, no sooner than after the pause", async () => {
  await using told = await Told.start({ repeatMs: 50 });
  told.tell("a");
  await told.hasCounted("created");
  told.tell("a");
  expect(told.counts).toEqual(["created", "suppressed"]);
  await waitFor("the pause is over", () => (told.tell("a"), told.sent("PATCH").length === 1), 5000, 10);
  await told.hasCounted("repeated");
  const suppressed = told.counts.filter((result) => result === "suppressed").length;
  const [patch] = told.api.seen.filter(({ method }) => method === "PATCH");
  const [event] = told.sent("POST");
  expect(patch?.path).toBe(`${EVENTS}/${event?.metadata.name}`);
  const { series } = JSON.parse(patch?.body ?? "") as Sent;
  expect(series?.lastObservedTime).toMatch(/\.\d{6}Z$/);
  expect(series?.count).toBeGreaterThan(2);
  expect(series?.count).toBeLessThanOrEqual(suppressed + 2);
  expect(told.sent("POST")).toHaveLength(1);
});

test("an Event that went meanwhile is made anew instead of counted up", async () => {
  await using told = await Told.start({ repeatMs: 0 });
  told.tell("a");
  await told.hasCounted("created");
  told.api.fault = (seen, response) =>
    seen.method === "PATCH" ? (sendStatus(response, 404, "not found"), true) : takeEvent(seen, response);
  told.tell("a");
  await told.hasCounted("created", 2);
  const [first, second] = told.sent("POST");
  expect(second?.metadata.name).not.toBe(first?.metadata.name);
});

test("there are so many new Events an hour and no more", async () => {
  await using told = await Told.start({ mostAnHour: 2 });
  for (const note of ["a", "b", "c"]) told.tell(note);
  await told.hasCounted("suppressed");
  expect(told.notes).toBe("a b");
});

test("an Event is counted up though the clock was set back, as on a node that had a wrong one at first", async () => {
  await using told = await Told.start({ repeatMs: 1 });
  vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2046-01-01T00:00:00Z") });
  told.tell("a");
  await told.hasCounted("created");
  vi.setSystemTime(Date.parse("2026-01-01T00:00:00Z"));
  const begin = performance.now();
  await waitFor("the pause is over", () => performance.now() - begin > 1);
  told.tell("a");
  await told.hasCounted("repeated");
  expect(told.sent("PATCH")[0]?.series?.lastObservedTime).toMatch(/^20(25-12-31|26-01-01)T/);
});

test("an Event that waited while the clock was set forward is told, with its time by the clock of now", async () => {
  await using told = await Told.start();
  vi.useFakeTimers({ toFake: ["Date"], now: 1000 });
  const { node } = told;
  told.node = undefined;
  told.tell("a");
  vi.setSystemTime(Date.parse("2026-06-01T00:00:00Z"));
  told.node = node;
  await told.hasCounted("created");
  const [sent] = told.sent("POST") as (Sent & { eventTime: string })[];
  expect(sent?.eventTime).toMatch(/^2026-0(5-31|6-01)T/);
});

test("a long note is cut to what the API server takes, between characters", async () => {
  await using told = await Told.start();
  for (const note of ["ä", "日", "😀", "a😀"]) told.tell(note.repeat(1000));
  await told.hasCounted("created", 4);
  for (const { note } of told.sent("POST")) {
    expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1024);
    expect(Buffer.byteLength(note)).toBeGreaterThan(990);
    expect(note).not.toContain("\ufffd");
  }
});
