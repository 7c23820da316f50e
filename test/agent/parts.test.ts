// Small parts of the agent: settings, waits, lines, lists in pieces, triggers.
import { getEventListeners } from "node:events";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { retryAfterMs } from "../../agent/api/api-error.ts";
import { Backoff } from "../../agent/api/backoff.ts";
import { linesOf } from "../../agent/api/lines.ts";
import { ListSplitter } from "../../agent/api/list-splitter.ts";
import { openLog } from "../../agent/log.ts";
import { ProblemBook } from "../../agent/node/problems.ts";
import { Trigger } from "../../agent/node/trigger.ts";
import { helpText, OPTIONS, readSettings, variableOf, WrongSettings } from "../../agent/settings.ts";

const GIVEN = ["--node-name", "n", "--api", "https://10.0.0.1:6443"];

function problemsOf(args: readonly string[], env: Record<string, string> = {}): string {
  try {
    readSettings(args, env);
  } catch (error) {
    if (error instanceof WrongSettings) return error.problems.join("\n");
    throw error;
  }
  return "";
}

function settingsOf(args: readonly string[], env: Record<string, string> = {}) {
  const asked = readSettings(args, env);
  if (!("settings" in asked)) throw new Error("These are no settings.");
  return asked.settings;
}

describe("settings", () => {
  test("an option goes before its variable, and that before the default", () => {
    const env = { PONTOON_BACKEND: "vxlan", PONTOON_VNI: "7", PONTOON_NO_MASQUERADE: "10.0.0.0/8, fc00::/7" };
    const read = settingsOf([...GIVEN, "--vni", "9"], env);
    expect(read).toMatchObject({
      backend: "vxlan",
      vni: 9,
      port: 8472,
      "no-masquerade": ["10.0.0.0/8", "fc00::/7"],
    });
  });

  test.each([
    [{ KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_SERVICE_PORT: "443" }, "https://10.96.0.1/"],
    [{ KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "6443" }, "https://[fd00::1]:6443/"],
  ])("the API server is the cluster's service: %j", (env, url) => {
    expect(settingsOf([], { ...env, NODE_NAME: "n" }).api.href).toBe(url);
  });

  test.each([
    [["--backend", "ipip"], "--backend: must be auto, routes, vxlan or none"],
    [["--vni", "0"], "--vni: must be a whole number from 1 to 16777215"],
    [["--port", "70000"], "--port: must be a whole number from 1 to 65535"],
    [["--mtu", "big"], "--mtu: must be auto"],
    [["--masquerade", "no"], "--masquerade: must be true or false"],
    [["--no-masquerade", "10.0.0.1/8"], "--no-masquerade: must be a subnet by its first address"],
    [["--conf-dir", "etc"], "--conf-dir: must be an absolute path"],
    [["--conflist-name", "../x.conflist"], "--conflist-name: must be a name"],
    [["--conflist-patch", "[]"], "--conflist-patch: must be a JSON object"],
    [["--listen", "localhost:80"], "--listen: must be an address and a port"],
    [["--care-interval", "0s"], "--care-interval: must be a time of 1s at least"],
    [["--api", "http://10.0.0.1"], "--api: must be a URL that begins with https://"],
    [["--frobnicate"], "Unknown option '--frobnicate'"],
  ])("%j is refused in one sentence", (args, sentence) => {
    expect(problemsOf([...GIVEN, ...args])).toContain(sentence);
  });

  test("a variable of a switch is true or false, and anything else is told", () => {
    expect(settingsOf(GIVEN, { PONTOON_DRY_RUN: "true" })["dry-run"]).toBe(true);
    expect(settingsOf(GIVEN, { PONTOON_REMOVE: "false" }).remove).toBe(false);
    expect(problemsOf(GIVEN, { PONTOON_DRY_RUN: "1", PONTOON_REMOVE: "yes" })).toBe(
      "--dry-run: must be true or false\n--remove: must be true or false",
    );
  });

  test("without a node name and an API server both are asked for", () => {
    expect(problemsOf([])).toContain("--node-name: has to be given");
    expect(problemsOf([])).toContain("--api: has to be given where KUBERNETES_SERVICE_HOST is not set");
  });

  test("a removal needs neither", () => {
    expect(settingsOf(["--remove"]).remove).toBe(true);
  });

  test("the help names every option, in 80 columns", () => {
    const help = helpText();
    for (const name of Object.keys(OPTIONS)) expect(help).toContain(`--${name}`);
    expect(help.split("\n").filter((line) => line.length > 80)).toEqual([]);
    expect(variableOf("conf-dir")).toBe("PONTOON_CONF_DIR");
  });
});

describe("waits", () => {
  test("double up to the most, by up to a half shorter, and begin anew after a success", () => {
    const backoff = new Backoff({ firstMs: 100, mostMs: 1000 }, () => 1);
    expect([0, 1, 2, 3, 4, 5].map(() => backoff.next())).toEqual([50, 100, 200, 400, 500, 500]);
    backoff.reset();
    expect(backoff.next()).toBe(50);
    expect(backoff.next(5000)).toBeGreaterThanOrEqual(5000);
  });

  test.each([
    ["3", 3000],
    ["999999999", 120_000],
    ["Thu, 01 Jan 1970 00:00:10 GMT", 9000],
    ["Thu, 01 Jan 1970 00:00:00 GMT", 0],
    ["soon", 0],
    [undefined, 0],
  ])("Retry-After %j is %d ms", (text, ms) => {
    expect(retryAfterMs(text, 1000)).toBe(ms);
  });
});

/** The bytes in two chunks, for every place between them. */
function* halves(text: string): Generator<[Uint8Array, Uint8Array]> {
  const bytes = Buffer.from(text);
  for (let at = 0; at <= bytes.length; at++) yield [bytes.subarray(0, at), bytes.subarray(at)];
}

async function collected(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

async function* chunksOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

describe("text in pieces", () => {
  test("lines are whole wherever the bytes are cut; a half line at the end is none", async () => {
    const results = await Promise.all(
      [...halves("é1\n\n日本\nhalf")].map((chunks) => collected(linesOf(chunksOf(chunks), 100))),
    );
    expect(new Set(results.map(String))).toEqual(new Set(["é1,日本"]));
  });

  test("a line without an end is given up", async () => {
    const endless = chunksOf(Array.from({ length: 20 }, () => Buffer.alloc(10, 65)));
    await expect(collected(linesOf(endless, 100))).rejects.toThrow("longer than 100 bytes");
  });

  test.each([
    '{"metadata":{"resourceVersion":"7","x":[1,{"items":[2]}]},"items":[{"a":"]}\\"{["},{"b":{"items":[{}]},"é":"日"}],"z":"é"}',
    ' { "items" : [ ] , "metadata" : { "a" : [ [ ] ] } } ',
    '{"items":null,"other":[{"no":"item"}]}',
    '{"kind":"List"}',
  ])("a list is cut into its items and the rest wherever the bytes are cut: %s", (text) => {
    const whole = JSON.parse(text) as { items?: unknown[] | null };
    for (const chunks of halves(text)) {
      const items: unknown[] = [];
      const splitter = new ListSplitter((item) => items.push(JSON.parse(item)), 1000);
      for (const chunk of chunks) splitter.write(chunk);
      expect(items).toEqual(whole.items ?? []);
      expect(JSON.parse(splitter.end())).toEqual(
        "items" in whole && whole.items ? { ...whole, items: [] } : whole,
      );
    }
  });

  test("an item that is too long is given up", () => {
    const splitter = new ListSplitter(() => undefined, 100);
    splitter.write(Buffer.from('{"items":[{"a":"'));
    expect(() => splitter.write(Buffer.alloc(200, 65))).toThrow("longer than 100 bytes");
  });
});

describe("a trigger", () => {
  test("makes one pass of a burst, and one more of what comes meanwhile", async () => {
    const trigger = new Trigger({ quietMs: 5, mostMs: 50 });
    const never = new AbortController().signal;
    for (let at = 0; at < 100; at++) trigger.poke();
    await trigger.due(never);
    trigger.poke();
    await trigger.due(never);
    const stop = new AbortController();
    let isDue = false;
    const third = trigger.due(stop.signal).then(() => {
      isDue = true;
    });
    await new Promise(setImmediate);
    expect(isDue).toBe(false);
    stop.abort();
    await third;
  });

  test("a reason of the time of a pass is not put off by the next pass of its own", async () => {
    const trigger = new Trigger({ quietMs: 5, mostMs: 50 });
    const never = new AbortController().signal;
    trigger.poke();
    await trigger.due(never);
    trigger.poke();
    trigger.pokeAfter(60_000);
    const begin = performance.now();
    await trigger.due(never);
    expect(performance.now() - begin).toBeLessThan(5000);
  });

  test("a pass of its own comes without a reason", async () => {
    const trigger = new Trigger({ quietMs: 5, mostMs: 50 });
    trigger.pokeAfter(10);
    await expect(trigger.due(new AbortController().signal)).resolves.toBeUndefined();
  });

  test("leaves nothing at its signal, however many passes there were", async () => {
    const trigger = new Trigger({ quietMs: 0, mostMs: 0 });
    const { signal } = new AbortController();
    for (let pass = 0; pass < 5; pass++) {
      trigger.poke();
      await trigger.due(signal);
    }
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  test("does not wait for ever while reasons keep coming", async () => {
    vi.useFakeTimers();
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const trigger = new Trigger({ quietMs: 30, mostMs: 60 });
    let isDue = false;
    const due = trigger.due(new AbortController().signal).then(() => {
      isDue = true;
    });
    const times: number[] = [];
    for (let ms = 0; ms < 60; ms += 5) {
      trigger.poke();
      await vi.advanceTimersByTimeAsync(5);
      if (isDue) times.push(ms + 5);
    }
    await due;
    expect(times).toEqual([60]);
  });
});

test("an apply that fails solves no problem, and the next that does not ends its own alone", () => {
  const lines: string[] = [];
  const log = openLog({ level: "info", format: "json" }, (line) => lines.push(line));
  const told: string[] = [];
  const book = new ProblemBook(log, ({ text }) => told.push(text));
  const near = { code: "no-direct-way", node: "node2", text: "a" } as const;
  book.set([near]);
  book.addFailure({ code: "apply-failed", node: "node1", text: "b" });
  book.addFailure({ code: "apply-failed", node: "node1", text: "c" });
  expect([...book.counts()]).toEqual([
    ["no-direct-way", 1],
    ["apply-failed", 1],
  ]);
  book.set([near]);
  expect(told).toEqual(["a", "b", "c"]);
  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
    ...["a", "b", "no longer so: b", "c", "no longer so: c"],
  ]);
});

test("a line of the log is one line, whatever is in it", () => {
  const lines: string[] = [];
  const both = (["json", "text"] as const).map((format) =>
    openLog({ level: "info", format }, (line) => lines.push(line)),
  );
  for (const log of both) {
    log.info("code", "a\nb\u2028c", { more: "x\ny" });
    log.debug("code", "not said");
  }
  expect(lines.map((line) => line.split("\n").length)).toEqual([2, 2]);
});

describe("a log", () => {
  /** A log with a clock of its own, and what it says. */
  function logAt(level: "info" | "debug") {
    const clock = { ms: 0 };
    const lines: { level: string; msg: string; code: string; unsaid?: number }[] = [];
    const log = openLog(
      { level, format: "json" },
      (line) => lines.push(JSON.parse(line)),
      () => clock.ms,
    );
    return { clock, lines, log };
  }

  test("says a sentence five times in ten minutes, and how often it did not", () => {
    const { clock, lines, log } = logAt("info");
    for (let at = 0; at < 1200; at++) {
      clock.ms = at * 500;
      log.info("changed", "masquerade: added");
    }
    expect(lines).toHaveLength(5);
    clock.ms = 600_000;
    log.info("changed", "masquerade: added");
    log.info("changed", "route: added");
    expect(lines.slice(5).map(({ msg, unsaid }) => [msg, unsaid])).toEqual([
      ["masquerade: added", 1195],
      ["route: added", undefined],
    ]);
  });

  test("has a limit for sentences of one code, whatever they say, and none for those of others", () => {
    const { clock, lines, log } = logAt("info");
    for (let at = 0; at < 5000; at++) log.warn("wrong-address", `InternalIP ${at} is none`);
    expect(lines).toHaveLength(1000);
    log.error("apply-failed", "so");
    expect(lines.at(-1)?.code).toBe("apply-failed");
    clock.ms = 600_000;
    log.warn("wrong-address", "another");
    expect(lines).toHaveLength(1002);
  });

  test("has all lines at level debug", () => {
    const { lines, log } = logAt("debug");
    for (let at = 0; at < 20; at++) log.warn("care-failed", "so");
    expect(lines.map(({ level }) => level)).toEqual([...Array(5).fill("warn"), ...Array(15).fill("debug")]);
  });
});
